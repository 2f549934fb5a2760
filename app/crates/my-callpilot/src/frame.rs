//! The frame of all pages: bar, connection line, folders, the tabs at the thumb, and within it the page of the present address.

use crate::mailbox::MailboxContext;
use crate::model::words;
use crate::pages::lazy;
use crate::pages::list_window::ListPlaces;
use crate::pages::messages::Messages;
use crate::pages::not_found::NotFound;
use crate::preferences::PreferencesContext;
use crate::route::{BASE, DELETED, FEATURES, Feature, INBOX, Location, Page, SENT};
use leptos::prelude::*;
use ui::browser;
use ui::components::brand::Brand;
use ui::components::button::styled;
use ui::components::connection_banner::{ConnectionBanner, Keeping};
use ui::components::dialogs::Confirm;
use ui::components::icons::{Icon, icon, small};
use ui::focus_keeper::FocusKeeper;
use ui::keyboard::Keyboard;
use ui::keys::Command;
use ui::lazy_page::keep_chunks;
use ui::router::Router;
use ui::session::SessionContext;

/// The id of the menu of whoever is logged in.
const USER_MENU: &str = "user-menu";

/// The frame, for whoever is logged in.
#[component]
pub fn Frame() -> impl IntoView {
    let mailbox = MailboxContext::here();
    let path = Router::here().path();
    let place = Memo::new(move |_| path.with(|path| Location::of(path)));
    // It changes with the page alone: opening a message leaves the list as it is.
    let page = Memo::new(move |_| place.get().map(|place| place.page));
    let open = Memo::new(move |_| place.get().and_then(|place| place.open));
    let links = PageLinks { page };
    let menu = folders_menu();
    name_the_start();
    keep_the_pages(mailbox);
    provide_context(ListPlaces::default());
    FocusKeeper::here().belongs(|| browser::focus("heading"));
    view! {
        <a class="skip" href="#main">"To the content"</a>
        <div class="app" data-nav=move || menu.get().then_some("open")>
            {bar(links, menu)}
            <ConnectionBanner keeping=keeping(mailbox)/>
            {side(links, mailbox)}
            <main class="main" id="main" tabindex="-1" class:main--flush=move || links.in_messages()>
                {move || match page.get() {
                    Some(Page::Messages(folder)) => view! { <Messages folder open/> }.into_any(),
                    Some(Page::Drafts) => lazy::drafts(),
                    Some(Page::Compose) => lazy::compose(open),
                    Some(Page::Answer(answer)) => lazy::answer(answer, open),
                    Some(Page::Features(feature)) => lazy::features(feature),
                    Some(Page::Information) => lazy::information(),
                    Some(place @ (Page::Configure | Page::Password)) => {
                        lazy::configure(place == Page::Password)
                    }
                    None => view! { <NotFound/> }.into_any(),
                }}
            </main>
            {thumb_tabs(links)}
        </div>
    }
}

/// The base alone is the page that the reader likes to start with; its address says so from then on, without a step back to the base.
fn name_the_start() {
    let (router, preferences) = (Router::here(), PreferencesContext::here());
    Effect::new(move || {
        let base = |path: &String| path.trim_end_matches('/') == BASE;
        if router.path().with(base) {
            router.replace(&untrack(|| preferences.get()).home.address());
        }
    });
}

/// When the messages are shown, the browser may fetch the pages that the first load left out.
fn keep_the_pages(mailbox: MailboxContext) {
    let shown = Memo::new(move |_| mailbox.mail().with(|mail| mail.as_of.is_some()));
    Effect::new(move || {
        if shown.get() {
            browser::after_drawing(keep_chunks);
        }
    });
}

/// Whether a narrow window shows the folders. Esc closes them, and so does whoever chooses a page, which closes the reader's own menu, too: the page is
/// what one wants to see.
fn folders_menu() -> RwSignal<bool> {
    let menu = RwSignal::new(false);
    let path = Router::here().path();
    Effect::new(move || {
        path.track();
        menu.set(false);
        browser::close_popover(USER_MENU);
    });
    Keyboard::here().handle(move |command| {
        let closes = command == Command::Escape && menu.get_untracked();
        if closes {
            menu.set(false);
        }
        closes
    });
    menu
}

/// What the connection line says of the mailbox.
fn keeping(mailbox: MailboxContext) -> Memo<Keeping> {
    Memo::new(move |_| {
        mailbox.mail().with(|mail| Keeping {
            messages: mailbox.kept(),
            as_of: mail.as_of,
            inbox: mail.counts().inbox,
            waiting: mailbox.waiting(),
        })
    })
}

/// Links to pages, which tell the present one. A handle.
#[derive(Clone, Copy)]
struct PageLinks {
    page: Memo<Option<Page>>,
}

impl PageLinks {
    /// The page of a folder is shown (tracked).
    fn in_messages(self) -> bool {
        matches!(self.page.get(), Some(Page::Messages(_)))
    }

    /// A page of CallPilot Features is shown (tracked).
    fn in_features(self) -> bool {
        matches!(self.page.get(), Some(Page::Features(_)))
    }

