//! Pages and their addresses.

use contract::{Folder, ObjectId};

/// Where the pages lie on their server.
pub const BASE: &str = "/MyCallPilot";

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The messages of a folder.
    Messages(Folder),
    /// Useful Information.
    Information,
    /// Configure.
    Configure,
}

/// The inbox: where one starts.
pub const INBOX: Page = Page::Messages(Folder::Inbox);
/// What was deleted.
pub const DELETED: Page = Page::Messages(Folder::Deleted);

const NAMES: [(Page, &str); 4] = [
    (INBOX, "inbox"),
    (DELETED, "deleted"),
    (Page::Information, "information"),
    (Page::Configure, "configure"),
];

/// What an address shows: a page, and in a folder the message that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The page.
    pub page: Page,
    /// The message that is open.
    pub open: Option<ObjectId>,
}

impl Place {
    /// The place of an address; `None` if there is nothing there.
    pub fn of(path: &str) -> Option<Self> {
        let mut names = path
            .strip_prefix(BASE)?
            .split('/')
            .filter(|name| !name.is_empty());
        let name = names.next()?;
        let (page, _) = NAMES.into_iter().find(|(_, known)| *known == name)?;
        let open = names.next().and_then(|id| id.parse().ok());
        Some(Self {
            page,
            open: open.filter(|_| matches!(page, Page::Messages(_))),
        })
    }
}

impl Page {
    /// Its address.
    pub fn address(self) -> String {
        let name = NAMES.into_iter().find(|(page, _)| *page == self);
        format!("{BASE}/{}", name.map_or("inbox", |(_, name)| name))
    }

    /// Its address with a message open.
    pub fn address_of(self, id: ObjectId) -> String {
        format!("{}/{id}", self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::id;

    #[test]
    fn an_address_leads_back_to_its_page_and_message() {
        for (page, _) in NAMES {
            let place = Place::of(&page.address()).unwrap();
            assert_eq!((place.page, place.open), (page, None));
        }
        let open = Place::of(&DELETED.address_of(id(3))).unwrap();
        assert_eq!((open.page, open.open), (DELETED, Some(id(3))));
    }

    #[test]
    fn what_is_no_page_leads_nowhere_and_what_is_no_message_opens_none() {
        for path in [
            "/MyCallPilot",
            "/MyCallPilot/",
            "/MyCallPilot/lamp",
            "/",
            "/inbox",
        ] {
            assert_eq!(Place::of(path), None, "{path}");
        }
        let wrong = Place::of("/MyCallPilot/inbox/7200").unwrap();
        assert_eq!(wrong.open, None);
        let none = Place::of(&format!("/MyCallPilot/configure/{}", id(1))).unwrap();
        assert_eq!(none.open, None);
    }
}
