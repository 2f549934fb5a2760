//! The frame of all pages: log-in or mailbox, bar, connection line, folders, the tabs at the thumb, and the regions through which
//! the page speaks to a screen reader. These are there from the first paint.

use crate::api::Api;
use crate::components::button::styled;
use crate::components::connection_banner::ConnectionBanner;
use crate::components::icons::{Icon, icon, small};
use crate::keyboard;
use crate::model::keys::Command;
use crate::model::route::{BASE, DELETED, INBOX, Page, Place};
use crate::my_callpilot::configure::ConfigurePage;
use crate::my_callpilot::information::Information;
use crate::my_callpilot::login::Login;
use crate::my_callpilot::messages::Messages;
use crate::my_callpilot::not_found::NotFound;
use crate::router::Router;
use crate::state::App;
use leptos::prelude::*;

/// The whole page.
#[component]
pub fn MyCallPilot() -> impl IntoView {
    let Some((api, status)) = Api::start() else {
        return view! {
            <main class="empty">
                <h1>"This page was not opened from a server"</h1>
                <p>"Open it at the address of your CallPilot server, followed by /MyCallPilot."</p>
            </main>
        }
        .into_any();
    };
    let app = App::new(api, status);
    provide_context(app);
    provide_context(Router::start(BASE));
    api.listen(app);
    keyboard::listen(app);
    let inside = Memo::new(move |_| app.who.with(Option::is_some));
    view! {
        <p class="hidden-words" role="status" aria-live="polite" data-testid="said">{move || app.said.get()}</p>
        <p class="hidden-words" role="status" aria-live="polite" data-testid="said-connection">{move || app.said_connection.get()}</p>
        <p class="hidden-words" role="alert" data-testid="said-alert">{move || app.alert.get()}</p>
        {move || if inside.get() { view! { <Frame/> }.into_any() } else { view! { <Login/> }.into_any() }}
    }
    .into_any()
}

/// Sign and name of the product.
#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <span class="brand">
            <svg viewBox="0 0 30 24" aria-hidden="true">
                <rect x="1.2" y="5" width="14" height="14" rx="4.4" fill="currentColor"></rect>
                <rect x="14.8" y="5" width="14" height="14" rx="4.4" fill="none" stroke="currentColor" stroke-width="2"></rect>
                <path d="M5 12h1.2M8.2 9v6M11 10.8v2.4" stroke="#0e3336" stroke-width="1.8" stroke-linecap="round"></path>
                <circle cx="27" cy="4.6" r="3.4" fill="#ffa764"></circle>
            </svg>
            <span>"My CallPilot"</span>
        </span>
    }
}

