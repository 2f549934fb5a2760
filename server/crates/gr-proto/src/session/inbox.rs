//! What has been received in a session: which numbers were processed, and what the acknowledgement says of them (E3, E7).

use crate::preceding::{Preceding, fingerprint};
use crate::{Ack, Header, Limits, Payload, RangeSet, Refusal, Report, Rule, Rules, Seen, limits};
use domain::ObjectId;
use ledger::Reason;
use std::collections::BTreeMap;

/// What is to become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// It is processed.
    Yes,
    /// It is dropped.
    No,
    /// Another message had this number. An incarnation says each thing once, so it was wound back in flight and says something else now, or
    /// two copies of it are running (E13).
    NumberReuse,
}

/// The receiving half of a session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inbox {
    limits: Limits,
    /// Processed numbers above `floor`.
    done: RangeSet,
    /// Their ids.
    ids: BTreeMap<u64, u64>,
    /// Of numbers that have not come: the fingerprints that they have by what came later.
    foretold: BTreeMap<u64, u16>,
    /// What the message after the newest names, if it is of the same past: then there is nothing to compare.
    expected: (u64, Preceding),
    /// The sum of those ids.
    sum: u64,
    /// Below it everything is settled and forgotten.
    floor: u64,
    /// The number of the last processed acknowledgement.
    last_ack: u64,
    /// The number of the last processed data message.
    last_data: u64,
    /// The highest processed number.
    seen: Seen,
    /// Items of processed messages that were not applied.
    refused: BTreeMap<(u64, ObjectId), (Reason, Option<u32>)>,
    /// An acknowledgement is due.
    due: bool,
    /// Messages processed since the last acknowledgement.
    unacked: u64,
}

/// Whether the sender says it again as long as it is not acknowledged. What it does not wait for is heard even if its number finds no
/// room among those that were processed: an acknowledgement is what makes room, and two servers that both drop acknowledgements for
/// want of room would answer each other without end.
fn is_waited_for(payload: &Payload) -> bool {
    !matches!(payload, Payload::Ack(_) | Payload::Heartbeat(_))
}

impl Inbox {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Whether a message is to be processed. If so, it counts as processed from now on: the transaction makes both true at once.
    ///
    /// Dropped is what was processed already, what the sender calls settled, and what is below the last processed
    /// acknowledgement: that acknowledgement may have removed a tombstone here, and an older message could bring the object back
    /// (E7; test `an_old_message_cannot_bring_back_what_an_acknowledged_deletion_removed`).
    ///
    /// A list is dropped, too, if later data overtook it: it does not know the objects in that data, and would have them deleted
    /// (E24; test `a_list_that_data_has_overtaken_deletes_nothing`).
    pub(crate) fn admit(&mut self, header: &Header, payload: &Payload, rules: Rules) -> Admitted {
        let no = header.no;
        if self.is_of_another_past(header, rules) {
            return Admitted::NumberReuse;
        }
        let lists = match payload {
            Payload::List(_) => true,
            Payload::Response(answer) => answer.reply.lists(),
            _ => false,
        };
        if lists && no < self.last_data && rules.hold(Rule::Overtaken) {
            return Admitted::No;
        }
        let numbers = rules.hold(Rule::Numbers);
        if no == 0
            || (numbers && (no <= self.floor || no < self.last_ack || self.done.contains(no)))
        {
            return Admitted::No;
        }
        // First of all, so that nothing is ever full of what the sender has heard of: whoever could not hear that would stay deaf.
        self.settle(header.settled);
        let items = match payload {
            Payload::Data(items) => Some(items.len()),
            _ => None,
        };
        // Data alone, for it alone can be refused; acknowledgements and heartbeats are heard in any case.
        let full = items.is_some_and(|items| {
            !self.refused.is_empty() && self.refused.len() + items > self.limits.refusals
        });
        let counted = self.done.contains(no) || no <= self.floor;
        if full || (!counted && !self.remember(header) && is_waited_for(payload)) {
            // The acknowledgement that makes room may have been lost: it is said again.
            self.due = true;
            return Admitted::No;
        }
        if items.is_some() {
            self.last_data = self.last_data.max(no);
        }
        if no > self.seen.no {
            self.seen = Seen { no, id: header.id };
        }
        self.unacked += 1;
        Admitted::Yes
    }

