//! The audit trail: who did what, from where, and how it ended. Each server's own, beside the replicated objects.

use crate::{StoreError, Tx, View};
use domain::Timestamp;
use rusqlite::{OptionalExtension, Row};

/// What an entry is about. Each has room of its own, so that strangers who fail push out nothing that administrators did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrailKind {
    /// An administrative act.
    Act,
    /// Somebody has signed in.
    SignIn,
    /// Somebody was refused.
    Refusal,
}

impl TrailKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Act, Self::SignIn, Self::Refusal];

    fn number(self) -> i64 {
        match self {
            Self::Act => 0,
            Self::SignIn => 1,
            Self::Refusal => 2,
        }
    }

    fn of(number: i64) -> Self {
        match number {
            0 => Self::Act,
            1 => Self::SignIn,
            _ => Self::Refusal,
        }
    }
}

/// One entry. Its texts are cut to [`TrailEntry::TEXT_LENGTH_MAX`] when they are written, and hold no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailEntry {
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub kind: TrailKind,
    /// What was done, such as `user.create`.
    pub action: String,
    /// Who did it, or said to.
    pub who: String,
    /// From where: an address, or `local` and a process.
    pub origin: String,
    /// What it was done to.
    pub target: String,
    /// How it ended.
    pub result: String,
    /// So many alike were counted together.
    pub times: u32,
}

impl TrailEntry {
    /// Longest text, in characters.
    pub const TEXT_LENGTH_MAX: usize = 160;

    /// The entry as it is kept: texts of strangers are cut, and a control character is `?`.
    #[must_use]
    pub fn cut(mut self) -> Self {
        for text in [
            &mut self.action,
            &mut self.who,
            &mut self.origin,
            &mut self.target,
            &mut self.result,
        ] {
            let clean = |c: char| if c.is_control() { '?' } else { c };
            *text = text
                .chars()
                .take(Self::TEXT_LENGTH_MAX)
                .map(clean)
                .collect();
        }
        self
    }
}

/// Which entries.
#[derive(Clone, Debug)]
pub struct TrailQuery {
    /// Not before this moment.
    pub since: Timestamp,
    /// Before this moment.
    pub until: Timestamp,
    /// By this name only.
    pub who: Option<String>,
    /// Older than this entry.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: usize,
}

pub(crate) mod sql {
    pub const PAGE: &str =
        "SELECT n, at, kind, action, who, origin, target, result, times FROM trail
        WHERE at >= ?1 AND at < ?2 AND (at, n) < (?3, ?4) AND (?5 IS NULL OR who = ?5)
        ORDER BY at DESC, n DESC LIMIT ?6";
    pub const TRIM: &str = "DELETE FROM trail WHERE n IN
        (SELECT n FROM trail WHERE kind = ?1 AND at < ?2 ORDER BY at, n LIMIT ?3)";
    pub const OVER: &str =
        "SELECT at FROM trail WHERE kind = ?1 ORDER BY at DESC, n DESC LIMIT 1 OFFSET ?2";
}

impl View<'_> {
    /// Entries of the audit trail with their numbers, the latest first.
    ///
    /// # Errors
    /// SQLite failed.
    pub fn trail(&self, wanted: &TrailQuery) -> Result<Vec<(i64, TrailEntry)>, StoreError> {
        let (mut at, mut n) = (i64::MAX, i64::MAX);
        if let Some(before) = wanted.before {
            let sql = "SELECT at FROM trail WHERE n = ?1";
            let mut statement = self.conn.prepare_cached(sql)?;
            let found = statement.query_row([before], |row| row.get(0)).optional()?;
            // Entries go from the oldest on: behind one that is gone there is none.
            let Some(found) = found else {
                return Ok(Vec::new());
            };
            (at, n) = (found, before);
        }
        let limit = i64::try_from(wanted.limit).unwrap_or(i64::MAX);
        let (since, until) = (wanted.since.0, wanted.until.0);
        let mut statement = self.conn.prepare_cached(sql::PAGE)?;
        let rows = statement.query_map((since, until, at, n, &wanted.who, limit), entry)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The moment of the entry of a kind that is the first too many, if there are more than `entries_max`.
    ///
    /// # Errors
    /// SQLite failed.
    pub fn trail_over(
        &self,
        kind: TrailKind,
        entries_max: u64,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut statement = self.conn.prepare_cached(sql::OVER)?;
        let over = (
            kind.number(),
            i64::try_from(entries_max).unwrap_or(i64::MAX),
        );
        let found = statement.query_row(over, |row| row.get(0)).optional()?;
        Ok(found.map(Timestamp))
    }
}

