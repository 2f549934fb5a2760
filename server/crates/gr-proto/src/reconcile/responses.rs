//! Answering the questions of the server that drives a task. Nothing is remembered from one question to the next but that there is
//! such a task: whoever asks twice is answered twice.

use crate::objects::transaction::{Marking, Tx};
use crate::reconcile::diff::{mailbox_sum, root, told_on_scope};
use crate::reconcile::removal::{self, is_forgettable, remember_kept};
use crate::reconcile::repair;
use crate::session::pieces::{Part, Piece};
use crate::{
    Item, ListScope, Listed, ListedObject, Owed, Request, RequestBody, ResponseBody, Rule,
};
use domain::{Digest, Object, ObjectId, User};
use ledger::{LedgerError, Tree};

/// Answers a question as things are at the end of the transaction, which draws the number of the answer (E24). `None`: it cannot be
/// answered yet. Objects and bodies of about `most` bytes go into one answer.
pub(crate) fn answer(
    tx: &mut Tx<'_>,
    ask: &Request,
    most: u64,
) -> Result<Option<ResponseBody>, LedgerError> {
    Ok(Some(match &ask.question {
        RequestBody::Census => {
            let local = tx.ledger.users_of(tx.config.me)?;
            ResponseBody::Census(local, tx.ledger.user_count()?.saturating_sub(local))
        }
        RequestBody::Root(contents) => ResponseBody::Sums(short([root(tx, tree(*contents))?])),
        RequestBody::Nodes(contents) => {
            ResponseBody::Sums(short(tx.ledger.sums(tree(*contents), None)?))
        }
        RequestBody::Leaves(contents, parts) => {
            let mut sums = Vec::with_capacity(256 * parts.len());
            for part in parts {
                sums.append(&mut short(tx.ledger.sums(tree(*contents), Some(*part))?));
            }
            ResponseBody::Sums(sums)
        }
        RequestBody::Lists(scopes) => ResponseBody::Lists(lists(tx, scopes)?),
        RequestBody::Mailbox(mailbox, sum) => {
            if mailbox_sum(tx, mailbox)?.short() == *sum {
                ResponseBody::Same
            } else {
                ResponseBody::Lists(lists(tx, &[(ListScope::Mailbox(*mailbox), None)])?)
            }
        }
        RequestBody::Want(ids) => ResponseBody::Done(want(tx, ids)?),
        RequestBody::Forget(ids) => forget(tx, ask, ids)?,
        RequestBody::Page(after) => {
            let page = page(tx, after.as_ref(), most)?;
            if repair::has_gaps(tx)? {
                // Whoever rebuilds from it would lose what cannot be read here just now.
                return Ok(None);
            }
            page
        }
        RequestBody::Bodies(ids) => {
            ResponseBody::Bodies(bodies(tx, ids, ask.have.as_deref(), most)?)
        }
        RequestBody::Lost(bodies) => repair::found(tx, bodies, most)?,
        RequestBody::Unreadable(ids) => repair::rows(tx, ids)?,
        RequestBody::End(_) => ResponseBody::Done(0),
    }))
}

fn tree(contents: bool) -> Tree {
    if contents {
        Tree::Contents
    } else {
        Tree::Users
    }
}

fn short(sums: impl IntoIterator<Item = Digest>) -> Vec<u64> {
    sums.into_iter().map(Digest::short).collect()
}

fn lists(
    tx: &mut Tx<'_>,
    scopes: &[(ListScope, Option<ObjectId>)],
) -> Result<Vec<Listed>, LedgerError> {
    let mut lists = Vec::new();
    let mut room = tx.config.limits.list_objects;
    for &(scope, after) in scopes {
        if room == 0 {
            break;
        }
        let ids = told_on_scope(tx, scope, after.as_ref(), room)?;
        let to = ids.last().copied().filter(|_| ids.len() == room);
        room -= ids.len();
        let mut objects = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(object) = tx.ledger.object(&id)? {
                objects.push(listed(tx, id, &object, scope)?);
            } else if let Some(row) = tx.ledger.unreadable(&id)? {
                objects.push(unreadable(id, row.owner, scope));
            }
        }
        lists.push(Listed {
            scope,
            after,
            to,
            objects,
        });
    }
    Ok(lists)
}

