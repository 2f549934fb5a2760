//! Who is logged in: the session, kept in this browser so that a reload goes on with it.

use crate::browser;
use crate::clock;
use crate::connection::{ConnectionContext, ConnectionEvent};
use crate::context;
use crate::read_only::ReadOnly;
use crate::refusal::Refusal;
use contract::Timestamp;
use leptos::prelude::*;
use leptos::task::spawn_local;
use plugin_sdk::{Error, json};
use serde::{Deserialize, Serialize};

/// Said at the log-in when a session has ended by itself.
const ENDED: &str = "Your session has ended. Log in again; your messages stay.";
/// Said at the log-in when nothing was done for the time that the reader has chosen.
const IDLE: &str =
    "You were logged out because nothing was done for a while. What this browser keeps stays.";
/// Said at the log-in when another tab or window has left.
const ELSEWHERE: &str = "You have been logged out in another tab or window.";

/// Who is logged in: what is stored of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The Bearer token, good on both servers.
    pub token: String,
    /// Mailbox number.
    pub mailbox: String,
    /// Display name.
    pub name: String,
    /// When the reader logged in here.
    pub at: Timestamp,
    /// Servers want a new password before anything else.
    #[serde(default)]
    pub must_change: bool,
}

impl Who {
    fn of(session: &contract::Session, at: Timestamp) -> Self {
        Self {
            token: session.token.clone(),
            mailbox: session.mailbox.number.clone(),
            name: session.mailbox.name.clone(),
            at,
            must_change: session.password_change_needed,
        }
    }
}

/// A step in the life of a session. The contexts of an application hear of it before any page shows it.
#[derive(Clone, Copy, Debug)]
pub enum SessionChange<'a> {
    /// Somebody is at work, with what this browser keeps.
    Entered(&'a Who),
    /// Servers can be asked in that name.
    Ready,
    /// Nobody is any more.
    Left {
        /// The reader has logged out here; otherwise the session ended by itself, or in another tab, which has done what is to be done.
        by_reader: bool,
    },
}

