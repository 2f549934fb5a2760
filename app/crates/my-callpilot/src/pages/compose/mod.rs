//! The page where a message is composed: to whom, what it says, what is recorded and attached, how it is sent. All of it is kept as it is made
//! (`composing`); the page shows it.

mod addresses;
mod attachments;
mod finishing;
mod source;
mod voice;

use crate::composing::ComposingContext;
use crate::model::answering::Answer;
use crate::model::composition::{Composition, Stage};
use crate::route::{Location, Page, SENT};
use contract::{DraftContent, ObjectId, SourceAction};
use leptos::prelude::*;
use leptos::task::spawn_local;
use ui::browser;
use ui::clock::Clock;
use ui::components::button::{button, styled};
use ui::components::icons::Icon;
use ui::components::panel::{note, nothing, panel};
use ui::connection::ConnectionContext;
use ui::router::Router;
use ui::sdk::Trouble;
use ui::times::time_words;

/// The page of a draft: the one of the address, else a new one.
pub fn compose_page(open: Memo<Option<ObjectId>>) -> AnyView {
    let composing = ComposingContext::here();
    let router = Router::here();
    let trouble = RwSignal::new(None::<Trouble>);
    let look = move |id: ObjectId| {
        trouble.set(None);
        spawn_local(async move {
            if let Err(why) = composing.open(id).await {
                trouble.try_set(Some(why));
            }
        });
    };
    // The draft at which one is.
    let at = StoredValue::new(None::<ObjectId>);
    let go_to = move |id: Option<ObjectId>| {
        let before = at
            .try_update_value(|at| std::mem::replace(at, id))
            .flatten();
        before
            .filter(|before| Some(*before) != id)
            .into_iter()
            .for_each(|left| composing.leave(left));
    };
    Effect::new(move || {
        let (now, ready) = (open.get(), composing.ready().get());
        let place = router.path().with_untracked(|path| Location::of(path));
        if place.is_none_or(|place| place.page != Page::Compose) {
            // Another page is about to be shown.
            return;
        }
        go_to(now);
        match now {
            _ if !ready => {}
            None => {
                let id = composing.begin(DraftContent::default());
                router.replace(&Page::Compose.address_of(id));
            }
            Some(id) => look(id),
        }
    });
    on_cleanup(move || go_to(None));
    // What has gone out is in Sent.
    let goes = Memo::new(move |_| {
        let one = composing.get(open.get()?)?;
        Some(one.stage == Stage::Sending)
    });
    Effect::new(move |before: Option<Option<bool>>| {
        let now = goes.get();
        if before == Some(Some(true)) && now.is_none() && open.get_untracked().is_some() {
            router.replace(&SENT.address());
        }
        now
    });
    browser::set_title("New message · My CallPilot");
    // What is typed changes words, not the form: it is made anew only for another draft.
    let shown = Memo::new(move |_| {
        let id = open.get()?;
        composing
            .all()
            .with(|all| all.iter().any(|one| one.id == id))
            .then_some(id)
    });
    view! {
        {move || match shown.get() {
            Some(id) => form(composing, id),
            None => trouble.get().map(|why| missing(why, move || open.get_untracked().into_iter().for_each(look))).into_any(),
        }}
    }
    .into_any()
}

/// The page that begins an answer, and goes on to it.
pub fn answer_page(answer: Answer, open: Memo<Option<ObjectId>>) -> AnyView {
    let composing = ComposingContext::here();
    let router = Router::here();
    let trouble = RwSignal::new(None::<Trouble>);
    let begin = move || {
        let Some(message) = open.get_untracked() else {
            return;
        };
        trouble.set(None);
        spawn_local(async move {
            match composing.answer(answer, message).await {
                Ok(id) if !trouble.is_disposed() => {
                    router.replace(&Page::Compose.address_of(id));
                }
                Ok(id) => composing.leave(id),
                Err(why) => {
                    trouble.try_set(Some(why));
                }
            }
        });
    };
    Effect::new(move || {
        if composing.ready().get() {
            begin();
        }
    });
    view! { {move || trouble.get().map(|why| missing(why, begin))} }.into_any()
}

/// The draft, or the message that is answered, is not here.
fn missing(why: Trouble, again: impl Fn() + 'static) -> AnyView {
    Router::here().page_shown();
    let (what, then) = match why {
        Trouble::NoAnswer => (
            "No server answers".to_owned(),
            "This is not kept in this browser. It is shown when there is a connection.".to_owned(),
        ),
        Trouble::Gone => (
            "It is not here".to_owned(),
            "It was sent or discarded, or the other server alone has it so far.".to_owned(),
        ),
        Trouble::Refused { message, .. } => ("It is not here any more".to_owned(), message),
        Trouble::Ended => return ().into_any(),
    };
    let then = view! {
        <p>{then}</p>
        <div class="actions">
            {styled("btn", None, || "Try again".into(), again)}
            <a class="btn" href=Page::Drafts.address()>"To the drafts"</a>
        </div>
    };
    view! {
        <h1 class="hidden-words" id="heading" tabindex="-1">"Message"</h1>
        {nothing(Icon::Draft, what, then.into_any())}
    }
    .into_any()
}

/// One draft and what the parts of its page share. A handle.
#[derive(Clone, Copy)]
struct Form {
    composing: ComposingContext,
    id: ObjectId,
    content: Memo<DraftContent>,
    voice: voice::Voice,
    /// Nobody can change it any more: it is being sent, or is gone elsewhere.
    fixed: Memo<bool>,
}

impl Form {
    /// Something of the composition (tracked).
    fn with<T>(self, what: impl Fn(&Composition) -> T) -> Option<T> {
        self.composing
            .all()
            .with(|all| all.iter().find(|one| one.id == self.id).map(what))
    }

