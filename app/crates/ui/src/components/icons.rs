//! The icons: one path each in a box of 24, drawn with the stroke of the text around it.

use leptos::prelude::*;

/// A sign. Words always stand beside it, or in its control's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// Ten seconds back.
    Back10,
    /// Not connected.
    Barred,
    /// Running, connected, done.
    Check,
    /// With attachment.
    Clip,
    /// Opens downwards.
    Down,
    /// Save.
    Download,
    /// Heard.
    Eye,
    /// Fax.
    Fax,
    /// Ten seconds on.
    Forward10,
    /// What can be set.
    Gear,
    /// Inbox, and empty.
    Inbox,
    /// Useful information.
    Book,
    /// Back.
    Left,
    /// Several messages.
    List,
    /// Private.
    Lock,
    /// Menu.
    Menu,
    /// The microphone: record.
    Mic,
    /// Voice and fax.
    Mixed,
    /// Pause.
    Pause,
    /// Play.
    Play,
    /// Unknown.
    Question,
    /// A report.
    Report,
    /// Search.
    Search,
    /// Servers.
    Server,
    /// On its way, again.
    Sync,
    /// Text.
    Text,
    /// Delete.
    Trash,
    /// Take back.
    Undo,
    /// Urgent.
    Urgent,
    /// A person.
    User,
    /// Sound.
    Voice,
    /// A draft, and writing.
    Draft,
    /// Pass on.
    Forward,
    /// Answer.
    Reply,
    /// Answer all.
    ReplyAll,
    /// Sent, and sending.
    Sent,
    /// Several people.
    Users,
    /// Something is wrong.
    Warn,
    /// Close; not heard, failed.
    Cross,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Self::Back10 => "M4 12a8 8 0 1 0 3-6.2M7.5 2.5 7 6l3.6.5",
            Self::Barred => "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM6 6l12 12",
            Self::Check => "M5 12.5l4.8 4.8L19.5 7",
            Self::Clip => {
                "M19 11.5 11.6 19a4.6 4.6 0 0 1-6.5-6.5l8-8a3 3 0 0 1 4.3 4.3l-7.9 7.9a1.5 1.5 0 0 1-2.1-2.1L14 8"
            }
            Self::Down => "M6 9.5l6 6 6-6",
            Self::Download => "M12 4v11M7.5 11 12 15.5 16.5 11M5 20h14",
            Self::Eye => {
                "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z"
            }
            Self::Fax => "M7 8V3h10v5M7 17H4V8h16v9h-3M7 14h10v7H7z",
            Self::Forward10 => "M20 12a8 8 0 1 1-3-6.2M16.5 2.5 17 6l-3.6.5",
            Self::Gear => {
                "M12 9a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM12 3v2.5M12 18.5V21M3 12h2.5M18.5 12H21M5.6 5.6l1.8 1.8M16.6 16.6l1.8 1.8M18.4 5.6l-1.8 1.8M7.4 16.6l-1.8 1.8"
            }
            Self::Inbox => "M3 13h5l1.5 3h5L16 13h5M5.6 5h12.8L21 13v6H3v-6z",
            Self::Book => "M5 4h13v16H6.5A1.5 1.5 0 0 1 5 18.5zM5 17.5h13M9 8h5",
            Self::Left => "M14.5 6l-6 6 6 6",
            Self::List => "M8.5 6.5h12M8.5 12h12M8.5 17.5h12M4 6.5h.1M4 12h.1M4 17.5h.1",
            Self::Lock => "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
            Self::Menu => "M4 7h16M4 12h16M4 17h16",
            Self::Mic => {
                "M12 3.5a3 3 0 0 1 3 3V11a3 3 0 0 1-6 0V6.5a3 3 0 0 1 3-3zM6 11a6 6 0 0 0 12 0M12 17v3.5M9 20.5h6"
            }
            Self::Mixed => "M4 5h16v14H4zM4 7l8 6 8-6",
            Self::Pause => "M7 5h3.4v14H7zM13.6 5H17v14h-3.4z",
            Self::Play => "M7 4.5v15l12.5-7.5z",
            Self::Question => "M8.5 8.8a3.6 3.6 0 1 1 5.2 3.2c-1.2.7-1.7 1.3-1.7 2.6M12 18.6v.4",
            Self::Report => "M21 3.5 3 11l7 2.5L12.5 21zM21 3.5 10 13.5",
            Self::Search => "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.5 15.5 20.5 20.5",
            Self::Server => "M4 4.5h16v6H4zM4 13.5h16v6H4zM7.5 7.5h.1M7.5 16.5h.1",
            Self::Sync => {
                "M4.5 11a7.6 7.6 0 0 1 13.6-3.7L20 9.5M20 4.5v5h-5M19.5 13A7.6 7.6 0 0 1 5.9 16.7L4 14.5M4 19.5v-5h5"
            }
            Self::Text => "M4 5h16v11.5H9.5L4.5 20v-3.5H4zM8 9h8M8 12.5h5",
            Self::Trash => "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5.5M14 11v5.5",
            Self::Undo => "M8.5 5 4 9.5 8.5 14M4.5 9.5H14a5.5 5.5 0 0 1 0 11h-3",
            Self::Urgent => "M12 4v10M12 18.5v.6",
            Self::User => {
                "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM4.5 20.5c.6-4 3.6-6 7.5-6s6.9 2 7.5 6"
            }
            Self::Voice => "M4 10v4M8 6.5v11M12 9v6M16 4v16M20 10v4",
            Self::Draft => "M4 20l1-4.5L16 4.5l3.5 3.5L8.5 19zM14 6.5l3.5 3.5",
            Self::Forward => "M14 6l5.5 5.5L14 17M19 11.5H9.5A5.5 5.5 0 0 0 4 17v2",
            Self::Reply => "M10 6l-5.5 5.5L10 17M5 11.5h9.5A5.5 5.5 0 0 1 20 17v2",
            Self::ReplyAll => {
                "M7.5 6 2.5 11.5l5 5.5M12.5 6l-5 5.5 5 5.5M8 11.5h7.5A5.5 5.5 0 0 1 21 17v2"
            }
            Self::Sent => "M21 3.5 3 11l7 2.5L12.5 21zM21 3.5 10 13.5",
            Self::Users => {
                "M9 5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM2.5 19.5c.5-3.6 3-5.2 6.5-5.2s6 1.6 6.5 5.2M15.5 5.3a3.5 3.5 0 0 1 0 6.4M18 14.6c2 .7 3.2 2.4 3.5 4.9"
            }
            Self::Warn => "M12 4 2.8 20h18.4zM12 10v5M12 17.6v.2",
            Self::Cross => "M6 6l12 12M18 6 6 18",
        }
    }
}

/// Draws a sign.
pub fn icon(icon: Icon) -> AnyView {
    sized(icon, "icon")
}

/// Draws a small sign, as beside a word.
pub fn small(icon: Icon) -> AnyView {
    sized(icon, "icon icon--s")
}

fn sized(icon: Icon, class: &'static str) -> AnyView {
    view! {
        <svg class=class viewBox="0 0 24 24" aria-hidden="true">
            <path d=icon.path()></path>
        </svg>
    }
    .into_any()
}
