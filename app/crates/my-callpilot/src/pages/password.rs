//! Changing one's own password: in Configure, and in the place of everything else where the server wants it first.

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ui::announcer::Announcer;
use ui::browser;
use ui::components::button::styled;
use ui::components::icons::Icon;
use ui::components::panel::{note, panel, refused};
use ui::refusal::Refusal;
use ui::router::Router;
use ui::session::SessionContext;

/// Said and shown when it is done.
const CHANGED: &str = "Your password is changed.";
const OTHERS_ENDED: &str = "Other sessions have ended.";

/// What is shown instead of the mailbox while the password has to be changed before anything else.
#[component]
pub fn PasswordFirst() -> impl IntoView {
    browser::set_title("Change the password · My CallPilot");
    Router::here().page_follows();
    let session = SessionContext::here();
    let number = move || {
        session
            .who()
            .with(|who| who.as_ref().map(|who| who.mailbox.clone()))
    };
    view! {
        <main class="gate gate--alone">
            <section class="gate__form" aria-labelledby="heading">
                <div>
                    <h1 id="heading" tabindex="-1">"Choose a new password"</h1>
                    <p class="muted">
                        "Mailbox "{number}" has a password that was made by an administrator, or that is too old. Your messages are shown when you have a new one."
                    </p>
                </div>
                {fields(PasswordForm::new())}
                {styled("btn btn--quiet", None, || "Log out".into(), move || session.log_out())}
            </section>
        </main>
    }
}

/// The form among other things.
pub fn password_panel() -> AnyView {
    panel(
        "password",
        "Password",
        view! { <div class="body">{fields(PasswordForm::new())}</div> }.into_any(),
    )
}

/// What is filled in, and what became of the last try. A handle.
#[derive(Clone, Copy)]
struct PasswordForm {
    session: SessionContext,
    announcer: Announcer,
    old: NodeRef<html::Input>,
    new: NodeRef<html::Input>,
    again: NodeRef<html::Input>,
    refusal: RwSignal<Option<Refusal>>,
    changed: RwSignal<bool>,
    busy: RwSignal<bool>,
}

impl PasswordForm {
    fn new() -> Self {
        Self {
            session: SessionContext::here(),
            announcer: Announcer::here(),
            old: NodeRef::new(),
            new: NodeRef::new(),
            again: NodeRef::new(),
            refusal: RwSignal::new(None),
            changed: RwSignal::new(false),
            busy: RwSignal::new(false),
        }
    }

    fn refuse(self, what: &str, field: &web_sys::HtmlInputElement) {
        self.refusal.set(Some(Refusal::new(what, "")));
        let _ = field.focus(); // nothing is lost but a convenience
    }

    fn submit(self) {
        let fields = [self.old, self.new, self.again].map(|field| field.get_untracked());
        let [Some(old), Some(new), Some(again)] = fields else {
            return;
        };
        if self.busy.get_untracked() {
            return;
        }
        self.changed.set(false);
        if let Some(empty) = [&old, &new, &again]
            .into_iter()
            .find(|field| field.value().is_empty())
        {
            return self.refuse("All three are needed.", empty);
        }
        if new.value() != again.value() {
            again.set_value("");
            return self.refuse("The new password is not the same twice.", &again);
        }
        self.busy.set(true);
        spawn_local(async move {
            let answer = self
                .session
                .change_password(&old.value(), &new.value())
                .await;
            if answer.is_ok() {
                self.announcer.say(format!("{CHANGED} {OTHERS_ENDED}"));
            }
            // Where it was wanted first, the form is gone, and its signals with it.
            if self.busy.is_disposed() {
                return;
            }
            self.busy.set(false);
            match answer {
                Ok(()) => {
                    for field in [old, new, again] {
                        field.set_value("");
                    }
                    self.refusal.set(None);
                    self.changed.set(true);
                }
                Err(refusal) => {
                    self.refusal.set(Some(refusal));
                    let _ = old.focus(); // nothing is lost but a convenience
                }
            }
        });
    }
}

fn fields(form: PasswordForm) -> AnyView {
    let done = move || {
        form.changed.get().then(|| {
            let then = view! { <p>{OTHERS_ENDED}" It holds at once here and on the telephone, on both servers."</p> };
            note(
                "note",
                Icon::Check,
                CHANGED.into(),
                then.into_any(),
            )
        })
    };
    let field = |id: &'static str,
                 label: &'static str,
                 complete: &'static str,
                 node: NodeRef<html::Input>| {
        view! {
            <div class="field">
                <label for=id>{label}</label>
                <input class="input" id=id node_ref=node type="password" autocomplete=complete aria-describedby="password-refusal"/>
            </div>
        }
        .into_any()
    };
    let busy = move || form.busy.get().then_some("true");
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        form.submit();
    };
    view! {
        <form class="stack" on:submit=submit novalidate=true>
            <div id="password-refusal" role="alert">{move || form.refusal.get().map(refused)}</div>
            {done}
            {field("old-password", "Present password", "current-password", form.old)}
            {field("new-password", "New password", "new-password", form.new)}
            {field("again-password", "New password again", "new-password", form.again)}
            <button class="btn btn--primary" type="submit" aria-disabled=busy aria-busy=busy>"Change the password"</button>
        </form>
    }
    .into_any()
}
