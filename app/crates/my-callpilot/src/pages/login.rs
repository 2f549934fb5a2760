//! The log-in page.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ui::browser;
use ui::components::brand::Brand;
use ui::components::connection_banner::GateLine;
use ui::components::icons::Icon;
use ui::components::panel::note;
use ui::refusal::Refusal;
use ui::router::Router;
use ui::session::SessionContext;

/// The log-in page.
#[component]
pub fn Login() -> impl IntoView {
    let session = SessionContext::here();
    let mailbox = NodeRef::<html::Input>::new();
    let password = NodeRef::<html::Input>::new();
    let refusal = RwSignal::new(None::<Refusal>);
    let busy = RwSignal::new(false);
    browser::set_title("Log in · My CallPilot");
    Router::here().page_follows();

    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (Some(mailbox_field), Some(password_field)) =
            (mailbox.get_untracked(), password.get_untracked())
        else {
            return;
        };
        if busy.get_untracked() {
            return;
        }
        let (number, secret) = (
            mailbox_field.value().trim().to_owned(),
            password_field.value(),
        );
        if number.is_empty() || secret.is_empty() {
            let empty = if number.is_empty() {
                &mailbox_field
            } else {
                &password_field
            };
            let _ = empty.focus();
            refusal.set(Some(Refusal {
                what: "Mailbox number and password are needed.".into(),
                then: "They are the same as on the telephone.".into(),
            }));
            return;
        }
        busy.set(true);
        spawn_local(async move {
            let answer = session.log_in(&number, &secret).await;
            if busy.is_disposed() {
                return;
            }
            busy.set(false);
            if let Err(refused) = answer {
                refusal.set(Some(refused));
                password_field.set_value("");
                let _ = password_field.focus();
            }
        });
    };

    view! {
        <a class="skip" href="#mailbox">"To the form"</a>
        <main class="gate">
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
            <section class="gate__form" aria-label="Log in">
                <div>
                    <h2>"Log in"</h2>
                    <p class="muted">"With your mailbox number and password, as on the telephone."</p>
                </div>
                <form class="stack" on:submit=submit novalidate=true>
                    <div id="refusal" role="alert">
                        {move || {
                            refusal
                                .get()
                                .or_else(|| {
                                    Some(session.end_notice().get())
                                        .filter(|why| !why.is_empty())
                                        .map(|why| Refusal { what: why.into(), then: String::new() })
                                })
                                .map(|refusal| {
                                    let then = (!refusal.then.is_empty()).then(|| view! { <p>{refusal.then}</p> });
                                    note("note note--down", Icon::Warn, refusal.what, then.into_any())
                                })
                        }}
                    </div>
                    <div class="field">
                        <label for="mailbox">"Mailbox number"</label>
                        <input
                            class="input"
                            id="mailbox"
                            node_ref=mailbox
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
                            node_ref=password
                            type="password"
                            autocomplete="current-password"
                            aria-describedby="refusal"
                        />
                    </div>
                    <button
                        class="btn btn--primary btn--block btn--tall"
                        type="submit"
                        aria-disabled=move || busy.get().then_some("true")
                        aria-busy=move || busy.get().then_some("true")
                    >
                        {move || if busy.get() { "Logging in…" } else { "Log in" }}
                    </button>
                </form>
                <GateLine/>
            </section>
        </main>
    }
}
