//! Personal distribution lists: the typed view of objects of kind [`Kind::LIST_ENTRY`].
//!
//! Every entry of a list is an object, and so is its title, the list's *head*. Whether an entry is on the list is a register of
//! its own, so that what one server adds and the other removes while they are apart comes out entry by entry: the newest of
//! present and absent wins. For that both must mean the same object, so its id follows from user, list and address.

use crate::derived::derived_id;
use crate::validation_error::{check_address, ensure};
use crate::{Key, Kind, Object, ValidationError, Value};
use contract::ObjectId;
use std::collections::BTreeMap;

/// The registers of a list entry. Numbers are never reused.
pub mod list_fields {
    /// Number of the list and address, one register: `[number, address]`; the head has the empty address. Set at creation.
    pub const ENTRY: u16 = 1;
    /// It is on the list; of the head: the list is there.
    pub const PRESENT: u16 = 2;
    /// Of the head alone: the list's title.
    pub const TITLE: u16 = 3;
}

use list_fields::{ENTRY, PRESENT, TITLE};

/// An entry or the head of a list, read from its object.
#[derive(Clone, Copy, Debug)]
pub struct ListEntry<'a>(&'a Object);

/// A whole list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistributionList {
    /// Its title; may be empty.
    pub title: String,
    /// Its addresses, in order.
    pub addresses: Vec<String>,
}

impl<'a> ListEntry<'a> {
    /// The highest number of a list; the lowest is 1.
    pub const NUMBER_MAX: u8 = 99;
    /// Addresses on one list.
    pub const ADDRESSES_MAX: usize = 200;
    /// Objects of all lists of one user, those that were removed included: they are remembered, so that a removal wins.
    pub const OBJECTS_MAX: usize = 5_000;
    /// Characters of a title.
    pub const TITLE_LENGTH_MAX: usize = 60;

    /// The view, if the object is of a list.
    pub fn of(object: &'a Object) -> Option<Self> {
        (object.kind == Kind::LIST_ENTRY).then_some(Self(object))
    }

    /// The id of an entry, or with an empty address of the head.
    pub fn id(owner: &ObjectId, number: u8, address: &str) -> ObjectId {
        let parts: [&[u8]; 3] = [owner.as_bytes(), &[number], address.as_bytes()];
        derived_id("CallPilot 2026 entry of a distribution list", &parts)
    }

    /// The registers of a new entry.
    pub fn registers(number: u8, address: &str) -> Vec<(Key, Value)> {
        let entry = vec![Value::Int(number.into()), Value::Text(address.to_owned())];
        vec![
            (Key::field(ENTRY), Value::List(entry)),
            Self::presence(true),
        ]
    }

    /// The registers of a new head.
    pub fn head_registers(number: u8, title: &str) -> Vec<(Key, Value)> {
        let mut registers = Self::registers(number, "");
        registers.push(Self::title_value(title));
        registers
    }

    /// The register that says whether it is on the list.
    pub fn presence(present: bool) -> (Key, Value) {
        (Key::field(PRESENT), Value::Bool(present))
    }

    /// The register of a title.
    pub fn title_value(title: &str) -> (Key, Value) {
        (Key::field(TITLE), Value::Text(title.to_owned()))
    }

    /// The number of its list; `None` if it is none from 1 to 99.
    pub fn number(&self) -> Option<u8> {
        let number = u8::try_from(self.entry(0)?.as_int()?).ok()?;
        (1..=Self::NUMBER_MAX).contains(&number).then_some(number)
    }

    /// Its address; empty for the head.
    pub fn address(&self) -> &'a str {
        self.entry(1).and_then(Value::as_text).unwrap_or("")
    }

    /// Whether it is on the list.
    pub fn present(&self) -> bool {
        let present = self.0.get(Key::field(PRESENT)).and_then(Value::as_bool);
        present.unwrap_or(true)
    }

    /// The title, if it is a head.
    pub fn title(&self) -> &'a str {
        let title = self.0.get(Key::field(TITLE)).and_then(Value::as_text);
        title.unwrap_or("")
    }

    fn entry(&self, at: usize) -> Option<&'a Value> {
        self.0.get(Key::field(ENTRY))?.as_list()?.get(at)
    }
}

