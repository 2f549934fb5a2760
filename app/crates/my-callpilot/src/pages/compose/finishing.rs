//! Send, keep for later, discard.

use super::Form;
use super::addresses::{FIELD, counted_addresses, unreachable};
use crate::mailbox::MailboxContext;
use crate::model::composition::Stage;
use crate::route::{INBOX, Page};
use contract::{Addressee, DraftContent, SourceAction};
use leptos::ev;
use leptos::prelude::*;
use ui::announcer::Announcer;
use ui::browser;
use ui::components::button::{button, styled};
use ui::components::dialogs::Confirm;
use ui::components::icons::Icon;
use ui::router::Router;

/// The end of a form. A handle.
#[derive(Clone, Copy)]
struct Finishing {
    form: Form,
    router: Router,
    mailbox: MailboxContext,
    announcer: Announcer,
    /// Addresses that lead somewhere, and those that do not.
    counts: Memo<(usize, usize)>,
    /// It was to be sent, and could not: why is said for as long as it holds.
    tried: RwSignal<bool>,
    /// The question before it is discarded is open.
    asking: RwSignal<bool>,
}

/// What stands below the form.
pub(super) fn footer(form: Form) -> AnyView {
    let counts = move |content: &DraftContent| {
        let wrong = |to: &&Addressee| unreachable(form, to).is_some();
        let wrong = content.recipients.iter().filter(wrong).count();
        (content.recipients.len() - wrong, wrong)
    };
    let end = Finishing {
        form,
        router: Router::here(),
        mailbox: MailboxContext::here(),
        announcer: Announcer::here(),
        counts: Memo::new(move |_| form.content.with(counts)),
        tried: RwSignal::new(false),
        asking: RwSignal::new(false),
    };
    end.send_by_key();
    let told = move || {
        let why = end.obstacle().filter(|_| end.tried.get());
        why.map(|(why, _)| view! { <p class="help help--error">{why}</p> })
    };
    let sending = move || form.with(|one| one.stage == Stage::Sending) == Some(true);
    let actions = move || match sending() {
        true => button(Icon::Undo, "Do not send yet", move || {
            form.composing.hold(form.id)
        }),
        false => end.actions(),
    };
    view! {
        <div class="panel compose__end">
            <footer>
                {actions}
                <span class="end help" role="status">{move || end.left_out()}</span>
                {told}
            </footer>
        </div>
        <Confirm
            open=end.asking
            title=Signal::derive(|| "Discard this message?".to_owned())
            text="It goes from this browser and from both servers, with what was recorded. There is no way back."
            action="Discard"
            on_yes=Callback::new(move |()| end.discard())
        />
    }
    .into_any()
}

impl Finishing {
    fn actions(self) -> AnyView {
        let words = move || match self.counts.get() {
            (0, _) => "Send".to_owned(),
            (right, _) => format!("Send to {}", counted_addresses(right)),
        };
        let discard = move || {
            let blank = untrack(|| self.form.with(|one| one.is_blank()));
            match blank {
                Some(true) => self.discard(),
                _ => self.asking.set(true),
            }
        };
        view! {
            {styled("btn btn--primary", Some(Icon::Sent), words, move || self.send())}
            {button(Icon::Draft, "Save as draft", move || self.router.go(&Page::Drafts.address()))}
            {styled("btn btn--quiet", Some(Icon::Trash), || "Discard".into(), discard)}
        }
        .into_any()
    }

    /// Ctrl+Enter sends from everywhere in the page.
    fn send_by_key(self) {
        let pressed = window_event_listener(ev::keydown, move |event| {
            let sends = event.key() == "Enter" && (event.ctrl_key() || event.meta_key());
            if sends && !event.default_prevented() && !browser::dialog_is_open() {
                event.prevent_default();
                self.send();
            }
        });
        on_cleanup(move || pressed.remove());
    }

    fn send(self) {
        if self.form.fixed.get_untracked() {
            return;
        }
        match untrack(|| self.obstacle()) {
            Some((why, field)) => {
                self.tried.set(true);
                self.announcer.say(why);
                browser::focus(field);
            }
            None => self.hand_in(),
        }
    }

    fn left_out(self) -> String {
        match self.counts.get() {
            (0, _) | (_, 0) => String::new(),
            (_, 1) => "1 address is wrong and will be left out.".into(),
            (_, wrong) => format!("{wrong} addresses are wrong and will be left out."),
        }
    }

    /// Why it cannot be sent yet, and where that is mended (tracked).
    fn obstacle(self) -> Option<(&'static str, &'static str)> {
        match self.counts.get() {
            (0, 0) => return Some(("Say to whom it goes.", FIELD)),
            (0, _) => return Some(("No address is right. Correct one, then send.", FIELD)),
            _ => {}
        }
        let silent = self.form.with(|one| {
            let source = one.content.source.map(|source| source.action);
            one.parts.is_empty()
                && one.content.text.trim().is_empty()
                && source != Some(SourceAction::Forward)
        });
        (silent == Some(true)).then_some((
            "Nothing is said yet: record, write or add something.",
            "text",
        ))
    }

    /// Addresses that lead nowhere are left out.
    fn hand_in(self) {
        let form = self.form;
        let wrong: Vec<String> = untrack(|| {
            form.content.with(|content| {
                let recipients = content.recipients.iter();
                let wrong = recipients.filter(|to| unreachable(form, to).is_some());
                wrong.map(|to| to.address.clone()).collect()
            })
        });
        if !wrong.is_empty() {
            form.edit(|content| {
                content.recipients.retain(|to| !wrong.contains(&to.address));
            });
        }
        form.voice.recorder.rest();
        form.composing.send(form.id);
    }

    fn discard(self) {
        self.form.voice.recorder.rest();
        self.form.composing.discard(self.form.id);
        self.mailbox.tell("Draft discarded.".to_owned());
        self.router.go(&INBOX.address());
    }
}
