//! What decides, besides the users themselves, which of them are on both servers (R9): data of each server's own, not replicated.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The conditions of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplicationConstraints {
    /// VPIM shortcuts of this server.
    pub shortcuts: Vec<Shortcut>,
    /// Mailbox numbers of its Temporary Remote Users: stubs for users of the network.
    pub remote_users: BTreeSet<String>,
    /// Numbers of its mailbox classes; `None`: any class will do.
    pub classes: Option<BTreeSet<i64>>,
    /// So many users it has room for, local and GR together; `None`: no limit but the disk.
    pub users_max: Option<u64>,
    /// Its disk is nearly full: it takes nothing that needs a body.
    pub no_room: bool,
}

/// A VPIM shortcut: what is dialled before the mailbox number, and how many of its last digits are the mailbox number's first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shortcut {
    /// Digits.
    pub prefix: String,
    /// So many of the prefix's last digits overlap with the mailbox number; 0 to its length.
    pub overlap: u8,
}

impl Shortcut {
    /// Whether the last digits of the prefix are the first of the mailbox number. Without overlap there is nothing to match.
    pub fn matches(&self, number: &str) -> bool {
        let overlap = usize::from(self.overlap);
        let start = self.prefix.len().checked_sub(overlap);
        let digits = start.and_then(|start| self.prefix.get(start..));
        overlap > 0 && digits.is_some_and(|digits| number.starts_with(digits))
    }
}

impl ReplicationConstraints {
    /// Whether the VPIM shortcuts let a mailbox be replicated (R9 a): no shortcut has an overlap, or one of those that have matches.
    /// With prefix 1272 and overlap 2, mailbox 7200 is replicated and 7300 is not.
    pub fn overlap_allows(&self, number: &str) -> bool {
        let mut with_overlap = self.shortcuts.iter().filter(|s| s.overlap > 0).peekable();
        with_overlap.peek().is_none() || with_overlap.any(|shortcut| shortcut.matches(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constraints(shortcuts: &[(&str, u8)]) -> ReplicationConstraints {
        let shortcuts = shortcuts.iter().map(|(prefix, overlap)| Shortcut {
            prefix: (*prefix).to_owned(),
            overlap: *overlap,
        });
        ReplicationConstraints {
            shortcuts: shortcuts.collect(),
            ..ReplicationConstraints::default()
        }
    }

    #[test]
    fn the_overlap_of_the_guide_lets_7200_through_and_not_7300() {
        let guide = constraints(&[("1272", 2)]);
        assert!(guide.overlap_allows("7200"));
        assert!(!guide.overlap_allows("7300"));
    }

    #[test]
    fn without_overlap_every_mailbox_is_replicated_and_with_some_one_must_match() {
        assert!(constraints(&[]).overlap_allows("7300"));
        assert!(constraints(&[("1272", 0)]).overlap_allows("7300"));
        assert!(!constraints(&[("1273", 0), ("1272", 2)]).overlap_allows("7300"));
        assert!(constraints(&[("1273", 2), ("1272", 2)]).overlap_allows("7300"));
        assert!(
            !constraints(&[("72", 3)]).overlap_allows("7200"),
            "more overlap than prefix"
        );
    }
}
