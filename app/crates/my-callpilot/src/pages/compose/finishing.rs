//! Send, keep for later, discard.

use super::Form;
use super::addresses::{FIELD, counted_addresses, unreachable};
use crate::mailbox::MailboxContext;
use crate::model::composition::Stage;
use crate::route::{INBOX, Page};
use contract::SourceAction;
use leptos::ev;
use leptos::prelude::*;
use ui::announcer::Announcer;
use ui::browser;
use ui::components::button::{button, styled};
use ui::components::dialogs::Confirm;
use ui::components::icons::Icon;
use ui::router::Router;

/// What stands below the form.
pub(super) fn footer(form: Form) -> AnyView {
    let (router, asking) = (Router::here(), RwSignal::new(false));
    let announcer = Announcer::here();
    let refusal = RwSignal::new("");
    let counts = Memo::new(move |_| {
        form.content.with(|content| {
            let wrong = content
                .recipients
                .iter()
                .filter(|to| unreachable(form, to).is_some());
            let wrong = wrong.count();
            (content.recipients.len() - wrong, wrong)
        })
    });
    let send = move || {
        if form.fixed.get_untracked() {
            return;
        }
        match obstacle(form, counts.get_untracked()) {
            Some((why, field)) => {
                refusal.set(why);
                announcer.say(why);
                browser::focus(field);
            }
            None => go(form),
        }
    };
    // Ctrl+Enter sends from everywhere in the page.
    let pressed = window_event_listener(ev::keydown, move |event| {
        let sends = event.key() == "Enter" && (event.ctrl_key() || event.meta_key());
        if sends && !event.default_prevented() && !browser::dialog_is_open() {
            event.prevent_default();
            send();
        }
    });
    on_cleanup(move || pressed.remove());
    let words = move || match counts.get() {
        (0, _) => "Send".to_owned(),
        (right, _) => format!("Send to {}", counted_addresses(right)),
    };
    let left_out = move || match counts.get() {
        (0, _) | (_, 0) => String::new(),
        (_, 1) => "1 address is wrong and will be left out.".into(),
        (_, wrong) => format!("{wrong} addresses are wrong and will be left out."),
    };
    let sending = move || form.with(|one| one.stage == Stage::Sending) == Some(true);
    let actions = move || {
        if sending() {
            return button(Icon::Undo, "Do not send yet", move || {
                form.composing.hold(form.id)
            });
        }
        view! {
            {styled("btn btn--primary", Some(Icon::Sent), words, send)}
            {button(Icon::Draft, "Save as draft", move || router.go(&Page::Drafts.address()))}
            {styled("btn btn--quiet", Some(Icon::Trash), || "Discard".into(), move || {
                let blank = form.with(|one| one.is_blank());
                if untrack(|| blank) == Some(true) { leave(form) } else { asking.set(true) }
            })}
        }
        .into_any()
    };
    view! {
        <div class="panel compose__end">
            <footer>
                {actions}
                <span class="end help" role="status">{left_out}</span>
                {move || (!refusal.get().is_empty()).then(|| view! { <p class="help help--error">{refusal.get()}</p> })}
            </footer>
        </div>
        <Confirm
            open=asking
            title=Signal::derive(|| "Discard this message?".to_owned())
            text="It goes from this browser and from both servers, with what was recorded. There is no way back."
            action="Discard"
            on_yes=Callback::new(move |()| leave(form))
        />
    }
    .into_any()
}

/// Why it cannot be sent yet, and where that is mended.
fn obstacle(form: Form, (right, wrong): (usize, usize)) -> Option<(&'static str, &'static str)> {
    if right == 0 && wrong > 0 {
        return Some(("No address is right. Correct one, then send.", FIELD));
    }
    if right == 0 {
        return Some(("Say to whom it goes.", FIELD));
    }
    let silent = untrack(|| {
        form.with(|one| {
            let forwards = one
                .content
                .source
                .is_some_and(|source| source.action == SourceAction::Forward);
            one.parts.is_empty() && one.content.text.trim().is_empty() && !forwards
        })
    });
    (silent == Some(true)).then_some((
        "Nothing is said yet: record, write or add something.",
        "text",
    ))
}

/// Hands it in. Addresses that lead nowhere are left out.
fn go(form: Form) {
    let wrong: Vec<String> = untrack(|| {
        form.content.with(|content| {
            let recipients = content.recipients.iter();
            let wrong = recipients.filter(|to| unreachable(form, to).is_some());
            wrong.map(|to| to.address.clone()).collect()
        })
    });
    if !wrong.is_empty() {
        form.edit(|content| content.recipients.retain(|to| !wrong.contains(&to.address)));
    }
    form.voice.recorder.rest();
    form.composing.send(form.id);
}

fn leave(form: Form) {
    form.voice.recorder.rest();
    form.composing.discard(form.id);
    MailboxContext::here().tell("Draft discarded.".to_owned());
    Router::here().go(&INBOX.address());
}
