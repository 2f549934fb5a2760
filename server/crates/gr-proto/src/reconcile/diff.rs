//! Comparing what both servers hold, at a cost that follows the difference (R15).
//!
//! Whoever compares asks for sums: of a whole tree, of its 256 parts, of the 256 leaves of each part that differs. Of the leaves that
//! differ it asks for lists, and judges each list in the transaction that processes it, against its marks of that moment (E24).
//!
//! | object | meaning | what is done |
//! |---|---|---|
//! | on both, with other versions | one side is newer, or both are | marked here; if there is more there, the answer follows |
//! | only here, marked | the partner is about to have it | left out |
//! | only here: a user that is local here, or a content | the partner lacks it | marked |
//! | only here: a GR user | its original is gone | a candidate for deletion |
//! | only there: a user that is local there, or a content | it is missing here | the partner is asked to mark it |
//! | only there: a user that would be local here | its original is gone | a candidate for deletion there |
//! | only there, with a deletion record here | it was deleted | it gets a new tombstone |
//! | only there: a content whose user is on neither | nobody's, as it would be here | as if it had a user |
//!
//! Nothing is deleted here: candidates are collected, and the task deletes them last (E17).

use crate::objects::transaction::Tx;
use crate::{ListScope, RequestBody, ResponseBody};
use domain::{Digest, ObjectId};
use ledger::{Leaf, LedgerError, TaskCounts, TaskKind, Tree};
use std::collections::{BTreeSet, VecDeque};

/// A comparison under way: volatile, because it costs little to begin anew.
#[derive(Clone, Debug)]
pub(crate) struct Compare {
    pub(crate) kind: TaskKind,
    /// It only counts.
    pub(crate) dry: bool,
    /// Trees that are still to be compared, the present one first.
    trees: VecDeque<Tree>,
    stage: Stage,
    /// Parts and scopes that differ, or may.
    parts: VecDeque<u8>,
    pub(crate) scopes: VecDeque<(ListScope, Option<ObjectId>)>,
    /// Mailboxes that are still to be compared by name.
    mailboxes: VecDeque<ObjectId>,
    /// Missing here: the partner is still to be told.
    pub(crate) wanted: VecDeque<ObjectId>,
    /// GR users here without an original.
    pub(crate) candidates: BTreeSet<ObjectId>,
    /// The same at the partner.
    pub(crate) orphans: BTreeSet<ObjectId>,
    /// Users that only the partner has. `None`: that has not been compared, or there are too many.
    only_there: Option<BTreeSet<ObjectId>>,
    /// Objects of which a change was on its way.
    pub(crate) left_out: u64,
}

/// How far the present tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Root,
    Parts,
    Leaves,
}

impl Compare {
    /// Compares all users, and all contents if the task is about them.
    pub(crate) fn all(kind: TaskKind, dry: bool) -> Self {
        let trees = match kind {
            TaskKind::Audit => vec![Tree::Users],
            TaskKind::Mailboxes => vec![Tree::Contents],
            TaskKind::Resync | TaskKind::Rebuild => vec![Tree::Users, Tree::Contents],
        };
        let only_there = trees.first() == Some(&Tree::Users);
        Self {
            kind,
            dry,
            trees: trees.into(),
            stage: Stage::Root,
            parts: VecDeque::new(),
            scopes: VecDeque::new(),
            mailboxes: VecDeque::new(),
            wanted: VecDeque::new(),
            candidates: BTreeSet::new(),
            orphans: BTreeSet::new(),
            only_there: only_there.then(BTreeSet::new),
            left_out: 0,
        }
    }

    /// Compares these mailboxes.
    pub(crate) fn mailboxes(mailboxes: impl IntoIterator<Item = ObjectId>, dry: bool) -> Self {
        Self {
            trees: VecDeque::new(),
            mailboxes: mailboxes.into_iter().collect(),
            ..Self::all(TaskKind::Mailboxes, dry)
        }
    }

