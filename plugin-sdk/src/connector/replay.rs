//! Whether a call that got no answer may be sent again: what is done once must not happen twice.

/// What a repetition of a call would do, said by each call of the client.
///
/// ```text
///                       never left here     may have been done     the server in use is left
/// Safe, ByKey           sent again          sent again             sent again to the other
/// Never                 sent again          the caller is told     waits for its answer where it is
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Replay {
    /// Done twice is as good as done once: it reads, or it names the state that is to be.
    Safe,
    /// It names what it makes by an id that the client has drawn, so a server knows a repetition and answers it as the first time.
    ByKey,
    /// A repetition could do something else than the first: the caller has to look before it tries again.
    Never,
}

/// What is known of a call that got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It never left here: no connection was made.
    NotSent,
    /// A server may have done it.
    Unknown,
}

impl Replay {
    /// Whether a call of this class is sent again after a try that came to `fate`.
    pub fn repeats_after(self, fate: Fate) -> bool {
        match (self, fate) {
            (Self::Safe | Self::ByKey, _) | (Self::Never, Fate::NotSent) => true,
            (Self::Never, Fate::Unknown) => false,
        }
    }

    /// Whether a call that is under way goes over to the other server when the one that has it is left.
    pub fn follows(self) -> bool {
        self.repeats_after(Fate::Unknown)
    }
}
