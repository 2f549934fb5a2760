//! What must happen sometimes: a simulator that never reaches a fault or a state proves nothing about it.

use std::fmt;

macro_rules! sometimes {
    ($($name:ident: $text:literal,)*) => {
        /// A fault, or a state of the pair.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Sometimes { $(#[doc = $text] $name,)* }

        const NAMES: &[&str] = &[$($text,)*];
    };
}

sometimes! {
    MailLost: "mail lost",
    MailDoubled: "mail doubled",
    MailLate: "mail late by minutes or hours",
    MailOvertaken: "mail overtaken by later mail",
    MailCut: "mail cut by a partition",
    OldCopy: "old copy delivered",
    CrashBeforeCommit: "crash before the commit",
    CrashAfterCommit: "crash between commit and sending",
    CrashIdle: "crash between transactions",
    ClockJump: "clock jumps",
    LinkDown: "link reported broken",
    LinkUp: "link reported repaired",
    BodyLost: "body lost on its way",
    NeedBody: "body asked for",
    Grouped: "several inputs in one transaction",
    SameRegister: "same register changed on both sides",
    DeletedMeanwhile: "changed on one side, deleted on the other",
    UserDeleted: "user deleted with messages",
    BadItem: "item that is refused for good",
    SetAside: "item set aside",
    Retransmitted: "object sent again",
    MarkOutlived: "acknowledgement of an older version",
    Orphan: "message before its user",
    GraveAnswered: "tombstone given for what came back",
    SessionRenewed: "session with a new life of the partner",
    Unknown: "partner unknown",
    Down: "partner down",
    CaughtUp: "caught up after having been behind",
    DroppedOld: "old number dropped",
    Unheard: "deleted before anybody heard of it",
    Restored: "server restored from a backup",
    BothRestored: "both servers restored",
    PartnerWentBack: "partner found to have gone back",
    WentBack: "server found that it went back itself",
    DeletedByAbsence: "deleted because absent at the partner",
    KeptInDoubt: "kept because nobody can know",
    Differing: "different on the two sides of a recovery",
    Wanted: "asked for after a restore",
    Recovered: "recovery finished",
    UserTakenBack: "home takes its own user back",
    WindowFull: "several data messages under way",
}

/// How often each of it has happened.
#[derive(Clone, Debug)]
pub struct Counters([u64; NAMES.len()]);

impl Default for Counters {
    fn default() -> Self {
        Self([0; NAMES.len()])
    }
}

impl Counters {
    pub fn hit(&mut self, what: Sometimes) {
        self.0[what as usize] += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += theirs;
        }
    }

    /// What happened less than `times` times.
    pub fn rarer_than(&self, times: u64) -> Vec<&'static str> {
        let pairs = NAMES.iter().zip(&self.0);
        pairs
            .filter(|(_, count)| **count < times)
            .map(|(name, _)| *name)
            .collect()
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in NAMES.iter().zip(&self.0) {
            writeln!(f, "  {count:>9}  {name}")?;
        }
        Ok(())
    }
}
