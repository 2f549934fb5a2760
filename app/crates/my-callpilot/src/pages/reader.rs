//! The open message: what it is, its player, what came with it, and what was forwarded.

use super::folder_context::FolderContext;
use super::message_content::content;
use super::no_message::{aside, none_open};
use crate::mailbox::MailboxContext;
use crate::model::answering::Answer;
use crate::model::ids::IdSet;
use crate::model::outline::outline;
use crate::model::row_length::main_kind;
use crate::model::undo::Action;
use crate::model::words;
use crate::player::{Player, PlayerContext};
use crate::route::Page;
use contract::{Folder, MessageDetail, MessageRow, ObjectId, Recipient};
use leptos::prelude::*;
use leptos::task::spawn_local;
use ui::announcer::Announcer;
use ui::browser;
use ui::clock::Clock;
use ui::components::button::{button, styled, telling};
use ui::components::icons::{Icon, icon};
use ui::components::panel::{note, nothing};
use ui::connection::ConnectionContext;
use ui::length::counted;
use ui::sdk::{Side, Trouble};
use ui::session::SessionContext;
use ui::times::{machine_time, moment_words, sortable_words};

/// The side of the page where a message is read.
#[component]
pub fn Reader(
    /// What it shares with the list.
    folder: FolderContext,
) -> impl IntoView {
    let selecting = Memo::new(move |_| !folder.picked().with(IdSet::is_empty));
    let behind = behind_selection(folder, selecting);
    view! {
        {move || (selecting.get() && (behind.get() || folder.open.get().is_none())).then(|| selection(folder))}
        {move || match folder.open.get() {
            Some(id) => view! { <OpenMessage folder id behind/> }.into_any(),
            None => (!selecting.get()).then(none_open).into_any(),
        }}
    }
}

/// Whether the open message stands behind what is said of the selection. It stays in the page, for selecting must not end what plays; while it
/// sounds, or has during this selection, it stays in sight as well, with the way to stop it.
fn behind_selection(folder: FolderContext, selecting: Memo<bool>) -> Memo<bool> {
    let playing = PlayerContext::here().playing();
    let sounds = move || {
        let open = folder.open.get();
        playing.get().is_some_and(|(id, _)| Some(id) == open)
    };
    let has_sounded = StoredValue::new(false);
    Memo::new(move |_| {
        let selects = selecting.get();
        has_sounded.set_value(selects && (has_sounded.get_value() || sounds()));
        selects && !has_sounded.get_value()
    })
}

fn selection(folder: FolderContext) -> AnyView {
    let number = counted(folder.picked().with(IdSet::len) as u64, "message");
    let told = folder.mailbox.mail().with(|mail| {
        folder.picked().with(|picked| {
            words::selection(
                &picked
                    .iter()
                    .filter_map(|id| mail.row(*id))
                    .collect::<Vec<_>>(),
            )
        })
    });
    let then = view! {
        <p>{told}</p>
        <p class="actions"><span><kbd>"Del"</kbd>" delete"</span><span><kbd>"Esc"</kbd>" clear"</span></p>
    };
    aside(
        "Selection",
        nothing(Icon::List, format!("{number} selected"), then.into_any()),
    )
}

/// One message. It is made anew only for another message: what arrives meanwhile changes words, not the player.
#[component]
fn OpenMessage(folder: FolderContext, id: ObjectId, behind: Memo<bool>) -> impl IntoView {
    let message = OpenedMessage::new(folder.mailbox, id);
    let OpenedMessage { detail, row, .. } = message;
    focus_alone();
    let sound = Memo::new(move |_| row.with(|row| row.as_ref().map_or(0, |row| row.duration_ms)));
    let sounds = Memo::new(move |_| sound.get() > 0);
    let shown = Memo::new(move |_| detail.with(|detail| detail.as_ref().map(outline)));
    let gone = Memo::new(move |_| message.is_gone());
    let heading = move || match gone.get() {
        true => Some("No such message".to_owned()),
        false => row.with(|row| row.as_ref().map(words::subject)),
    };
    let player = move || {
        let save_as = row.with_untracked(|row| row.as_ref().map(file_name));
        view! { <Player id duration_ms=sound.get_untracked() save_as=save_as.unwrap_or_default()/> }
    };
    view! {
        <section class="reader" aria-labelledby="subject" hidden=move || behind.get()>
            {toolbar(folder, id, row, gone)}
            <div class="stack reader__head">
                <h2 class="title" id="subject" tabindex="-1">
                    {heading}
                </h2>
                {move || row.get().map(|row| facts(&row, detail.with(|detail| detail.as_ref().map(addressees))))}
            </div>
            {move || sounds.get().then(player)}
            {move || shown.get().map(|outline| content(id, outline))}
            {move || message.missing().map(|why| told(why, move || message.load()))}
        </section>
    }
}