    /// A link with what stands behind its words.
    fn counting(
        self,
        to: Page,
        sign: Option<Icon>,
        words: &'static str,
        count: AnyView,
    ) -> AnyView {
        view! {
            <a href=to.address() aria-current=move || (self.page.get().map(Page::listed) == Some(to)).then_some("page")>
                {sign.map(icon)}
                {words}
                {count}
            </a>
        }
        .into_any()
    }

    /// A link with its sign and words.
    fn plain(self, to: Page, sign: Icon, words: &'static str) -> AnyView {
        self.counting(to, Some(sign), words, ().into_any())
    }
}

/// The bar: the menu button of narrow windows, the name, the tabs, and who is logged in.
fn bar(links: PageLinks, menu: RwSignal<bool>) -> AnyView {
    view! {
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
                <a href=INBOX.address() aria-current=move || links.in_messages().then_some("page")>"CallPilot Messages"</a>
                <a href=FEATURES.address() aria-current=move || links.in_features().then_some("page")>"CallPilot Features"</a>
                {links.counting(Page::Information, None, "Useful Information", ().into_any())}
            </nav>
            <div class="bar__end">{user_menu(links)}</div>
        </header>
    }
    .into_any()
}

/// What stands at the side: the folders, or the features.
fn side(links: PageLinks, mailbox: MailboxContext) -> AnyView {
    let features = Memo::new(move |_| links.in_features());
    (move || match features.get() {
        true => features_at_side(links),
        false => folders(links, mailbox),
    })
    .into_any()
}

fn features_at_side(links: PageLinks) -> AnyView {
    view! {
        <nav class="side" aria-label="Features">
            <div>
                <h2>"Features"</h2>
                {links.plain(Page::Features(Feature::Greetings), Icon::Mic, "Greetings")}
                {links.plain(Page::Features(Feature::Lists), Icon::List, "Personal lists")}
                {links.plain(Page::Password, Icon::Lock, "Password")}
                {links.plain(Page::Features(Feature::Preferences), Icon::Gear, "Preferences")}
            </div>
            <div>
                <h2>"This browser"</h2>
                {links.plain(Page::Configure, Icon::Server, "Configure")}
            </div>
        </nav>
    }
    .into_any()
}

/// The folders at the side, and what concerns this browser.
fn folders(links: PageLinks, mailbox: MailboxContext) -> AnyView {
    view! {
        <nav class="side" aria-label="Folders">
            <a class="btn btn--primary" href=Page::Compose.address()>
                {icon(Icon::Mic)}
                "Compose"
            </a>
            <div>
                <h2>"Folders"</h2>
                {links.counting(INBOX, Some(Icon::Inbox), "Inbox", inbox_count(mailbox))}
                {links.plain(SENT, Icon::Sent, "Sent")}
                {links.plain(Page::Drafts, Icon::Draft, "Drafts")}
                {links.counting(DELETED, Some(Icon::Trash), "Deleted", deleted_count(mailbox))}
            </div>
            <div>
                <h2>"This browser"</h2>
                {links.plain(Page::Configure, Icon::Server, "Configure")}
            </div>
        </nav>
    }
    .into_any()
}

/// The tabs at the thumb of narrow windows.
fn thumb_tabs(links: PageLinks) -> AnyView {
    view! {
        <nav class="bottom" aria-label="Main, narrow">
            {links.plain(INBOX, Icon::Inbox, "Messages")}
            {links.plain(Page::Compose, Icon::Mic, "Compose")}
            {links.plain(FEATURES, Icon::Gear, "Features")}
            {links.plain(Page::Configure, Icon::Server, "Configure")}
        </nav>
    }
    .into_any()
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
fn user_menu(links: PageLinks) -> AnyView {
    let (session, router, mailbox) = (
        SessionContext::here(),
        Router::here(),
        MailboxContext::here(),
    );
    let asking = RwSignal::new(false);
    let waiting = move || mailbox.waiting() as u64;
    let log_out = move || {
        session.log_out();
        // Whoever logs in next has nothing to do with the message that was open.
        router.replace(&INBOX.address());
    };
    let who = session.who();
    let name = move || {
        who.with(|who| {
            who.as_ref()
                .map_or_else(String::new, |who| format!("{} · {}", who.mailbox, who.name))
        })
    };
    view! {
        <button class="who" type="button" popovertarget=USER_MENU aria-haspopup="dialog">
            {icon(Icon::User)}
            <span class="name">{name}</span>
            {small(Icon::Down)}
        </button>
        <div class="popover popover--user" id=USER_MENU popover="auto" role="dialog" aria-label="Your mailbox">
            <p><b>{name}</b></p>
            {links.plain(Page::Password, Icon::Lock, "Change password")}
            {styled("btn btn--block", None, || "Log out".into(), move || {
                if untrack(waiting) == 0 {
                    return log_out();
                }
                browser::close_popover(USER_MENU);
                asking.set(true);
            })}
            <p class="help">"Logging out also removes what this browser keeps."</p>
        </div>
        <Confirm
            open=asking
            title=Signal::derive(move || words::log_out_question(waiting()))
            text="What waits here goes out by itself when a server answers, as long as you stay logged in."
            keep="Stay logged in"
            action="Log out"
            on_yes=Callback::new(move |()| log_out())
        />
    }
    .into_any()
}
