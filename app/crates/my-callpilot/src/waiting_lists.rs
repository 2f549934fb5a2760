//! Personal lists that are not on a server yet as they are wanted, kept in this browser with the mailbox that they belong to.

use contract::DistributionList;
use ui::browser;
use ui::sdk::json;

const KEY: &str = "callpilot.waiting-lists";

/// Those of a mailbox.
pub fn read(mailbox: &str) -> Vec<DistributionList> {
    let kept = browser::load(KEY);
    let kept =
        kept.and_then(|json| json::read::<(String, Vec<DistributionList>)>(json.as_bytes()).ok());
    let own = kept.filter(|(number, _)| number == mailbox);
    own.map_or_else(Vec::new, |(_, lists)| lists)
}

/// Keeps these of a mailbox.
pub fn keep(mailbox: &str, lists: &[DistributionList]) {
    match lists {
        [] => clear(),
        lists => browser::store(KEY, json::write(&(mailbox, lists)).as_deref()),
    }
}

/// Keeps none any more.
pub fn clear() {
    browser::store(KEY, None);
}
