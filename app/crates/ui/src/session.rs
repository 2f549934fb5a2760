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
}

impl Who {
    fn of(session: &contract::Session, at: Timestamp) -> Self {
        Self {
            token: session.token.clone(),
            mailbox: session.mailbox.number.clone(),
            name: session.mailbox.name.clone(),
            at,
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
        /// The reader has logged out; otherwise the session ended by itself.
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
            on_change: StoredValue::new_local(Box::new(on_change)),
        }
    }

    /// The session of the present application.
    pub fn here() -> Self {
        context::provided()
    }

    /// Goes on with the session that this browser keeps, if it keeps one.
    pub fn resume(self) {
        let kept: Option<Who> =
            browser::load(self.key).and_then(|json| json::read(json.as_bytes()).ok());
        let Some(who) = kept else { return };
        let (token, at) = (who.token.clone(), who.at);
        self.enter(who);
        spawn_local(async move {
            // If no server answers, one goes on with what is kept; the client tries again by itself.
            if let Ok(session) = self.connection.client().session().restore(&token).await {
                self.remember(Who::of(&session, at));
            }
            self.tell(SessionChange::Ready);
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
            ConnectionEvent::SessionEnded => self.leave(ENDED),
            ConnectionEvent::Answers | ConnectionEvent::Server(_) | ConnectionEvent::ListStale => {}
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
                self.tell(SessionChange::Ready);
                Ok(())
            }
            Err(Error::Refused(refusal)) => Err(Refusal::of_login(&refusal)),
            Err(Error::NoServer { .. } | Error::Timeout { .. }) => Err(Refusal::no_answer()),
            Err(other) => Err(Refusal {
                what: other.to_string(),
                then: String::new(),
            }),
        }
    }

    /// Logs out here, and on the servers if one answers.
    pub fn log_out(self) {
        self.leave("");
        let client = self.connection.client();
        spawn_local(async move {
            // It is forgotten here in any case; a server that does not answer lets the session run out.
            let _ = client.session().logout().await;
        });
    }

    /// Who is logged in.
    pub fn who(self) -> ReadOnly<Option<Who>> {
        self.who.into()
    }

    /// Why one has to log in again; empty at the first time.
    pub fn end_notice(self) -> ReadOnly<&'static str> {
        self.end_notice.into()
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
        self.tell(SessionChange::Left {
            by_reader: notice.is_empty(),
        });
        browser::store(self.key, None);
        self.end_notice.set(notice);
        self.who.set(None);
    }

    fn tell(self, change: SessionChange<'_>) {
        self.on_change.with_value(|on_change| on_change(change));
    }
}