fn listed(
    tx: &mut Tx<'_>,
    id: ObjectId,
    object: &Object,
    scope: ListScope,
) -> Result<ListedObject, LedgerError> {
    let owed = if tx.ledger.mark(&id)?.is_some() {
        Owed::Marked
    } else if tx.ledger.held(&id)?.is_some() {
        Owed::Held
    } else {
        Owed::Nothing
    };
    Ok(ListedObject {
        id,
        digest: object.digest(&id).short(),
        home: User::of(object).and_then(|user| user.home()),
        owner: object
            .owner
            .filter(|_| !matches!(scope, ListScope::Mailbox(_))),
        owed,
    })
}

/// What cannot be read here is not absent: the reader of the list leaves it alone, like what is held.
fn unreadable(id: ObjectId, owner: Option<ObjectId>, scope: ListScope) -> ListedObject {
    ListedObject {
        id,
        digest: 0,
        home: None,
        owner: owner.filter(|_| !matches!(scope, ListScope::Mailbox(_))),
        owed: Owed::Held,
    }
}

/// The asker lacks these: they are marked, and travel as always.
fn want(tx: &mut Tx<'_>, ids: &[ObjectId]) -> Result<u64, LedgerError> {
    let mut marked = 0;
    for id in ids {
        if tx.ledger.mark(id)?.is_none()
            && let Some(object) = tx.ledger.object(id)?
        {
            tx.mark_whole(id, &object, Marking::Whole)?;
            marked += 1;
        }
    }
    Ok(marked)
}

/// GR users of the asker whose originals are gone (R11).
fn forget(tx: &mut Tx<'_>, ask: &Request, ids: &[ObjectId]) -> Result<ResponseBody, LedgerError> {
    let (mut gone, mut emptied) = (Vec::new(), Vec::new());
    for id in ids {
        if is_forgettable(tx, id)? {
            gone.push(*id);
            emptied.push(*id);
        } else if tx.ledger.object(id)?.is_none() {
            emptied.push(*id);
        }
    }
    let count = gone.len() as u64;
    let allowed = ask.agreed || removal::is_allowed(tx, ask.task, count, &emptied)?;
    if !allowed && tx.config.rules.hold(Rule::DeletionGuard) {
        return Ok(ResponseBody::TooMany(count));
    }
    if !ask.dry {
        for id in &gone {
            removal::forget(tx, ask.task, id)?;
        }
        for id in ids {
            removal::forget_contents(tx, ask.task, id)?;
        }
        remember_kept(tx, ask.task, ask.kind)?;
    }
    Ok(ResponseBody::Done(count))
}

/// Objects for a rebuild, without their bodies: the asker may have most of those.
fn page(tx: &mut Tx<'_>, after: Option<&ObjectId>, most: u64) -> Result<ResponseBody, LedgerError> {
    let ids = tx.ledger.ids_after(after, tx.config.limits.page_items)?;
    let mut last = ids
        .last()
        .copied()
        .filter(|_| ids.len() == tx.config.limits.page_items);
    let (mut items, mut bytes) = (Vec::new(), 0);
    for id in ids {
        if bytes >= most {
            last = items.last().map(|item: &Item| item.id);
            break;
        }
        let object = tx.ledger.object(&id)?;
        tx.is_heard_of(&id)?;
        let item = item(id, object, Part::Nothing);
        bytes += item.weight();
        items.push(item);
    }
    Ok(ResponseBody::Page(items, last))
}

/// Objects with their bodies, as many as fit, at least one. What is gone meanwhile, or has lost its body, comes without. Of a long body the
/// next piece comes, if the asker says what it has.
fn bodies(
    tx: &mut Tx<'_>,
    ids: &[ObjectId],
    have: Option<&[(ObjectId, u32)]>,
    most: u64,
) -> Result<Vec<Item>, LedgerError> {
    let (mut items, mut bytes) = (Vec::new(), 0);
    for id in ids {
        if bytes >= most {
            break;
        }
        let object = tx.ledger.object(id)?;
        let part = match object.as_ref().and_then(|object| object.body) {
            Some(body) if tx.ledger.has_body(&body)? => match have {
                Some(have) if u64::from(body.len) > most => {
                    let at = have.iter().find(|(of, _)| of == id);
                    Part::Piece(Piece::of(&body, at.map_or(0, |(_, at)| *at), most))
                }
                _ => Part::Whole,
            },
            _ => Part::Nothing,
        };
        tx.is_heard_of(id)?;
        let item = item(*id, object, part);
        bytes += item.weight();
        items.push(item);
    }
    Ok(items)
}

fn item(id: ObjectId, object: Option<Object>, part: Part) -> Item {
    let piece = match part {
        Part::Piece(piece) => Some(piece),
        _ => None,
    };
    Item {
        id,
        object,
        with_body: part == Part::Whole,
        piece,
        recovery: false,
    }
}
