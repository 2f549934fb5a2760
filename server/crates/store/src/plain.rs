//! Secrets that an earlier release left plain in their rows: sealed when a store is opened.

use crate::secrets::Secrets;
use crate::{StoreError, seal, view};
use rusqlite::{Connection, TransactionBehavior};
use std::borrow::Cow;

/// Seals them, wherever objects lie. No version changes, so no digest and no sum does.
pub(crate) fn seal_all(conn: &mut Connection, secrets: &Secrets) -> Result<(), StoreError> {
    if !secrets.are_sealed() {
        return Ok(());
    }
    // What was there before is overwritten, and not only given up.
    conn.pragma_update(None, "secure_delete", true)?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for table in ["object", "staged", "kept"] {
        let sql = format!("SELECT id, data FROM {table} WHERE kind = 6");
        for (id, read) in view::rows(&tx, &sql, [], view::read_object)? {
            let Ok(object) = read else {
                continue;
            };
            if let Cow::Owned(sealed) = secrets.sealed(&id, &object) {
                let sql = format!("UPDATE {table} SET data = ?2 WHERE id = ?1");
                tx.execute(&sql, (id.as_bytes(), seal::seal(&id, &sealed)))?;
            }
        }
    }
    tx.commit()?;
    conn.pragma_update(None, "secure_delete", false)?;
    Ok(())
}
