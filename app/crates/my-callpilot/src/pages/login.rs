//! The log-in page.

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ui::browser;
use ui::components::brand::Brand;
use ui::components::connection_banner::GateLine;
use ui::components::icons::Icon;
use ui::components::panel::{note, refused};
use ui::focus_keeper::FocusKeeper;
use ui::refusal::Refusal;
use ui::router::Router;
use ui::session::SessionContext;

/// The log-in page.
#[component]
pub fn Login() -> impl IntoView {
    browser::set_title("Log in · My CallPilot");
    Router::here().page_follows();
    let form = LoginForm::new();
    // Whoever has logged out may be the next to log in.
    FocusKeeper::here().belongs(|| browser::focus("mailbox"));
    view! {
        <a class="skip" href="#mailbox">"To the form"</a>
        <main class="gate">
            {about()}
            <section class="gate__form" aria-label="Log in">
                <div>
                    <h2>"Log in"</h2>
                    <p class="muted">"With your mailbox number and password, as on the telephone."</p>
                </div>
                {fields(form)}
                <GateLine/>
            </section>
        </main>
    }
}

/// What is filled in, whether a log-in is on its way, and why the last one was refused. A handle.
#[derive(Clone, Copy)]
struct LoginForm {
    session: SessionContext,
    mailbox: NodeRef<html::Input>,
    password: NodeRef<html::Input>,
    refusal: RwSignal<Option<Refusal>>,
    busy: RwSignal<bool>,
}

impl LoginForm {
    fn new() -> Self {
        Self {
            session: SessionContext::here(),
            mailbox: NodeRef::new(),
            password: NodeRef::new(),
            refusal: RwSignal::new(None),
            busy: RwSignal::new(false),
        }
    }

    /// Logs in with what is filled in; a field that is empty gets the focus instead.
    fn submit(self) {
        let (Some(mailbox), Some(password)) =
            (self.mailbox.get_untracked(), self.password.get_untracked())
        else {
            return;
        };
        if self.busy.get_untracked() {
            return;
        }
        let (number, secret) = (mailbox.value().trim().to_owned(), password.value());
        if number.is_empty() || secret.is_empty() {
            let empty = if number.is_empty() {
                &mailbox
            } else {
                &password
            };
            let _ = empty.focus();
            self.refusal.set(Some(Refusal::new(
                "Mailbox number and password are needed.",
                "They are the same as on the telephone.",
            )));
            return;
        }
        self.busy.set(true);
        spawn_local(async move {
            let answer = self.session.log_in(&number, &secret).await;
            // After a log-in the form is gone, and its signals with it.
            if self.busy.is_disposed() {
                return;
            }
            self.busy.set(false);
            if let Err(refused) = answer {
                if refused.wrong_password {
                    password.set_value("");
                }
                self.refusal.set(Some(refused));
                let _ = password.focus();
            }
        });
    }

    /// Why nobody is logged in: the last refusal, else what ended the session, which is nobody's fault (tracked).
    fn told(self) -> Option<AnyView> {
        if let Some(refusal) = self.refusal.get() {
            return Some(refused(refusal));
        }
        let why = self.session.end_notice().get();
        let calm = || note("note note--info", Icon::Lock, why.into(), ().into_any());
        (!why.is_empty()).then(calm)
    }
}

/// The side that says what My CallPilot is.
fn about() -> AnyView {
    view! {
        <section class="gate__art" aria-label="About">
            <Brand name="My CallPilot"/>
            <div class="stack">
                <h1 class="say">"Your messages, on two servers."</h1>
                <p class="wide-only">
                    "If one of them stops, the other goes on. You stay logged in and keep what you were doing."
                </p>
            </div>
            <img class="wide-only gate__pair" src="/MyCallPilot/assets/pair.svg" alt="" width="560" height="120"/>
        </section>
    }
    .into_any()
}

/// The form itself: why nobody is logged in, the two fields, and the button.
fn fields(form: LoginForm) -> AnyView {
    let busy = move || form.busy.get().then_some("true");
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        form.submit();
    };
    view! {
        <form class="stack" on:submit=submit novalidate=true>
            <div id="refusal" role="alert">{move || form.told()}</div>
            <div class="field">
                <label for="mailbox">"Mailbox number"</label>
                <input
                    class="input"
                    id="mailbox"
                    node_ref=form.mailbox
                    inputmode="numeric"
                    autocomplete="username"
                    aria-describedby="refusal"
                    autofocus=true
                />
            </div>
            <div class="field">
                <label for="password">"Password"</label>
                <input
                    class="input"
                    id="password"
                    node_ref=form.password
                    type="password"
                    autocomplete="current-password"
                    aria-describedby="refusal"
                />
            </div>
            <button class="btn btn--primary btn--block btn--tall" type="submit" aria-disabled=busy aria-busy=busy>
                {move || if form.busy.get() { "Logging in…" } else { "Log in" }}
            </button>
        </form>
    }
    .into_any()
}
