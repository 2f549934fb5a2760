//! Pages and their addresses.

use crate::model::answering::Answer;
use contract::{Folder, ObjectId};

/// Where the pages lie on their server.
pub const BASE: &str = "/MyCallPilot";

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The messages of a folder.
    Messages(Folder),
    /// The drafts.
    Drafts,
    /// A message that is being composed: the one at the address, else a new one.
    Compose,
    /// Begins a message that goes on with the one at the address.
    Answer(Answer),
    /// CallPilot Features: one of them.
    Features(Feature),
    /// Useful Information.
    Information,
    /// Configure.
    Configure,
    /// Configure, at the form that changes the password.
    Password,
}

/// What belongs to a mailbox besides its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// What callers hear.
    Greetings,
    /// Personal lists.
    Lists,
    /// What this browser does for the reader.
    Preferences,
}

/// The inbox: where one starts.
pub const INBOX: Page = Page::Messages(Folder::Inbox);
/// What one has sent.
pub const SENT: Page = Page::Messages(Folder::Sent);
/// Where CallPilot Features begin.
pub const FEATURES: Page = Page::Features(Feature::Greetings);
/// What was deleted.
pub const DELETED: Page = Page::Messages(Folder::Deleted);

/// The name of each; where a page has two, the first is its own.
const NAMES: [(Page, &str); 15] = [
    (INBOX, "inbox"),
    (SENT, "sent"),
    (Page::Drafts, "drafts"),
    (Page::Compose, "compose"),
    (Page::Answer(Answer::Reply), "reply"),
    (Page::Answer(Answer::ReplyAll), "reply-all"),
    (Page::Answer(Answer::Forward), "forward"),
    (DELETED, "deleted"),
    (FEATURES, "features/greetings"),
    (FEATURES, "features"),
    (Page::Features(Feature::Lists), "features/lists"),
    (Page::Features(Feature::Preferences), "features/preferences"),
    (Page::Information, "information"),
    (Page::Configure, "configure"),
    (Page::Password, "password"),
];

/// What an address shows: a page, and in a folder the message that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// The page.
    pub page: Page,
    /// The message that is open, answered or composed.
    pub open: Option<ObjectId>,
}

impl Location {
    /// The place of an address; the base alone is the inbox. `None` if there is no page at it.
    pub fn of(path: &str) -> Option<Self> {
        let below = path.strip_prefix(BASE)?;
        if !below.is_empty() && !below.starts_with('/') {
            return None;
        }
        let mut names = below.split('/').filter(|name| !name.is_empty());
        let Some(name) = names.next() else {
            return Some(Self {
                page: INBOX,
                open: None,
            });
        };
        let named = |name: &str| NAMES.into_iter().find(|(_, known)| *known == name);
        let (page, mut rest) = (named(name)?.0, names.next());
        let page = match rest.and_then(|part| named(&format!("{name}/{part}"))) {
            Some((part, _)) => {
                rest = names.next();
                part
            }
            None => page,
        };
        let open = match (page, rest) {
            (Page::Answer(_), None) => return None,
            (_, None) => None,
            (Page::Messages(_) | Page::Compose | Page::Answer(_), Some(id)) => {
                Some(id.parse().ok()?)
            }
            (_, Some(_)) => return None,
        };
        names.next().is_none().then_some(Self { page, open })
    }
}

impl Page {
    /// The page under whose name it stands in the menus.
    pub fn listed(self) -> Self {
        match self {
            Self::Password => Self::Configure,
            other => other,
        }
    }

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
        for (page, name) in NAMES {
            if let Page::Answer(_) = page {
                assert_eq!(Location::of(&page.address()), None);
                let open = Location::of(&page.address_of(id(4))).unwrap();
                assert_eq!((open.page, open.open), (page, Some(id(4))));
                continue;
            }
            let named = Location::of(&format!("{BASE}/{name}/")).unwrap();
            assert_eq!((named.page, named.open), (page, None));
            let place = Location::of(&page.address()).unwrap();
            assert_eq!((place.page, place.open), (page, None));
        }
        let open = Location::of(&DELETED.address_of(id(3))).unwrap();
        assert_eq!((open.page, open.open), (DELETED, Some(id(3))));
    }

    #[test]
    fn the_base_alone_is_the_inbox() {
        for path in ["/MyCallPilot", "/MyCallPilot/", "/MyCallPilot/inbox/"] {
            let place = Location::of(path).unwrap();
            assert_eq!((place.page, place.open), (INBOX, None), "{path}");
        }
    }

    #[test]
    fn what_is_no_page_and_no_message_is_at_no_address() {
        let of = |rest: &str| format!("/MyCallPilot/{rest}");
        for path in [
            of("lamp"),
            of("inbox/7200"),
            of(&format!("inbox/{}/{}", id(1), id(2))),
            of(&format!("configure/{}", id(1))),
            of("features/lamp"),
            of("features/greetings/external"),
            of("greetings"),
            "/MyCallPilots/inbox".into(),
            "/inbox".into(),
            "/".into(),
        ] {
            assert_eq!(Location::of(&path), None, "{path}");
        }
    }
}