/// An open message as far as it is known, and its reading from a server. A handle.
#[derive(Clone, Copy)]
struct OpenedMessage {
    mailbox: MailboxContext,
    id: ObjectId,
    /// Its parts, once they are here.
    detail: RwSignal<Option<MessageDetail>>,
    /// Why they could not be read.
    trouble: RwSignal<Option<Trouble>>,
    /// What the list knows of it. A message that has just gone stays as it was.
    row: Memo<Option<MessageRow>>,
}

impl OpenedMessage {
    /// Asks for the parts that are not here: now; again when a server answers after none did; and where a server refused or did not
    /// have them, again when the connection changes to the other.
    fn new(mailbox: MailboxContext, id: ObjectId) -> Self {
        let message = Self {
            mailbox,
            id,
            detail: RwSignal::new(mailbox.detail(id)),
            trouble: RwSignal::new(None),
            row: Memo::new(move |before: Option<&Option<MessageRow>>| {
                mailbox.row(id).or_else(|| before.cloned().flatten())
            }),
        };
        let status = ConnectionContext::here().status();
        Effect::new(move |before: Option<Option<Side>>| {
            let on = status.with(|status| status.on);
            let ask = match message.trouble.get_untracked() {
                // Its first reading is to come, or on its way.
                None => before.is_none(),
                Some(Trouble::NoAnswer) => on.is_some(),
                Some(_) => on.is_some() && before != Some(on),
            };
            if ask && message.detail.with_untracked(Option::is_none) {
                message.load();
            }
            on
        });
        message
    }

    /// Reads it from a server.
    fn load(self) {
        self.trouble.set(None);
        spawn_local(async move {
            let answer = self.mailbox.read_detail(self.id).await;
            // Another message may be open by now.
            if self.detail.is_disposed() {
                return;
            }
            match answer {
                Ok(found) => {
                    // Without sound, opening it is reading it.
                    if found.row.duration_ms == 0 && found.row.folder == Folder::Inbox {
                        self.mailbox.mark(&[self.id], false);
                    }
                    self.detail.set(Some(found));
                }
                Err(failed) => self.trouble.set(Some(failed)),
            }
        });
    }

    /// Nothing is known of it, and no server has it: there is nothing to be done with it (tracked).
    fn is_gone(self) -> bool {
        self.row.with(Option::is_none) && self.trouble.get() == Some(Trouble::Gone)
    }

    /// Why its parts are not here (tracked).
    fn missing(self) -> Option<Trouble> {
        let why = self.trouble.get();
        why.filter(|_| self.detail.with(Option::is_none))
    }
}

/// Where the list is not beside it, the reader has just gone to another view, and the focus goes along.
fn focus_alone() {
    browser::after_drawing(|| {
        if !browser::element("list").is_some_and(|list| browser::is_shown(&list)) {
            browser::focus("subject");
        }
    });
}

/// A name for the saved sound, after the sender, that every file system takes.
fn file_name(row: &MessageRow) -> String {
    // What no file system takes, or takes for a folder.
    let safe = |letter: char| match letter {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '-',
        letter => letter,
    };
    let sender: String = words::name(&row.sender).chars().map(safe).collect();
    let at = sortable_words(&Clock::here().zone(), row.received_at);
    format!("{at} {sender}.wav")
}

fn toolbar(
    folder: FolderContext,
    id: ObjectId,
    row: Memo<Option<MessageRow>>,
    gone: Memo<bool>,
) -> AnyView {
    let unread = Memo::new(move |_| row.with(|row| row.as_ref().is_some_and(|row| row.unread)));
    let deleted = folder.folder == Folder::Deleted;
    let voice = Memo::new(move |_| {
        row.with(|row| {
            row.as_ref()
                .is_some_and(|row| words::is_heard(main_kind(row)))
        })
    });
    let private = Memo::new(move |_| row.with(|row| row.as_ref().is_some_and(|row| row.private)));
    let mark = move || {
        if unread.get() {
            words::mark_done(voice.get())
        } else {
            "Mark as new"
        }
        .to_owned()
    };
    let actions = move || {
        view! {
            {deleted
                .then(|| button(Icon::Undo, "Move back to Inbox", move || folder.shift(Action::Restored, vec![id])))}
            {answer_link(Answer::Reply, Icon::Reply, id)}
            {answer_link(Answer::ReplyAll, Icon::ReplyAll, id)}
            {move || if private.get() { not_forwarded() } else { answer_link(Answer::Forward, Icon::Forward, id) }}
            {telling(Icon::Eye, mark, move || folder.mailbox.mark(&[id], !unread.get_untracked()))}
            {button(Icon::Trash, if deleted { "Delete for good" } else { "Delete" }, move || folder.delete(vec![id]))}
        }
    };
    view! {
        <div class="actions actions--tight" role="toolbar" aria-label="This message">
            <a class="btn btn--quiet only-narrow" href=folder.address(None) aria-label="Back to the list">
                {icon(Icon::Left)}
            </a>
            {move || (!gone.get()).then(actions)}
        </div>
    }
    .into_any()
}