    /// Whether it differs from what came, or names something else than what came: under its own number, or under one before it (E13; test
    /// `a_message_that_is_lost_is_known_by_the_next_one`).
    fn is_of_another_past(&self, header: &Header, rules: Rules) -> bool {
        let no = header.no;
        if rules.hold(Rule::ForkShows) && self.ids.get(&no).is_some_and(|id| *id != header.id) {
            return true;
        }
        if no <= self.floor || !rules.hold(Rule::PrecedingShow) {
            return false;
        }
        if self.is_expected(header) {
            return false;
        }
        let named = &header.preceding;
        let first = named.first(no).max(self.floor + 1);
        let came = self.ids.range(first..no);
        let mut came = came.map(|(no, id)| (*no, fingerprint(*id)));
        came.any(|(before, print)| named.of(before, no) != Some(print))
            || self.differs_from_what_was_foretold(header, first)
    }

    /// Whether it follows the newest message and names what that one named: all of it has been compared.
    fn is_expected(&self, header: &Header) -> bool {
        let (no, named) = &self.expected;
        header.no == *no && self.foretold.is_empty() && named.begins_with(&header.preceding)
    }

    /// Whether it is or names something else than what later messages have named.
    fn differs_from_what_was_foretold(&self, header: &Header, first: u64) -> bool {
        let named = |before| match before {
            before if before == header.no => Some(fingerprint(header.id)),
            before => header.preceding.of(before, header.no),
        };
        let mut foretold = self.foretold.range(first..=header.no);
        foretold.any(|(before, print)| named(*before) != Some(*print))
    }

    /// Remembers what a message says of numbers that have not come.
    fn foretell(&mut self, header: &Header) {
        let (no, expected) = (header.no, self.is_expected(header));
        if no >= self.expected.0 {
            let mut named = header.preceding;
            named.push(header.id);
            self.expected = (no + 1, named);
        }
        if expected {
            return;
        }
        self.foretold.remove(&no);
        let first = header.preceding.first(no).max(self.floor + 1);
        if self.done.contains_all(first, no) {
            return;
        }
        let missing = (first..no).filter(|before| !self.done.contains(*before));
        let named = missing.filter_map(|before| Some((before, header.preceding.of(before, no)?)));
        self.foretold.extend(named);
        while self.foretold.len() > limits::FORETOLD_MAX {
            self.foretold.pop_first();
        }
    }

    /// Counts a number as processed; false if that would make too many ranges.
    fn remember(&mut self, header: &Header) -> bool {
        let added = self.done.insert(header.no, self.limits.ranges);
        if added {
            self.ids.insert(header.no, header.id);
            self.sum = self.sum.wrapping_add(header.id);
            self.foretell(header);
        }
        added
    }

    /// The sender needs to hear nothing more of numbers up to `floor`.
    fn settle(&mut self, floor: u64) {
        // Never beyond what has been seen: a floor in the future would drop everything.
        let floor = floor.min(self.seen.no);
        if floor <= self.floor {
            return;
        }
        self.floor = floor;
        self.done.forget_to(floor);
        let above = self.ids.split_off(&(floor + 1));
        for id in self.ids.values() {
            self.sum = self.sum.wrapping_sub(*id);
        }
        self.ids = above;
        self.foretold = self.foretold.split_off(&(floor + 1));
        self.refused.retain(|(no, _), _| *no > floor);
    }

    /// A data message was applied, and its sender waits for the acknowledgement.
    pub(crate) fn applied(&mut self) {
        self.due = true;
    }

    /// An item was not applied; `have`: of its body so much is here.
    pub(crate) fn refuse(&mut self, no: u64, id: ObjectId, reason: Reason, have: Option<u32>) {
        self.refused.insert((no, id), (reason, have));
    }

    /// An acknowledgement was processed.
    pub(crate) fn acknowledged(&mut self, no: u64) {
        self.last_ack = self.last_ack.max(no);
    }

    /// The newest processed message.
    pub(crate) fn seen(&self) -> Seen {
        self.seen
    }

    /// Whether an acknowledgement should go out now.
    pub(crate) fn ack_due(&self) -> bool {
        self.due || self.unacked >= self.limits.processed_unacked
    }

    /// The acknowledgement of everything processed so far.
    pub(crate) fn ack(&mut self, report: Report) -> Ack {
        self.due = false;
        self.unacked = 0;
        let refused = self.refused.iter();
        Ack {
            floor: self.floor,
            done: self.done.clone(),
            sum: self.sum,
            refused: refused
                .map(|(&(no, id), &(reason, have))| Refusal {
                    no,
                    id,
                    reason,
                    have,
                })
                .collect(),
            report,
        }
    }
}
