//! Personal distribution lists.

use super::{OpError, OpResult};
use crate::server::{Abort, Server, Wait, WriteTx};
use domain::{Change, DistributionList, Key, Kind, ListEntry, Object, ObjectId, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The lists of `user` by their numbers.
///
/// # Errors
/// What the store cannot do.
pub async fn all(server: &Server, user: ObjectId) -> OpResult<BTreeMap<u8, DistributionList>> {
    let read = move |readers: &store::Readers| {
        readers.snapshot(|view| view.belongings(&user, Kind::LIST_ENTRY))
    };
    let objects = server.read(read).await?;
    let lists = DistributionList::all(objects.iter().map(|(_, object)| object));
    Ok(lists.into_iter().collect())
}

/// Says what list `number` of `user` is from now on. Returns it as it is kept: without spaces around names, each address once, in order.
///
/// # Errors
/// [`OpError::Invalid`] for a number, title or address that cannot be; [`OpError::Forbidden`] when the lists of the user hold too much.
pub async fn set(
    server: &Server,
    user: ObjectId,
    number: u8,
    list: DistributionList,
) -> OpResult<DistributionList> {
    let addresses = list.addresses.iter().map(|a| a.trim().to_owned());
    let addresses: BTreeSet<String> = addresses.collect();
    let list = DistributionList {
        title: list.title.trim().to_owned(),
        addresses: addresses.into_iter().collect(),
    };
    list.check(number)?;
    let kept = list.clone();
    let written = server.write(Wait::Partner, move |scope| {
        write(scope, user, number, Some(&list))
    });
    written.await?;
    Ok(kept)
}

/// Removes list `number` of `user`.
///
/// # Errors
/// What the store cannot do; a list that is not there is no error.
pub async fn remove(server: &Server, user: ObjectId, number: u8) -> OpResult<()> {
    let written = server.write_anyway(Wait::Partner, move |scope| write(scope, user, number, None));
    written.await?;
    Ok(())
}

/// Makes a list what it should be, entry by entry: what is as it should be is not touched, so that a change of the partner to
/// another entry stands.
fn write(
    scope: &mut WriteTx<'_, '_>,
    owner: ObjectId,
    number: u8,
    list: Option<&DistributionList>,
) -> Result<(), Abort<OpError>> {
    let objects = scope.tx().view().belongings(&owner, Kind::LIST_ENTRY)?;
    let (all, entries) = (objects.len(), of_list(&objects, number));
    let mut wanted: BTreeMap<&str, Vec<(Key, Value)>> = BTreeMap::new();
    if let Some(list) = list {
        wanted.insert("", ListEntry::head_registers(number, &list.title));
        for address in &list.addresses {
            wanted.insert(address, ListEntry::registers(number, address));
        }
    }
    let new = wanted
        .keys()
        .filter(|address| !entries.contains_key(*address));
    if all + new.count() > ListEntry::OBJECTS_MAX {
        let full = format!(
            "Your lists hold {all} entries, with those that were removed; {} is the most.",
            ListEntry::OBJECTS_MAX
        );
        return Err(Abort::Refused(OpError::Forbidden(full)));
    }
    for (address, id) in &entries {
        if !wanted.contains_key(address) {
            let registers = vec![ListEntry::presence(false)];
            scope.change(&Change::Set { id: *id, registers })?;
        }
    }
    for (address, registers) in wanted {
        scope.change(&match entries.get(address) {
            // Equal values change nothing, so only what differs is written.
            Some(id) => Change::Set { id: *id, registers },
            None => Change::Create {
                id: ListEntry::id(&owner, number, address),
                kind: Kind::LIST_ENTRY,
                owner: Some(owner),
                body: None,
                registers,
            },
        })?;
    }
    Ok(())
}

/// The entries of a list by their addresses, present or not; the head under the empty one.
fn of_list(objects: &[(ObjectId, Object)], number: u8) -> BTreeMap<&str, ObjectId> {
    let entries = objects
        .iter()
        .filter_map(|(id, object)| Some((*id, ListEntry::of(object)?)));
    entries
        .filter(|(_, entry)| entry.number() == Some(number))
        .map(|(id, entry)| (entry.address(), id))
        .collect()
}