    /// The next question; `None`: there is nothing more to ask.
    pub(crate) fn question(&mut self, tx: &mut Tx<'_>) -> Result<Option<RequestBody>, LedgerError> {
        if !self.wanted.is_empty() {
            let some = self.wanted.iter().take(tx.config.limits.ids);
            return Ok(Some(RequestBody::Want(some.copied().collect())));
        }
        if !self.scopes.is_empty() {
            let some = self.scopes.iter().take(tx.config.limits.scopes);
            return Ok(Some(RequestBody::Lists(some.copied().collect())));
        }
        if let Some(mailbox) = self.mailboxes.front() {
            let sum = mailbox_sum(tx, mailbox)?;
            return Ok(Some(RequestBody::Mailbox(*mailbox, sum.short())));
        }
        let Some(tree) = self.trees.front() else {
            return Ok(None);
        };
        let contents = *tree == Tree::Contents;
        Ok(Some(match self.stage {
            Stage::Root => RequestBody::Root(contents),
            Stage::Parts => RequestBody::Nodes(contents),
            Stage::Leaves => {
                let some = self.parts.iter().take(tx.config.limits.parts);
                RequestBody::Leaves(contents, some.copied().collect())
            }
        }))
    }

    /// Takes the answer to a question. What does not fit it is ignored, and asked again.
    pub(crate) fn answered(
        &mut self,
        tx: &mut Tx<'_>,
        question: &RequestBody,
        reply: &ResponseBody,
        counts: &mut TaskCounts,
    ) -> Result<(), LedgerError> {
        match (question, reply) {
            (RequestBody::Root(_), ResponseBody::Sums(sums)) if sums.len() == 1 => {
                self.root(tx, sums[0], counts)
            }
            (RequestBody::Nodes(_), ResponseBody::Sums(sums)) if sums.len() == 256 => {
                self.of_parts(tx, sums, counts)
            }
            (RequestBody::Leaves(_, parts), ResponseBody::Sums(sums))
                if sums.len() == 256 * parts.len() =>
            {
                self.of_leaves(tx, parts, sums, counts)
            }
            (RequestBody::Want(ids), ResponseBody::Done(_)) => {
                self.wanted.drain(..ids.len().min(self.wanted.len()));
                Ok(())
            }
            (RequestBody::Mailbox(mailbox, _), ResponseBody::Same) => {
                self.mailbox_done(mailbox, counts);
                Ok(())
            }
            (RequestBody::Mailbox(mailbox, _), ResponseBody::Lists(lists)) => {
                self.mailbox_done(mailbox, counts);
                self.lists(tx, lists, counts)
            }
            (RequestBody::Lists(asked), ResponseBody::Lists(lists)) => {
                let answered: BTreeSet<ListScope> = lists.iter().map(|list| list.scope).collect();
                let asked: BTreeSet<ListScope> = asked.iter().map(|(scope, _)| *scope).collect();
                if !answered.is_subset(&asked) {
                    return Ok(());
                }
                self.scopes.retain(|(scope, _)| !answered.contains(scope));
                counts.done += answered.len() as u64;
                self.lists(tx, lists, counts)?;
                self.look_on();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn mailbox_done(&mut self, mailbox: &ObjectId, counts: &mut TaskCounts) {
        if self.mailboxes.front() == Some(mailbox) {
            self.mailboxes.pop_front();
            counts.done += 1;
        }
    }

    /// Only the partner has this user, or another object beside the users.
    pub(crate) fn is_only_there(&mut self, id: ObjectId, most: usize) {
        self.only_there = self.only_there.take().filter(|all| all.len() < most);
        if let Some(all) = &mut self.only_there {
            all.insert(id);
        }
    }

    /// Whether a user that is not here is not at the partner either, as far as has been compared.
    pub(crate) fn is_on_neither(&self, user: &ObjectId) -> bool {
        self.only_there
            .as_ref()
            .is_some_and(|there| !there.contains(user))
    }

    /// Mailboxes that are still to be compared by name.
    pub(crate) fn mailboxes_left(&self) -> impl Iterator<Item = ObjectId> {
        self.mailboxes.iter().copied()
    }

    fn root(
        &mut self,
        tx: &mut Tx<'_>,
        theirs: u64,
        counts: &mut TaskCounts,
    ) -> Result<(), LedgerError> {
        let Some(tree) = self.trees.front().copied() else {
            return Ok(());
        };
        if root(tx, tree)?.short() == theirs {
            self.next_tree();
        } else {
            self.stage = Stage::Parts;
            counts.total += 256;
        }
        Ok(())
    }

    fn of_parts(
        &mut self,
        tx: &mut Tx<'_>,
        theirs: &[u64],
        counts: &mut TaskCounts,
    ) -> Result<(), LedgerError> {
        let Some(tree) = self.trees.front().copied() else {
            return Ok(());
        };
        let mine = tx.ledger.sums(tree, None)?;
        let differ = (0..=u8::MAX).zip(mine.iter().zip(theirs));
        self.parts = differ
            .filter(|(_, (mine, theirs))| mine.short() != **theirs)
            .map(|(part, _)| part)
            .collect();
        self.stage = Stage::Leaves;
        counts.done += 256 - self.parts.len() as u64;
        self.look_on();
        Ok(())
    }

    fn of_leaves(
        &mut self,
        tx: &mut Tx<'_>,
        parts: &[u8],
        theirs: &[u64],
        counts: &mut TaskCounts,
    ) -> Result<(), LedgerError> {
        let Some(tree) = self.trees.front().copied() else {
            return Ok(());
        };
        for (part, theirs) in parts.iter().zip(theirs.chunks(256)) {
            let mine = tx.ledger.sums(tree, Some(*part))?;
            for (low, (mine, theirs)) in (0..=u8::MAX).zip(mine.iter().zip(theirs)) {
                if mine.short() != *theirs {
                    let no = u16::from_be_bytes([*part, low]);
                    self.scopes.push_back((scope(tree, no), None));
                    counts.total += 1;
                }
            }
        }
        self.parts.retain(|part| !parts.contains(part));
        counts.done += parts.len() as u64;
        self.look_on();
        Ok(())
    }

    /// When the present tree is done, on to the next.
    fn look_on(&mut self) {
        if self.stage == Stage::Leaves && self.parts.is_empty() && self.scopes.is_empty() {
            self.next_tree();
        }
    }

    fn next_tree(&mut self) {
        self.trees.pop_front();
        self.stage = Stage::Root;
    }
}

/// The scope of a leaf.
fn scope(tree: Tree, no: u16) -> ListScope {
    match tree {
        Tree::Users => ListScope::Users(no),
        Tree::Contents => ListScope::Contents(no),
    }
}

/// The sum of a whole tree.
pub(crate) fn root(tx: &mut Tx<'_>, tree: Tree) -> Result<Digest, LedgerError> {
    let parts = tx.ledger.sums(tree, None)?;
    Ok(parts.into_iter().fold(Digest::default(), Digest::plus))
}

/// The sum of one mailbox, counted from its objects.
pub(crate) fn mailbox_sum(tx: &mut Tx<'_>, mailbox: &ObjectId) -> Result<Digest, LedgerError> {
    let mut sum = Digest::default();
    for id in tx.ledger.owned_by(mailbox)? {
        if let Some(object) = tx.ledger.object(&id)? {
            sum = sum.plus(object.digest(&id));
        }
    }
    Ok(sum)
}

/// At most `limit` ids of what is on a scope, ascending, strictly after `after`.
pub(crate) fn on_scope(
    tx: &mut Tx<'_>,
    scope: ListScope,
    after: Option<&ObjectId>,
    limit: usize,
) -> Result<Vec<ObjectId>, LedgerError> {
    match scope {
        ListScope::Users(no) => tx.ledger.in_leaf(Tree::Users, no, after, limit),
        ListScope::Contents(no) => tx.ledger.in_leaf(Tree::Contents, no, after, limit),
        ListScope::Mailbox(owner) => {
            let mut ids = tx.ledger.owned_by(&owner)?;
            ids.retain(|id| after.is_none_or(|after| id > after));
            ids.truncate(limit);
            Ok(ids)
        }
    }
}

/// The same for whoever is told of the scope: what cannot be read is on it, too.
pub(crate) fn told_on_scope(
    tx: &mut Tx<'_>,
    scope: ListScope,
    after: Option<&ObjectId>,
    limit: usize,
) -> Result<Vec<ObjectId>, LedgerError> {
    let mut ids = on_scope(tx, scope, after, limit)?;
    let mut seen = after.copied();
    loop {
        let page = tx
            .ledger
            .unreadable_after(seen.as_ref(), tx.config.limits.scan)?;
        let Some((last, _)) = page.last() else { break };
        seen = Some(*last);
        let is_there = |(id, row): &(ObjectId, ledger::Unreadable)| match scope {
            ListScope::Users(no) => row.owner.is_none() && Leaf::number(id) == no,
            ListScope::Contents(no) => row.owner.is_some_and(|owner| Leaf::number(&owner) == no),
            ListScope::Mailbox(owner) => row.owner == Some(owner),
        };
        let there = page.into_iter().filter(is_there);
        ids.extend(there.map(|(id, _)| id));
    }
    ids.sort_unstable();
    ids.truncate(limit);
    Ok(ids)
}