    fn edit(self, edit: impl Fn(&mut DraftContent)) {
        self.composing.edit(self.id, edit);
    }
}

fn form(composing: ComposingContext, id: ObjectId) -> AnyView {
    let of = move |what: fn(&Composition) -> bool| {
        composing
            .all()
            .with(|all| all.iter().find(|one| one.id == id).is_some_and(what))
    };
    let content = Memo::new(move |before: Option<&DraftContent>| {
        let now = composing.get(id).map(|one| one.content);
        now.or_else(|| before.cloned()).unwrap_or_default()
    });
    let form = Form {
        composing,
        id,
        content,
        voice: voice::Voice::new(composing, id),
        fixed: Memo::new(move |_| !of(Composition::is_open)),
    };
    Router::here().page_shown();
    view! {
        <div class="page-head">
            <div>
                <h1 id="heading" tabindex="-1">{move || content.with(title)}</h1>
                <p>{move || kept(form)}</p>
            </div>
        </div>
        {move || notes(form)}
        <fieldset class="compose" disabled=move || form.fixed.get()>
            <legend class="hidden-words">"Message"</legend>
            <div class="grid grid--wide">
                <div class="stack">
                    {addresses::panel(form)}
                    {words(form)}
                </div>
                <div class="stack">
                    {voice::panel(form)}
                    {attachments::panel(form)}
                    {source::panel(form)}
                    {options(form)}
                </div>
            </div>
        </fieldset>
        {finishing::footer(form)}
    }
    .into_any()
}

fn title(content: &DraftContent) -> &'static str {
    match content.source.map(|source| source.action) {
        None => "New message",
        Some(SourceAction::Reply) => "Reply",
        Some(SourceAction::Forward) => "Forward",
    }
}

/// Where the draft is kept now.
fn kept(form: Form) -> String {
    let clock = Clock::here();
    let connected = ConnectionContext::here().is_on();
    form.with(|one| {
        let at = time_words(&clock.zone(), one.changed_at);
        match (&one.stage, one.is_saved()) {
            (Stage::Sending, _) if !connected => {
                "It goes out by itself, once, when a server answers.".into()
            }
            (Stage::Sending, _) => match one.percent() {
                100 => "Being sent\u{2026}".into(),
                percent => format!("Being sent: {percent} % uploaded."),
            },
            _ if one.is_blank() && !one.was_saved() => {
                "What you write is kept as you write it, also when a server stops.".into()
            }
            (_, true) => {
                format!("Draft kept on the servers at {at}. You can go on with it on any device.")
            }
            (_, false) if connected => {
                format!("Draft kept in this browser at {at}. Saving\u{2026}")
            }
            (_, false) => {
                format!(
                    "Draft kept in this browser at {at}. It goes to the servers when one answers."
                )
            }
        }
    })
    .unwrap_or_default()
}

/// What a server has refused, and what happened elsewhere.
fn notes(form: Form) -> Option<AnyView> {
    let router = Router::here();
    let (stage, refused) = form.with(|one| (one.stage.clone(), one.refused.clone()))?;
    if stage == Stage::Elsewhere {
        let go_on = move || {
            if let Some(copy) = form.composing.copy(form.id) {
                router.replace(&Page::Compose.address_of(copy));
            }
        };
        let then = view! {
            <p>"What you see is what this browser had of it."</p>
            {button(Icon::Draft, "Go on with it as a new message", go_on)}
        };
        let what = "It was sent or discarded on another device.".to_owned();
        return Some(note(
            "note note--unknown",
            Icon::Warn,
            what,
            then.into_any(),
        ));
    }
    let why = refused?;
    let then = view! { <p>"Nothing is lost. Change it, and send it again."</p> };
    let told = note("note note--down", Icon::Warn, why, then.into_any());
    Some(view! { <div role="alert">{told}</div> }.into_any())
}

/// Subject and text.
fn words(form: Form) -> AnyView {
    let subject = Memo::new(move |_| form.content.with(|content| content.subject.clone()));
    let text = Memo::new(move |_| form.content.with(|content| content.text.clone()));
    let inside = view! {
        <div class="body stack">
            <div class="field">
                <label for="subject">"Subject"</label>
                <input
                    class="input"
                    id="subject"
                    maxlength="400"
                    autocomplete="off"
                    prop:value=move || subject.get()
                    on:input=move |event| {
                        let typed = event_target_value(&event);
                        form.edit(|content| content.subject.clone_from(&typed));
                    }
                />
            </div>
            <div class="field">
                <label for="text">"Text"</label>
                <textarea
                    id="text"
                    rows="5"
                    maxlength="16000"
                    prop:value=move || text.get()
                    on:input=move |event| {
                        let typed = event_target_value(&event);
                        form.edit(|content| content.text.clone_from(&typed));
                    }
                ></textarea>
            </div>
        </div>
    };
    panel("words", "Words", inside.into_any())
}

fn options(form: Form) -> AnyView {
    let urgent = Memo::new(move |_| form.content.with(|content| content.urgent));
    let private = Memo::new(move |_| form.content.with(|content| content.private));
    let inside = view! {
        <div class="body">
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=move || urgent.get()
                    on:change=move |event| {
                        let on = event_target_checked(&event);
                        form.edit(|content| content.urgent = on);
                    }
                />
                <span>"Urgent"<small>"It is marked, and stands out in the list."</small></span>
            </label>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=move || private.get()
                    on:change=move |event| {
                        let on = event_target_checked(&event);
                        form.edit(|content| content.private = on);
                    }
                />
                <span>"Private"<small>"Whoever gets it cannot forward it."</small></span>
            </label>
        </div>
    };
    panel("options", "Options", inside.into_any())
}
