//! The rules of the protocol that a test can turn off.

/// A rule of the protocol, by the letter it has in the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// E1: a change marks its object.
    MarkWithChange,
    /// E2: a mark goes only by an acknowledgement of the very version that was sent.
    MarkByVersion,
    /// E4: an older value never replaces a newer one.
    Join,
    /// E4: deletion is final.
    DeletionIsFinal,
    /// E6: messages count only between the two adopted incarnations.
    Incarnation,
    /// E6: an incarnation is adopted only for the echo of an open challenge.
    Challenge,
    /// E7: processed numbers, and those below the last acknowledgement, are dropped.
    Numbers,
    /// E8: a tombstone stays until its acknowledgement.
    TombstoneUntilAck,
    /// E9: the deletion record answers what comes back from the dead.
    DeletionRecord,
    /// E14: data only while the partner is running.
    OnlyRunning,
    /// E20: a remote clock far ahead is not absorbed.
    ClockBound,
    /// E20: a local write is newer than what it replaces.
    WriteWins,
    /// E21: what is refused never stops the rest.
    SetAside,
    /// E23: a body that is missing is asked for.
    AskForBody,
    /// E11: a new incarnation whose past lacks what is known of it went back in time.
    History,
    /// E10: what a mark was cleared by is part of what is known of the partner.
    KnownByAck,
    /// E25: only its home creates a user.
    OnlyHomeCreates,
    /// E24: a list that data has overtaken is dropped.
    Overtaken,
    /// E24: more here than what arrived is marked.
    AnswerMore,
    /// E17: a task deletes last, and only what is still without an original.
    DeleteLast,
    /// E18: what is written while a rebuild is under way is staged, too.
    StageToo,
    /// E18: what is marked when a rebuild begins is staged.
    StageMarked,
    /// E18: a rebuild begins anew when one of the servers went back in time.
    StageAnew,
    /// E19: nothing deletes many without an administrator's word.
    DeletionGuard,
    /// E13: what was said and not confirmed is remembered over a restart.
    Unconfirmed,
    /// E13: of what did not fit there, the worst is assumed.
    UnconfirmedGap,
    /// E13: whoever says two things under one number is found out.
    ForkShows,
    /// E13: so is whoever names another message under a number than the one that came.
    PrecedingShow,
    /// E13: whoever hears an echo of what it never said has gone back.
    EchoShows,
    /// E13: whoever has seen less than it had is found out.
    SeenRises,
    /// E6: two incarnations have one session, and no second.
    MeetOnce,
    /// E12: what the partner lists is not unsent, whatever a backup says.
    ListedIsHeardOf,
    /// E9: contents whose user was deleted here are deleted there.
    DeletionRecordOfOwner,
    /// E17: what belonged to a user that a task takes away goes on both servers.
    NobodysToo,
}

impl Rule {
    /// All rules that can be turned off.
    pub const ALL: &[Self] = &[
        Self::MarkWithChange,
        Self::MarkByVersion,
        Self::Join,
        Self::DeletionIsFinal,
        Self::Incarnation,
        Self::Challenge,
        Self::Numbers,
        Self::TombstoneUntilAck,
        Self::DeletionRecord,
        Self::OnlyRunning,
        Self::ClockBound,
        Self::WriteWins,
        Self::SetAside,
        Self::AskForBody,
        Self::History,
        Self::KnownByAck,
        Self::OnlyHomeCreates,
        Self::Overtaken,
        Self::AnswerMore,
        Self::DeleteLast,
        Self::StageToo,
        Self::StageMarked,
        Self::StageAnew,
        Self::DeletionGuard,
        Self::ForkShows,
        Self::PrecedingShow,
        Self::Unconfirmed,
        Self::UnconfirmedGap,
        Self::EchoShows,
        Self::SeenRises,
        Self::MeetOnce,
        Self::ListedIsHeardOf,
        Self::DeletionRecordOfOwner,
        Self::NobodysToo,
    ];
}

/// Which rules hold. In a server all of them always do, and this type is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    #[cfg(feature = "rule-switches")]
    off: Option<Rule>,
}

impl Rules {
    /// All rules but one.
    #[cfg(feature = "rule-switches")]
    pub fn without(rule: Rule) -> Self {
        Self { off: Some(rule) }
    }

    /// Whether this rule holds.
    #[inline]
    pub(crate) fn hold(self, rule: Rule) -> bool {
        #[cfg(feature = "rule-switches")]
        return self.off != Some(rule);
        #[cfg(not(feature = "rule-switches"))]
        {
            let _ = rule;
            true
        }
    }
}
