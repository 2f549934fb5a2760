//! Personal lists: their numbers, their titles, and what is put on them.

use contract::{DistributionList, ResolvedAddress};

/// The highest number of a list; the lowest is 1.
pub const NUMBER_MAX: u8 = 99;
/// Addresses on one list.
pub const ADDRESSES_MAX: usize = 200;
/// Characters of a title.
pub const TITLE_MAX: usize = 60;

/// What a list is called.
pub fn title(list: &DistributionList) -> String {
    match &list.title[..] {
        "" => format!("List {}", list.number),
        title => title.to_owned(),
    }
}

/// The lowest number that no list has.
pub fn next_free(lists: &[DistributionList]) -> Option<u8> {
    (1..=NUMBER_MAX).find(|number| find(lists, *number).is_none())
}

/// The list of a number.
pub fn find(lists: &[DistributionList], number: u8) -> Option<&DistributionList> {
    lists.iter().find(|list| list.number == number)
}

/// Puts a list in the place that its number gives it.
pub fn put(lists: &mut Vec<DistributionList>, list: DistributionList) {
    lists.retain(|other| other.number != list.number);
    lists.push(list);
    lists.sort_by_key(|list| list.number);
}

/// The number that was typed for a new list.
///
/// # Errors
/// Why a new list cannot have it.
pub fn new_number(lists: &[DistributionList], typed: &str) -> Result<u8, String> {
    let number = typed.trim().parse().ok();
    let Some(number) = number.filter(|number| (1..=NUMBER_MAX).contains(number)) else {
        return Err(format!("The number is one of 1 to {NUMBER_MAX}."));
    };
    match find(lists, number) {
        None => Ok(number),
        Some(taken) => {
            let free = next_free(lists).map_or_else(String::new, |free| {
                format!(" The next free number is {free}.")
            });
            Err(format!("{number} is {}.{free}", title(taken)))
        }
    }
}

/// The addresses that were typed or pasted: parted by commas, semicolons, spaces or lines.
pub fn typed_addresses(typed: &str) -> Vec<String> {
    let parted = |c: char| matches!(c, ',' | ';') || c.is_ascii_whitespace();
    let addresses = typed.split(parted).filter(|address| !address.is_empty());
    addresses.map(str::to_owned).collect()
}

/// Puts addresses on a list, each once.
///
/// # Errors
/// What is to be said if not all of them are on it then; those that fit are.
pub fn add(on_list: &mut Vec<String>, new: Vec<String>) -> Result<(), String> {
    let (mut known, mut too_many) = (Vec::new(), 0);
    for address in new {
        if on_list.contains(&address) {
            known.push(address);
        } else if on_list.len() == ADDRESSES_MAX {
            too_many += 1;
        } else {
            on_list.push(address);
        }
    }
    match (too_many, &known[..]) {
        (0, []) => Ok(()),
        (0, [one]) => Err(format!("{one} is on the list already.")),
        (0, several) => Err(format!(
            "{} are on the list already.",
            addresses(several.len())
        )),
        (left_out, _) => Err(format!(
            "{ADDRESSES_MAX} addresses are the most: {left_out} of them were left out."
        )),
    }
}

/// `1 address`, `12 addresses`.
pub fn addresses(number: usize) -> String {
    match number {
        1 => "1 address".into(),
        number => format!("{number} addresses"),
    }
}

/// What is said of lists that wait to be saved.
pub fn waiting_words(number: usize) -> Option<String> {
    match number {
        0 => None,
        1 => Some(
            "1 list waits in this browser. It is saved by itself when there is a connection."
                .into(),
        ),
        number => Some(format!(
            "{number} lists wait in this browser. They are saved by themselves when there is a connection."
        )),
    }
}

/// What an address is called: the name of whoever it reaches with the number, or as it was typed.
pub fn member_name(address: &str, resolved: Option<&ResolvedAddress>) -> String {
    match resolved {
        Some(to) if !to.name.is_empty() && to.name != address => format!("{}, {address}", to.name),
        _ => address.to_owned(),
    }
}