impl Tx<'_> {
    /// Adds to the audit trail.
    ///
    /// # Errors
    /// SQLite failed.
    pub fn add_to_trail(&mut self, entry: TrailEntry) -> Result<(), StoreError> {
        let entry = entry.cut();
        let sql = "INSERT INTO trail (at, kind, action, who, origin, target, result, times)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        self.step(|tx| {
            let values = (
                entry.at.0,
                entry.kind.number(),
                &entry.action,
                &entry.who,
                &entry.origin,
                &entry.target,
                &entry.result,
                entry.times,
            );
            tx.execute(sql, values).map(drop)
        })
    }

    /// Forgets entries of a kind that are older than `before`, the oldest first, at most `most`. Returns how many.
    ///
    /// # Errors
    /// SQLite failed.
    pub fn trim_trail(
        &mut self,
        kind: TrailKind,
        before: Timestamp,
        most: usize,
    ) -> Result<usize, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.step(|tx| tx.execute(sql::TRIM, (kind.number(), before.0, most)))
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<(i64, TrailEntry)> {
    let kind: i64 = row.get(2)?;
    Ok((
        row.get(0)?,
        TrailEntry {
            at: Timestamp(row.get(1)?),
            kind: TrailKind::of(kind),
            action: row.get(3)?,
            who: row.get(4)?,
            origin: row.get(5)?,
            target: row.get(6)?,
            result: row.get(7)?,
            times: row.get(8)?,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Store};
    use tempfile::TempDir;

    fn at(ms: i64, kind: TrailKind, who: &str) -> TrailEntry {
        TrailEntry {
            at: Timestamp(ms),
            kind,
            action: "user.create".into(),
            who: who.into(),
            origin: "192.0.2.1".into(),
            target: "7200".into(),
            result: "done".into(),
            times: 1,
        }
    }

    fn all() -> TrailQuery {
        TrailQuery {
            since: Timestamp(0),
            until: Timestamp(i64::MAX),
            who: None,
            before: None,
            limit: 100,
        }
    }

    fn moments(view: &View<'_>, wanted: &TrailQuery) -> Vec<i64> {
        let found = view.trail(wanted).unwrap();
        found.iter().map(|(_, entry)| entry.at.0).collect()
    }

    #[test]
    fn entries_come_latest_first_page_by_page_and_outlive_a_restart() {
        let dir = TempDir::new().unwrap();
        let (mut writer, _) = Store::open(dir.path(), Options::default()).unwrap();
        let mut tx = writer.begin().unwrap();
        for ms in [10, 20, 20, 30, 40] {
            let who = if ms == 30 { "mallory" } else { "root" };
            tx.add_to_trail(at(ms, TrailKind::Act, who)).unwrap();
        }
        tx.commit().unwrap();
        drop(writer);
        let (_writer, readers) = Store::open(dir.path(), Options::default()).unwrap();
        readers
            .snapshot(|view| {
                assert_eq!(moments(view, &all()), [40, 30, 20, 20, 10]);
                let mut page = all();
                page.limit = 2;
                let mut seen = Vec::new();
                loop {
                    let found = view.trail(&page)?;
                    let Some((last, _)) = found.last() else { break };
                    page.before = Some(*last);
                    seen.extend(found.iter().map(|(_, entry)| entry.at.0));
                }
                assert_eq!(seen, [40, 30, 20, 20, 10]);
                let mut some = all();
                (some.since, some.until) = (Timestamp(20), Timestamp(40));
                assert_eq!(moments(view, &some), [30, 20, 20]);
                some.who = Some("mallory".into());
                assert_eq!(moments(view, &some), [30]);
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn what_is_too_old_or_too_much_goes_by_kind_the_oldest_first_and_in_steps() {
        let dir = TempDir::new().unwrap();
        let (mut writer, readers) = Store::open(dir.path(), Options::default()).unwrap();
        let mut tx = writer.begin().unwrap();
        tx.add_to_trail(at(1, TrailKind::Act, "root")).unwrap();
        for ms in 10..20 {
            tx.add_to_trail(at(ms, TrailKind::Refusal, "7999")).unwrap();
        }
        tx.commit().unwrap();
        let over = |max| readers.snapshot(|view| view.trail_over(TrailKind::Refusal, max));
        assert_eq!(over(10).unwrap(), None);
        assert_eq!(over(4).unwrap(), Some(Timestamp(15)));
        let mut tx = writer.begin().unwrap();
        let before = Timestamp(16);
        assert_eq!(tx.trim_trail(TrailKind::Refusal, before, 4).unwrap(), 4);
        assert_eq!(tx.trim_trail(TrailKind::Refusal, before, 4).unwrap(), 2);
        assert_eq!(tx.trim_trail(TrailKind::Refusal, before, 4).unwrap(), 0);
        tx.commit().unwrap();
        let left = readers.snapshot(|view| Ok(moments(view, &all()))).unwrap();
        assert_eq!(left, [19, 18, 17, 16, 1]);
    }

    #[test]
    fn what_strangers_write_is_cut_and_cannot_break_a_line() {
        let mut entry = at(1, TrailKind::Refusal, "x\nroot\u{1b}[31m");
        entry.target = "7".repeat(10_000);
        let entry = entry.cut();
        assert_eq!(entry.who, "x?root?[31m");
        assert_eq!(entry.target.len(), TrailEntry::TEXT_LENGTH_MAX);
    }
}
