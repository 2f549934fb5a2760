//! The frame of all pages: bar, connection line, folders, the tabs at the thumb, and within it the page of the present address.

use crate::mailbox::MailboxContext;
use crate::pages::configure::ConfigurePage;
use crate::pages::information::Information;
use crate::pages::messages::Messages;
use crate::pages::not_found::NotFound;
use crate::route::{BASE, DELETED, INBOX, Page, Place};
use contract::Folder;
use leptos::prelude::*;
use ui::components::brand::Brand;
use ui::components::button::styled;
use ui::components::connection_banner::{ConnectionBanner, Keeping};
use ui::components::icons::{Icon, icon, small};
use ui::keyboard::Keyboard;
use ui::keys::Command;
use ui::router::Router;
use ui::session::SessionContext;

/// The frame, for whoever is logged in.
#[component]
pub fn Frame() -> impl IntoView {
    let mailbox = MailboxContext::here();
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
    let keeping = Memo::new(move |_| {
        mailbox.mail().with(|mail| Keeping {
            messages: mail.rows(Folder::Inbox).len(),
            as_of: mail.as_of,
            inbox: mail.counts().inbox,
            waiting: mailbox.waiting(),
        })
    });
    let menu = RwSignal::new(false);
    // Whoever has chosen a page wants to see it.
    Effect::new(move || {
        path.track();
        menu.set(false);
    });
    Keyboard::here().handle(move |command| {
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
                    <Brand name="My CallPilot"/>
                </a>
                <nav class="tabs" aria-label="My CallPilot">
                    <a href=INBOX.address() aria-current=messages>"CallPilot Messages"</a>
                    {link(Page::Information, None, "Useful Information", ().into_any())}
                </nav>
                <div class="bar__end">{user_menu()}</div>
            </header>
            <ConnectionBanner keeping/>
            <nav class="side" aria-label="Folders">
                <div>
                    <h2>"Folders"</h2>
                    {link(INBOX, Some(Icon::Inbox), "Inbox", inbox_count(mailbox))}
                    {link(DELETED, Some(Icon::Trash), "Deleted", deleted_count(mailbox))}
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

fn inbox_count(mailbox: MailboxContext) -> AnyView {
    let told = move || {
        Some(mailbox.counts().unread)
            .filter(|new| *new > 0)
            .map(|new| format!("{new} new"))
    };
    count("count count--lamp", Box::new(told))
}

fn deleted_count(mailbox: MailboxContext) -> AnyView {
    let told = move || {
        Some(mailbox.counts().deleted)
            .filter(|all| *all > 0)
            .map(|all| all.to_string())
    };
    count("count", Box::new(told))
}

fn count(class: &'static str, told: Box<dyn Fn() -> Option<String> + Send>) -> AnyView {
    (move || told().map(|words| view! { <span class=class>{words}</span> })).into_any()
}

/// Who is logged in, and the way out. The menu is the browser's own popover: Esc and a click beside it close it.
fn user_menu() -> AnyView {
    let (session, router) = (SessionContext::here(), Router::here());
    let who = session.who();
    let name = move || {
        who.with(|who| {
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
                session.log_out();
                // Whoever logs in next has nothing to do with the message that was open.
                router.replace(&INBOX.address());
            })}
            <p class="help">"Logging out also removes what this browser keeps."</p>
        </div>
    }
    .into_any()
}