/// What is said of addresses that reach nobody.
pub fn unreachable_words(number: usize) -> Option<String> {
    match number {
        0 => None,
        1 => Some("1 address reaches nobody.".into()),
        number => Some(format!("{number} addresses reach nobody.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(number: u8, title: &str) -> DistributionList {
        DistributionList {
            number,
            title: title.into(),
            addresses: Vec::new(),
        }
    }

    #[test]
    fn a_new_list_gets_the_lowest_free_number() {
        let lists = [
            list(1, "Warehouse list"),
            list(2, "Night shift"),
            list(4, ""),
        ];
        assert_eq!(next_free(&lists), Some(3));
        let all: Vec<_> = (1..=99).map(|number| list(number, "")).collect();
        assert_eq!(next_free(&all), None);
        assert_eq!(new_number(&all, "7").unwrap_err(), "7 is List 7.");
    }

    #[test]
    fn a_number_that_is_taken_is_told_with_whose_it_is() {
        let lists = [list(1, ""), list(2, "Night shift")];
        assert_eq!(
            new_number(&lists, "2").unwrap_err(),
            "2 is Night shift. The next free number is 3."
        );
        assert_eq!(new_number(&lists, " 3 "), Ok(3));
        for bad in ["", "0", "100", "two", "-1"] {
            assert_eq!(
                new_number(&lists, bad).unwrap_err(),
                "The number is one of 1 to 99."
            );
        }
    }

    #[test]
    fn several_addresses_are_taken_at_once_and_each_is_on_it_once() {
        let mut on_list = vec!["7216".to_owned()];
        let typed = typed_addresses("7219, ines@example.org;\n7231 ");
        assert_eq!(typed, ["7219", "ines@example.org", "7231"]);
        assert_eq!(add(&mut on_list, typed), Ok(()));
        assert_eq!(on_list.len(), 4);
        assert_eq!(
            add(&mut on_list, vec!["7216".into(), "7240".into()]).unwrap_err(),
            "7216 is on the list already."
        );
        assert_eq!(
            add(&mut on_list, vec!["7216".into(), "7219".into()]).unwrap_err(),
            "2 addresses are on the list already."
        );
        assert_eq!(on_list.len(), 5);
    }

    #[test]
    fn a_full_list_takes_no_more_and_says_how_many_were_left_out() {
        let mut on_list: Vec<String> = (0..199).map(|n| n.to_string()).collect();
        let said = add(&mut on_list, vec!["a".into(), "b".into(), "c".into()]).unwrap_err();
        assert_eq!(said, "200 addresses are the most: 2 of them were left out.");
        assert_eq!(on_list.len(), ADDRESSES_MAX);
    }

    #[test]
    fn lists_stand_by_their_numbers() {
        let mut lists = vec![list(1, "a"), list(9, "b")];
        put(&mut lists, list(3, "c"));
        put(&mut lists, list(9, "d"));
        let shown: Vec<_> = lists.iter().map(title).collect();
        assert_eq!(shown, ["a", "c", "d"]);
        assert_eq!(title(&list(5, "")), "List 5");
    }

    #[test]
    fn a_member_is_named_as_it_is_reached() {
        let mira = ResolvedAddress {
            name: "Mira Tandell".into(),
            ..ResolvedAddress::default()
        };
        assert_eq!(member_name("7216", Some(&mira)), "Mira Tandell, 7216");
        assert_eq!(member_name("7216", None), "7216");
        assert_eq!(unreachable_words(0), None);
        assert_eq!(waiting_words(0), None);
        assert!(waiting_words(1).unwrap().starts_with("1 list waits in"));
        assert!(waiting_words(2).unwrap().starts_with("2 lists wait in"));
        assert_eq!(unreachable_words(2).unwrap(), "2 addresses reach nobody.");
    }
}