type OnChange = Box<dyn Fn(SessionChange<'_>)>;

/// The session. A handle.
#[derive(Clone, Copy)]
pub struct SessionContext {
    connection: ConnectionContext,
    /// Where it is kept in this browser.
    key: &'static str,
    who: RwSignal<Option<Who>>,
    end_notice: RwSignal<&'static str>,
    /// The password is being changed: all sessions of before end with it, this browser's goes on.
    changing: StoredValue<bool>,
    on_change: StoredValue<OnChange, LocalStorage>,
}

impl SessionContext {
    /// The session that is kept under `key`; `on_change` hears of its life from [`Self::resume`] on.
    pub fn new(
        connection: ConnectionContext,
        key: &'static str,
        on_change: impl Fn(SessionChange<'_>) + 'static,
    ) -> Self {
        Self {
            connection,
            key,
            who: RwSignal::new(None),
            end_notice: RwSignal::new(""),
            changing: StoredValue::new(false),
            on_change: StoredValue::new_local(Box::new(on_change)),
        }
    }

    /// The session of the present application.
    pub fn here() -> Self {
        context::provided()
    }

    fn stored(self) -> Option<Who> {
        browser::load(self.key).and_then(|json| json::read(json.as_bytes()).ok())
    }

    /// Goes on with the session that this browser keeps, if it keeps one, and from then on where another tab has logged in or out.
    pub fn start(self) {
        self.resume();
        browser::when_stored_elsewhere(move |key| {
            if key.is_none_or(|key| key == self.key) {
                self.follow_other_tab();
            }
        });
    }

    /// Whether this browser keeps another session than the one that is shown: another tab or window has logged in or out.
    fn is_another_stored(self) -> bool {
        // Each tab renews its token for itself; the log-in stays the same.
        let login = |who: Option<Who>| who.map(|who| (who.mailbox, who.at));
        login(self.who.get_untracked()) != login(self.stored())
    }

    fn follow_other_tab(self) {
        if self.changing.get_value() {
            // A tab whose session has ended with the old password removes what was stored; the new session takes its place, and all follow it.
            return;
        }
        if !self.is_another_stored() {
            return;
        }
        if self.who.with_untracked(Option::is_some) {
            self.let_go(ELSEWHERE, false);
            self.end_on_servers();
        }
        self.resume();
    }

    fn resume(self) {
        let Some(who) = self.stored() else { return };
        let (token, at) = (who.token.clone(), who.at);
        self.enter(who);
        spawn_local(async move {
            // If no server answers, one goes on with what is kept; the client tries again by itself.
            if let Ok(session) = self.connection.client().session().restore(&token).await {
                self.remember(Who::of(&session, at));
            }
            self.ready();
        });
    }

    /// Takes what the connection tells of the session.
    pub fn hear(self, event: ConnectionEvent<'_>) {
        match event {
            ConnectionEvent::SessionRenewed(session) => {
                if let Some(who) = self.who.get_untracked() {
                    self.remember(Who::of(session, who.at));
                }
            }
            // Whoever logs out ends the session of all tabs; one that hears of it here first leaves alone what is stored since.
            ConnectionEvent::SessionEnded if self.is_another_stored() => self.follow_other_tab(),
            ConnectionEvent::SessionEnded => self.ended(),
            ConnectionEvent::Answers | ConnectionEvent::Server(_) | ConnectionEvent::ListStale => {}
        }
    }

    /// The session that this page holds is over. Where another tab has gone on with a newer one, as after a change of password, this one does, too.
    fn ended(self) {
        let newer = self.stored().filter(|stored| {
            self.who.with_untracked(|who| {
                let other = |who: &Who| who.mailbox == stored.mailbox && who.token != stored.token;
                who.as_ref().is_some_and(other)
            })
        });
        match newer {
            Some(_) => self.resume(),
            None => self.leave(ENDED),
        }
    }

    /// Logs in.
    ///
    /// # Errors
    /// What the log-in page shows: a server refused, or none answered.
    pub async fn log_in(self, mailbox: &str, password: &str) -> Result<(), Refusal> {
        match self
            .connection
            .client()
            .session()
            .login(mailbox, password)
            .await
        {
            Ok(session) => {
                self.enter(Who::of(&session, clock::now()));
                self.ready();
                Ok(())
            }
            Err(Error::Refused(refusal)) => Err(Refusal::of_login(&refusal)),
            Err(Error::NoServer { .. } | Error::Timeout { .. }) => Err(Refusal::no_answer()),
            Err(other) => Err(Refusal::of(other)),
        }
    }

    /// Changes the reader's own password. All other sessions of theirs end.
    ///
    /// # Errors
    /// What the form shows: a server refused, none answered, or the outcome is not known.
    pub async fn change_password(self, old: &str, new: &str) -> Result<(), Refusal> {
        let client = self.connection.client();
        self.changing.set_value(true);
        let changed = client.session().change_password(old, new).await;
        self.changing.set_value(false);
        match changed {
            Ok(session) => {
                let at = self
                    .who
                    .with_untracked(|who| who.as_ref().map(|who| who.at));
                self.remember(Who::of(&session, at.unwrap_or_else(clock::now)));
                self.ready();
                Ok(())
            }
            Err(error) => {
                // What another tab did meanwhile counts after all.
                self.follow_other_tab();
                Err(match error {
                    Error::Refused(refusal) => Refusal::of_password_change(&refusal),
                    other => Refusal::of(other),
                })
            }
        }
    }

    /// Logs out here at once, and on both servers as soon as one answers.
    pub fn log_out(self) {
        self.leave("");
        self.end_on_servers();
    }

    /// The same when nothing was done for a while: what this browser keeps for the reader stays.
    pub fn log_out_idle(self) {
        self.leave(IDLE);
        self.end_on_servers();
    }

    fn end_on_servers(self) {
        let client = self.connection.client();
        spawn_local(async move {
            // It is forgotten here in any case. Where no server answers, the session runs out.
            let _ = client.session().logout().await;
        });
    }

    /// Who is logged in.
    pub fn who(self) -> ReadOnly<Option<Who>> {
        self.who.into()
    }

    /// The number of the mailbox whose reader is logged in; empty if nobody is (not tracked).
    pub fn mailbox(self) -> String {
        self.who.with_untracked(|who| {
            who.as_ref()
                .map_or_else(String::new, |who| who.mailbox.clone())
        })
    }

    /// Why one has to log in again; empty at the first time.
    pub fn end_notice(self) -> ReadOnly<&'static str> {
        self.end_notice.into()
    }

    /// The mailbox can be read, unless the password has to be changed first.
    fn ready(self) {
        let must_change = |who: &Option<Who>| who.as_ref().is_some_and(|who| who.must_change);
        if !self.who.with_untracked(must_change) {
            self.tell(SessionChange::Ready);
        }
    }

    fn enter(self, who: Who) {
        self.tell(SessionChange::Entered(&who));
        self.end_notice.set("");
        self.remember(who);
    }

    /// Stores a session, new or renewed, and shows it.
    fn remember(self, who: Who) {
        browser::store(self.key, json::write(&who).as_deref());
        self.who.set(Some(who));
    }

    fn leave(self, notice: &'static str) {
        browser::store(self.key, None);
        self.let_go(notice, notice.is_empty());
    }

    fn let_go(self, notice: &'static str, by_reader: bool) {
        self.tell(SessionChange::Left { by_reader });
        self.end_notice.set(notice);
        self.who.set(None);
    }

    fn tell(self, change: SessionChange<'_>) {
        self.on_change.with_value(|on_change| on_change(change));
    }
}
