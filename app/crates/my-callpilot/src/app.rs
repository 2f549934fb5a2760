//! The whole application: its contexts, each told of what concerns it, and the log-in or the frame.

use crate::composing;
use crate::frame::Frame;
use crate::mailbox::MailboxContext;
use crate::pages::lazy;
use crate::pages::login::Login;
use crate::player::PlayerContext;
use crate::preferences::PreferencesContext;
use crate::recorder;
use crate::route::BASE;
use crate::waiting_lists;
use leptos::prelude::*;
use ui::announcer::{Announcer, LiveRegions};
use ui::clock::Clock;
use ui::connection::ConnectionContext;
use ui::context::ApplicationOwner;
use ui::focus_keeper::FocusKeeper;
use ui::keyboard::Keyboard;
use ui::router::Router;
use ui::session::{SessionChange, SessionContext};

/// Where this browser keeps the session.
const SESSION_KEY: &str = "callpilot.session";

/// The whole application.
#[component]
pub fn MyCallPilot() -> impl IntoView {
    let Some(connection) = ConnectionContext::start() else {
        return view! {
            <main class="empty">
                <h1>"This page was not opened from a server"</h1>
                <p>"Open it at the address of your CallPilot server, followed by /MyCallPilot."</p>
            </main>
        }
        .into_any();
    };
    let session = provide(connection);
    let stands = Memo::new(move |_| {
        session
            .who()
            .with(|who| who.as_ref().map(|who| !who.must_change))
    });
    view! {
        <LiveRegions/>
        {move || match stands.get() {
            Some(true) => view! { <Frame/> }.into_any(),
            Some(false) => lazy::password_first(),
            None => view! { <Login/> }.into_any(),
        }}
    }
    .into_any()
}

/// Makes the contexts, lets each hear what concerns it, and goes on with the session that this browser keeps.
fn provide(connection: ConnectionContext) -> SessionContext {
    let (clock, announcer) = (Clock::start(), Announcer::default());
    let preferences = PreferencesContext::new(clock);
    let mailbox = MailboxContext::new(connection, clock, announcer);
    let player = PlayerContext::new(connection);
    player.follow(mailbox);
    let session = SessionContext::new(connection, SESSION_KEY, move |change| match change {
        SessionChange::Entered(who) => {
            mailbox.open(&who.mailbox);
            player.open(&who.mailbox, mailbox);
        }
        SessionChange::Ready => mailbox.catch_up(),
        SessionChange::Left { by_reader } => {
            mailbox.close(by_reader);
            player.close();
            if by_reader {
                composing::remove_all();
                recorder::kept::clear();
                waiting_lists::clear();
            }
        }
    });
    connection.listen(move |event| {
        session.hear(event);
        mailbox.hear(event);
    });
    provide_context(ApplicationOwner::present());
    provide_context(connection);
    provide_context(clock);
    provide_context(announcer);
    provide_context(mailbox);
    provide_context(player);
    provide_context(preferences);
    provide_context(session);
    provide_context(Keyboard::listen());
    provide_context(FocusKeeper::watch());
    provide_context(Router::start(BASE));
    session.start();
    if composing::something_waits() {
        lazy::go_on_composing(ApplicationOwner::here());
    }
    preferences.watch(session, move || {
        player.playing().with_untracked(Option::is_some)
    });
    session
}
