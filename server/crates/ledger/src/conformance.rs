//! What every [`Ledger`] has to do, as one suite: the store and the engine's own memory are both held to it.

mod damage;
mod marks;
mod objects;
mod past;
mod spaces;
mod transactions;
mod trie;

pub use trie::assert_sums;

use crate::{Lane, Ledger, LedgerError, Mark};
use domain::{
    BodyRef, Hlc, Incarnation, Key, Kind, Object, ObjectId, Password, ServerId, Timestamp, User,
    Value, Version,
};

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionEnd {
    /// What it wrote is there, and stays over a restart.
    Commit,
    /// Nothing of it is there.
    RollBack,
}

/// Something with transactions to be checked.
pub trait Subject {
    /// Runs `work` in one transaction and ends it.
    fn transact(
        &mut self,
        end: TransactionEnd,
        work: &mut dyn FnMut(&mut dyn Ledger) -> Result<(), LedgerError>,
    );
    /// Ends the process and starts it again, as far as the subject can.
    fn restart(&mut self);
    /// Appends a body in a transaction of its own and commits it.
    fn keep_body(&mut self, bytes: &[u8]) -> BodyRef;
    /// Loses a body that is here.
    fn lose_body(&mut self, body: &BodyRef);
    /// Damages the row of a live object, so that it cannot be read; nobody has noticed it yet.
    fn spoil(&mut self, id: ObjectId);
    /// Appends a piece of a body in a transaction of its own and ends it.
    fn keep_piece(&mut self, end: TransactionEnd, body: &BodyRef, at: u32, bytes: &[u8]);
}

/// Runs every check, each on a new and empty subject.
///
/// # Panics
/// With what was expected and what was found.
pub fn check<S: Subject>(mut make: impl FnMut() -> S) {
    let all: &[fn(&mut S)] = &[
        objects::objects_read_back_as_written_and_go_when_removed,
        objects::objects_are_listed_in_order_of_their_ids,
        objects::only_what_is_owned_is_listed_for_an_owner,
        objects::bodies_are_here_once_kept_and_not_before,
        objects::a_body_comes_in_pieces_and_is_here_with_the_last,
        marks::a_mark_reads_back_and_a_later_one_replaces_it,
        marks::marks_come_in_order_with_ties_by_id_from_a_moment_up_to_a_limit,
        marks::the_backlog_follows_each_mark,
        marks::what_is_held_is_remembered_and_is_no_backlog,
        past::tombstones_and_deletion_records_are_remembered,
        past::state_and_history_are_remembered,
        past::old_deletion_records_are_forgotten_but_not_those_of_users,
        past::incarnations_are_forgotten_from_the_oldest_on,
        trie::sums_follow_every_change_and_equal_a_recount,
        trie::a_leaf_is_listed_in_pages,
        trie::users_are_counted_and_found_by_their_number,
        spaces::what_is_staged_lies_beside_what_is_live,
        spaces::what_is_kept_lies_beside_what_is_live,
        spaces::a_switch_makes_live_what_was_staged_and_keeps_what_was_live,
        spaces::a_switch_that_is_rolled_back_leaves_all_as_it_was,
        spaces::switches_follow_each_other_once_nothing_is_kept,
        damage::missing_bodies_are_listed_until_they_are_given_again,
        damage::what_cannot_be_read_is_neither_here_nor_absent,
        damage::a_switch_brings_back_what_was_unreadable,
        transactions::a_rolled_back_transaction_leaves_nothing,
        transactions::a_committed_transaction_survives_a_restart,
    ];
    for one in all {
        one(&mut make());
    }
}

/// Commits what `work` does.
fn commit<S: Subject>(
    subject: &mut S,
    mut work: impl FnMut(&mut dyn Ledger) -> Result<(), LedgerError>,
) {
    subject.transact(TransactionEnd::Commit, &mut work);
}

fn id(n: u8) -> ObjectId {
    ObjectId::from_bytes([n; 16])
}

fn mark(lane: Lane, since: i64) -> Mark {
    Mark {
        lane,
        n: 1,
        since: Timestamp(since),
        body: false,
        unsent: false,
        recovery: false,
    }
}

/// An object whose one register was set at this moment.
fn object(kind: Kind, owner: Option<ObjectId>, hlc: u64) -> Object {
    let mut object = Object::new(kind, owner, None);
    object.set(Key::field(1), version(hlc), Value::Null);
    object
}

/// A user with this mailbox number, set at this moment.
fn user(number: &str, hlc: u64) -> Object {
    let password = Password::new(String::new(), Timestamp(0));
    let mut user = Object::new(Kind::USER, None, None);
    for (key, value) in User::registers(ServerId(7), number, "", &password) {
        user.set(key, version(hlc), value);
    }
    user
}

fn version(hlc: u64) -> Version {
    Version {
        hlc: Hlc(hlc),
        incarnation: Incarnation(1),
    }
}
