//! The three places an object can lie in, as tables of one form.
//!
//! A rebuild makes what is staged live and what was live kept by renaming the tables (E18), so that it takes the same time for ten
//! objects and for a million. Two things follow. The columns of the three never differ. And an index keeps its name while its table
//! is renamed, so after an odd number of rebuilds `staged_number` may well belong to `object`: the names of indexes only tell them
//! apart, and no statement uses one.

/// Where an object lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Space {
    /// What the server serves.
    Live,
    /// What a rebuild has fetched so far.
    Staged,
    /// What tasks have removed, for some days.
    Kept,
}

/// The statements of one space.
#[derive(Debug)]
pub(crate) struct Statements {
    pub object: &'static str,
    /// What [`crate::put`] has to know of an object that is replaced.
    pub old: &'static str,
    /// What is kept of a row that cannot be read.
    pub remains: &'static str,
    pub put: &'static str,
    pub remove: &'static str,
    pub page: &'static str,
    pub ids: &'static str,
    pub is_empty: &'static str,
}

macro_rules! statements {
    ($table:literal) => {
        Statements {
            object: concat!("SELECT id, data FROM ", $table, " WHERE id = ?1"),
            old: concat!("SELECT kind, body, tree, bucket, digest FROM ", $table, " WHERE id = ?1"),
            remains: concat!("SELECT kind, owner, body, data FROM ", $table, " WHERE id = ?1"),
            // Tree and bucket follow from id and owner, which stay as they are, so replacing an object leaves that index alone.
            put: concat!(
                "INSERT INTO ", $table, " (id, kind, owner, body, data, number, home, place, filed_at, received_at, unread, bytes,
                     tree, bucket, digest)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
                 ON CONFLICT (id) DO UPDATE SET kind = ?2, owner = ?3, body = ?4, data = ?5, number = ?6, home = ?7,
                     place = ?8, filed_at = ?9, received_at = ?10, unread = ?11, bytes = ?12, digest = ?15"
            ),
            remove: concat!("DELETE FROM ", $table, " WHERE id = ?1"),
            page: concat!("SELECT id, data FROM ", $table, " WHERE id > ?1 ORDER BY id LIMIT ?2"),
            ids: concat!("SELECT id FROM ", $table, " WHERE id > ?1 ORDER BY id LIMIT ?2"),
            is_empty: concat!("SELECT NOT EXISTS (SELECT 1 FROM ", $table, ")"),
        }
    };
}

pub(crate) static LIVE: Statements = statements!("object");
pub(crate) static STAGED: Statements = statements!("staged");
pub(crate) static KEPT: Statements = statements!("kept");

impl Space {
    /// Its statements.
    pub(crate) fn sql(self) -> &'static Statements {
        match self {
            Self::Live => &LIVE,
            Self::Staged => &STAGED,
            Self::Kept => &KEPT,
        }
    }
}
