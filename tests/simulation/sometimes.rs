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
    Held: "object held",
    HeldForRemoteUser: "user held because of a Temporary Remote User",
    HeldForNumber: "user held because its number is taken",
    HeldForClass: "user held because its class is missing",
    HeldForCapacity: "user held because there is no room",
    ConditionsChange: "conditions changed",
    LoggedIn: "somebody logged in",
    TaskBegan: "task started",
    ResyncDone: "resync done",
    AuditDone: "audit done",
    RebuildDone: "rebuild done",
    MailboxesDone: "mailbox resync done",
    Rebuilt: "live and staged objects changed places",
    TaskAborted: "task stopped where it was started",
    TaskAbortedThere: "task stopped at the partner",
    TaskGaveWay: "two tasks began at once",
    TaskWentBack: "task ended because a server went back",
    TaskExpired: "task open for too long",
    GuardExceeded: "deletion guard blown",
    GrUserDeleted: "GR user without original deleted",
    Damaged: "object lost from a store",
    BodyGone: "body lost at rest",
    BodyRots: "body rotten at rest",
    RowSpoilt: "row unreadable",
    RowSpoiltMarked: "row of a marked object unreadable",
    Repaired: "something damaged comes back",
    NoCopyLeft: "no copy left of something damaged",
    OriginalLost: "local user lost from its store",
    DeclinedNotRunning: "task declined: partner not running",
    DeclinedBusy: "task declined: another is open",
    DeclinedRecovering: "task declined: recovery comes first",
    DeclinedClearing: "task declined: clearing away",
    NothingKept: "undo declined: nothing kept",
    Retransmitted: "object sent again",
    MarkOutlived: "acknowledgement of an older version",
    Orphan: "message before its user",
    GraveAnswered: "tombstone given for what came back",
    SessionRenewed: "session with a new incarnation of the partner",
    Unknown: "partner unknown",
    Down: "partner down",
    CaughtUp: "caught up after having been behind",
    DroppedOld: "old number dropped",
    Unheard: "deleted before anybody heard of it",
    Restored: "server restored from a backup",
    OlderBodies: "database restored, and bodies of an older backup",
    NewerBodies: "database restored, and bodies of the disk",
    BothRestored: "both servers restored",
    PartnerRolledBack: "partner found to have gone back",
    RolledBack: "server found that it went back itself",
    InDoubt: "server that cannot say whether it went back",
    KeptInDoubt: "only on the side that went back: the partner is asked",
    Differing: "different on the two sides of a recovery",
    Wanted: "asked for after a restore",
    Recovered: "recovery finished",
    UserTakenBack: "home takes its own user back",
    WindowFull: "several data messages under way",
    Rewound: "machine resumed from a snapshot",
    ForkUnheard: "resumed machine ends before it hears of its fork",
    Twins: "server running twice",
    RunsTwice: "partner said to run twice",
    TwinEnds: "one of two copies switched off",
    RelayRestart: "relay releases an old queue",
    DiskFull: "disk that cannot sync: the process ends",
    StoreFailed: "store failed in the middle of a transaction",
    Courtesy: "courtesy down",
    DiskStaysFull: "disk that stays full: transaction undone",
    DaysPass: "both servers off for days",
    QuarterPasses: "a quarter of a year in peace",
    MessageDamaged: "content lost from a store where servers go back",
    GrOff: "GR taken off a server",
    GrOn: "GR put on again",
    ChangedWhileOff: "changed while GR was off",
    BothPressed: "same task started on both servers at once",
    DeletedInTask: "user deleted during a task",
    NumberReused: "user deleted, its number given to another at once",
    AbortComparing: "task stopped while comparing",
    AbortComparingThere: "task stopped while comparing, from the partner",
    AbortSettling: "task stopped while settling",
    AbortSettlingThere: "task stopped while settling, from the partner",
    AbortWaiting: "task stopped while waiting",
    AbortWaitingThere: "task stopped while waiting, from the partner",
    AbortDeleting: "task stopped while deleting",
    AbortDeletingThere: "task stopped while deleting, from the partner",
    AbortClearing: "rebuild stopped while clearing",
    AbortClearingThere: "rebuild stopped while clearing, from the partner",
    AbortFetching: "rebuild stopped while fetching",
    AbortFetchingThere: "rebuild stopped while fetching, from the partner",
    AimedKill: "crash when a task enters a phase",
    AimedRestore: "restore when a task enters a phase",
    CalmRebuild: "rebuild while nothing else happens",
    CalmAbort: "rebuild stopped while nothing else happens",
    LinkFull: "message dropped by a full link",
    LinkBroke: "link broken with all that it held",
    LongBody: "message with a long body",
    PieceSent: "piece of a long body sent",
    DiskFault: "disk failed during a group",
    PowerCut: "power cut",
    DurableUntold: "durable, and nobody was told",
    GroupSplit: "jobs of one moment in several groups",
    AnsweredReplicated: "caller told that it is on both",
    AnsweredUndone: "caller told that it was undone",
    FreshPassed: "fresh message passed a backlog on a slow link",
}

/// What happens only where stores are real ones.
const ON_DISK: [Sometimes; 3] = [
    Sometimes::DiskFault,
    Sometimes::PowerCut,
    Sometimes::DurableUntold,
];

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

    /// What happened less than `times` times: of what happens only where stores are real ones, or of all else.
    pub fn rarer_than(&self, times: u64, on_disk: bool) -> Vec<&'static str> {
        let only = ON_DISK.map(|what| NAMES[what as usize]);
        let pairs = NAMES.iter().zip(&self.0);
        pairs
            .filter(|(name, count)| **count < times && only.contains(name) == on_disk)
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
