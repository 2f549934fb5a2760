//! What a new column of an older database is filled with.

use crate::sums::Spot;
use crate::{StoreError, sums, view};
use domain::{Digest, Object, ObjectId};
use ledger::Leaf;
use rusqlite::Connection;
use std::collections::BTreeMap;

/// Objects read at a time.
const PAGE: usize = 1_000;

/// Gives every object its digest, and every bucket its sum.
///
/// A row that cannot be read stays without: that is no reason not to start. It is not compared then.
pub(crate) fn digests(conn: &Connection) -> Result<(), StoreError> {
    let mut buckets = BTreeMap::<(i64, u16), Digest>::new();
    let mut after: Option<ObjectId> = None;
    loop {
        let sql = "SELECT id, data FROM object WHERE id > ?1 ORDER BY id LIMIT ?2";
        let params = (view::after(after.as_ref()), PAGE);
        let page: Vec<(ObjectId, Vec<u8>)> = view::rows(conn, sql, params, |row| {
            Ok((ObjectId::from_bytes(row.get(0)?), row.get(1)?))
        })?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        for (id, data) in &page {
            let Ok(object) = Object::decode(data) else {
                continue;
            };
            let Spot {
                bucket: Leaf { tree, no },
                digest,
            } = Spot::of(id, &object);
            let tree = sums::tree_number(tree);
            let sql = "UPDATE object SET tree = ?2, bucket = ?3, digest = ?4 WHERE id = ?1";
            let params = (id.as_bytes(), tree, no, sums::to_bytes(digest));
            conn.prepare_cached(sql)?.execute(params)?;
            let sum = buckets.entry((tree, no)).or_default();
            *sum = sum.plus(digest);
        }
    }
    for ((tree, bucket), sum) in buckets {
        let sql = "INSERT INTO digest (tree, bucket, sum) VALUES (?1, ?2, ?3)";
        let params = (tree, bucket, sums::to_bytes(sum));
        conn.prepare_cached(sql)?.execute(params)?;
    }
    Ok(())
}