#[component]
fn Frame() -> impl IntoView {
    let app = App::here();
    let router = Router::here();
    let path = router.path();
    let place = Memo::new(move |_| path.with(|path| Place::of(path)));
    // It changes with the page alone: opening a message leaves the list as it is.
    let page = Memo::new(move |_| place.get().map(|place| place.page));
    let open = Memo::new(move |_| place.get().and_then(|place| place.open));
    Effect::new(move || {
        // The base alone is the inbox; its address says so from then on, without a step back to the base.
        if path.with(|path| path.trim_end_matches('/') == BASE) {
            router.replace(&INBOX.address());
        }
    });
    let menu = RwSignal::new(false);
    // Whoever has chosen a page wants to see it.
    Effect::new(move || {
        path.track();
        menu.set(false);
    });
    app.takers.take(move |command| {
        let closes = command == Command::Escape && menu.get_untracked();
        if closes {
            menu.set(false);
        }
        closes
    });
    let link = move |to: Page, sign: Option<Icon>, words: &'static str, count: AnyView| {
        view! {
            <a href=to.address() aria-current=move || (page.get() == Some(to)).then_some("page")>
                {sign.map(icon)}
                {words}
                {count}
            </a>
        }
        .into_any()
    };
    let plain = move |to, sign, words| link(to, Some(sign), words, ().into_any());
    let messages = move || matches!(page.get(), Some(Page::Messages(_))).then_some("page");
    view! {
        <a class="skip" href="#main">"To the content"</a>
        <div class="app" data-nav=move || menu.get().then_some("open")>
            <header class="bar">
                <button
                    class="nav-toggle"
                    type="button"
                    aria-label="Menu"
                    aria-expanded=move || menu.get().to_string()
                    on:click=move |_| menu.update(|open| *open = !*open)
                >
                    {icon(Icon::Menu)}
                </button>
                <a class="brand-link" href=INBOX.address()>
                    <Brand/>
                </a>
                <nav class="tabs" aria-label="My CallPilot">
                    <a href=INBOX.address() aria-current=messages>"CallPilot Messages"</a>
                    {link(Page::Information, None, "Useful Information", ().into_any())}
                </nav>
                <div class="bar__end">{user_menu(app)}</div>
            </header>
            <ConnectionBanner/>
            <nav class="side" aria-label="Folders">
                <div>
                    <h2>"Folders"</h2>
                    {link(INBOX, Some(Icon::Inbox), "Inbox", inbox_count(app))}
                    {link(DELETED, Some(Icon::Trash), "Deleted", deleted_count(app))}
                </div>
                <div>
                    <h2>"This browser"</h2>
                    {plain(Page::Configure, Icon::Server, "Configure")}
                </div>
            </nav>
            <main class="main" id="main" tabindex="-1" class:main--flush=move || messages().is_some()>
                {move || match page.get() {
                    Some(Page::Messages(folder)) => view! { <Messages folder open/> }.into_any(),
                    Some(Page::Information) => view! { <Information/> }.into_any(),
                    Some(Page::Configure) => view! { <ConfigurePage/> }.into_any(),
                    None => view! { <NotFound/> }.into_any(),
                }}
            </main>
            <nav class="bottom" aria-label="Main, narrow">
                {plain(INBOX, Icon::Inbox, "Messages")}
                {plain(DELETED, Icon::Trash, "Deleted")}
                {plain(Page::Information, Icon::Book, "Information")}
                {plain(Page::Configure, Icon::Server, "Configure")}
            </nav>
        </div>
    }
}

fn inbox_count(app: App) -> AnyView {
    let told = move || {
        Some(app.counts().unread)
            .filter(|new| *new > 0)
            .map(|new| format!("{new} new"))
    };
    count("count count--lamp", Box::new(told))
}

fn deleted_count(app: App) -> AnyView {
    let told = move || {
        Some(app.counts().deleted)
            .filter(|all| *all > 0)
            .map(|all| all.to_string())
    };
    count("count", Box::new(told))
}

fn count(class: &'static str, told: Box<dyn Fn() -> Option<String> + Send>) -> AnyView {
    (move || told().map(|words| view! { <span class=class>{words}</span> })).into_any()
}

/// Who is logged in, and the way out. The menu is the browser's own popover: Esc and a click beside it close it.
fn user_menu(app: App) -> AnyView {
    let router = Router::here();
    let name = move || {
        app.who.with(|who| {
            who.as_ref()
                .map_or_else(String::new, |who| format!("{} · {}", who.mailbox, who.name))
        })
    };
    view! {
        <button class="who" type="button" popovertarget="user-menu" aria-haspopup="dialog">
            {icon(Icon::User)}
            <span class="name">{name}</span>
            {small(Icon::Down)}
        </button>
        <div class="popover popover--user" id="user-menu" popover="auto" role="dialog" aria-label="Your mailbox">
            <p><b>{name}</b></p>
            {styled("btn btn--block", None, || "Log out".into(), move || {
                app.api.log_out(app);
                // Whoever logs in next has nothing to do with the message that was open.
                router.replace(&INBOX.address());
            })}
            <p class="help">"Logging out also removes what this browser keeps."</p>
        </div>
    }
    .into_any()
}