fn answer_link(answer: Answer, sign: Icon, id: ObjectId) -> AnyView {
    view! {
        <a class="btn" href=Page::Answer(answer).address_of(id)>
            {icon(sign)}
            <span class="btn__text">{answer.words()}</span>
        </a>
    }
    .into_any()
}

/// A private message is not passed on: the button stays, and says why.
fn not_forwarded() -> AnyView {
    const WHY: &str = "It is private: its sender does not want it to be forwarded.";
    let announcer = Announcer::here();
    view! {
        <button class="btn" type="button" aria-disabled="true" title=WHY on:click=move |_| announcer.say(WHY)>
            {icon(Icon::Forward)}
            <span class="btn__text">{Answer::Forward.words()}</span>
        </button>
    }
    .into_any()
}

fn facts(row: &MessageRow, to: Option<String>) -> AnyView {
    let clock = Clock::here();
    let when = moment_words(&clock.zone(), clock.now().get_untracked(), row.received_at);
    let marks = [
        (
            row.urgent,
            "badge badge--down",
            Icon::Urgent,
            "Urgent".to_owned(),
        ),
        (row.private, "badge", Icon::Lock, "Private".to_owned()),
        (
            row.sender_unverified,
            "badge badge--down",
            Icon::Question,
            "Unverified sender: it may be somebody else".to_owned(),
        ),
        (
            row.attachments > 0,
            "badge",
            Icon::Clip,
            counted(u64::from(row.attachments), "attachment"),
        ),
        (
            row.one_server_only,
            "badge",
            Icon::Sync,
            "On one server only so far".to_owned(),
        ),
    ];
    view! {
        <p class="facts">
            <span class="facts__who">{words::sender_in_full(&row.sender)}</span>
            {to.map(|to| view! { <span>{to}</span> })}
            <time datetime=machine_time(row.received_at)>{when}</time>
            {marks
                .into_iter()
                .filter(|(set, ..)| *set)
                .map(|(_, class, sign, words)| view! { <span class=class>{icon(sign)}{words}</span> })
                .collect_view()}
        </p>
    }
    .into_any()
}

/// `to you and Warehouse list`; empty names are left out.
fn addressees(detail: &MessageDetail) -> String {
    let own = SessionContext::here()
        .who()
        .with_untracked(|who| who.as_ref().map(|who| who.mailbox.clone()));
    let name = |recipient: &Recipient| match &recipient.party.number {
        Some(number) if Some(number) == own.as_ref() => "you".to_owned(),
        _ => words::sender(&recipient.party),
    };
    let mut names: Vec<String> = detail.recipients.iter().map(name).collect();
    names.dedup();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => format!("to {only}"),
        Some((last, rest)) => format!("to {} and {last}", rest.join(", ")),
    }
}

fn told(trouble: Trouble, again: impl Fn() + 'static) -> AnyView {
    let (what, then, reference) = match trouble {
        Trouble::NoAnswer => (
            "The rest of this message is not kept here.".to_owned(),
            "It appears by itself when there is a connection.",
            String::new(),
        ),
        Trouble::Gone => (
            "This message is not on this server.".to_owned(),
            "It was deleted for good, or only the other server has it so far.",
            String::new(),
        ),
        Trouble::Refused {
            message, reference, ..
        } => (message, "The message is safe.", reference),
        Trouble::Ended => return ().into_any(),
    };
    let reference =
        (!reference.is_empty()).then(|| format!("Reference for an administrator: {reference}"));
    let then = view! {
        <p>{then}</p>
        {reference.map(|words| view! { <p>{words}</p> })}
        {styled("btn", None, || "Try again".into(), again)}
    };
    note("note note--unknown", Icon::Warn, what, then.into_any())
}