impl DistributionList {
    /// Refuses a list that cannot be.
    pub fn check(&self, number: u8) -> Result<(), ValidationError> {
        let (last, max) = (ListEntry::NUMBER_MAX, ListEntry::ADDRESSES_MAX);
        ensure((1..=last).contains(&number), || {
            format!("Lists have the numbers 1 to {last}.")
        })?;
        let title = &self.title;
        let fits = title.chars().count() <= ListEntry::TITLE_LENGTH_MAX
            && !title.chars().any(char::is_control);
        ensure(fits, || {
            let max = ListEntry::TITLE_LENGTH_MAX;
            format!("The title of a list has at most {max} characters on one line.")
        })?;
        ensure(self.addresses.len() <= max, || {
            format!("A list has at most {max} addresses.")
        })?;
        self.addresses
            .iter()
            .try_for_each(|address| check_address(address))
    }

    /// The lists among the objects of a user, by their numbers. A list is there if its head says so or an entry is on it.
    pub fn all<'a>(objects: impl IntoIterator<Item = &'a Object>) -> BTreeMap<u8, Self> {
        let mut lists: BTreeMap<u8, Self> = BTreeMap::new();
        let entries = objects.into_iter().filter_map(ListEntry::of);
        for entry in entries.filter(ListEntry::present) {
            let Some(number) = entry.number() else {
                continue; // of a later level
            };
            let list = lists.entry(number).or_default();
            match entry.address() {
                "" => entry.title().clone_into(&mut list.title),
                address => list.addresses.push(address.to_owned()),
            }
        }
        for list in lists.values_mut() {
            list.addresses.sort();
        }
        lists
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hlc, Incarnation, Version};

    fn at(hlc: u64) -> Version {
        Version {
            hlc: Hlc(hlc),
            incarnation: Incarnation(1),
        }
    }

    fn object(registers: Vec<(Key, Value)>, hlc: u64) -> Object {
        let mut object = Object::new(Kind::LIST_ENTRY, Some(ObjectId::from_bytes([1; 16])), None);
        for (key, value) in registers {
            object.set(key, at(hlc), value);
        }
        object
    }

    #[test]
    fn a_list_reads_back_what_was_written() {
        let objects = [
            object(ListEntry::registers(7, "b@vm.example"), 1),
            object(ListEntry::head_registers(7, "Night shift"), 1),
            object(ListEntry::registers(7, "a@vm.example"), 1),
            object(ListEntry::registers(99, "7201"), 1),
        ];
        let lists = DistributionList::all(&objects);
        assert_eq!(lists.keys().collect::<Vec<_>>(), [&7, &99]);
        assert_eq!(lists[&7].title, "Night shift");
        assert_eq!(lists[&7].addresses, ["a@vm.example", "b@vm.example"]);
        assert_eq!(lists[&99].title, "");
    }

    #[test]
    fn two_servers_give_an_entry_the_same_id_and_others_other_ones() {
        let (user, other) = (ObjectId::from_bytes([1; 16]), ObjectId::from_bytes([2; 16]));
        let id = ListEntry::id(&user, 7, "7201");
        assert_eq!(id, ListEntry::id(&user, 7, "7201"));
        for different in [
            ListEntry::id(&other, 7, "7201"),
            ListEntry::id(&user, 8, "7201"),
            ListEntry::id(&user, 7, "7202"),
            ListEntry::id(&user, 7, ""),
        ] {
            assert_ne!(id, different);
        }
    }

    #[test]
    fn the_newest_of_present_and_absent_wins_entry_by_entry() {
        let mut here = object(ListEntry::registers(1, "7201"), 1);
        let mut there = here.clone();
        let (key, absent) = ListEntry::presence(false);
        there.set(key, at(2), absent);
        let (key, present) = ListEntry::presence(true);
        here.set(key, at(3), present);
        let (mut a, mut b) = (here.clone(), there.clone());
        a.join(&there);
        b.join(&here);
        assert_eq!(a, b);
        assert!(ListEntry::of(&a).unwrap().present());
    }

    #[test]
    fn a_list_that_cannot_be_is_refused() {
        let list = |title: &str, addresses: &[&str]| DistributionList {
            title: title.into(),
            addresses: addresses.iter().map(|&a| a.to_owned()).collect(),
        };
        assert!(list("", &[]).check(1).is_ok());
        assert!(
            list("Night shift", &["7201", "a@vm.example"])
                .check(99)
                .is_ok()
        );
        assert!(list("", &[]).check(0).is_err() && list("", &[]).check(100).is_err());
        assert!(list("a\nb", &[]).check(1).is_err());
        assert!(list("", &["nobody"]).check(1).is_err());
        assert!(list("", &["7201"; 201]).check(1).is_err());
    }

    #[test]
    fn a_number_that_no_list_can_have_is_passed_over() {
        for number in [0, 100, 255] {
            let objects = [object(ListEntry::registers(number, "7201"), 1)];
            assert!(DistributionList::all(&objects).is_empty(), "{number}");
        }
    }
}
