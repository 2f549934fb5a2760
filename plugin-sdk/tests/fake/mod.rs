//! Two small CallPilot servers on loopback that share a mailbox and misbehave on demand: what a client meets when real ones fail.

#![allow(dead_code, reason = "each test binary uses its part")]

use contract::{
    AdministratorRole, AdministratorSession, ApiError, Counts, Discovery, ErrorCode, Event, Folder,
    GrPartner, GrTasks, GreetingRow, GreetingSlot, Kind, Mailbox, MessageList, MessageRow,
    NameDialing, NameOrder, NewUser, ObjectId, Party, ServerAddress, Session, SystemSettings,
    Timestamp, UserKind, UserRow,
};
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, spawn_local};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

pub const TOKEN: &str = "a-token-of-both";
pub const SOUND_BYTES: usize = 200_000;

/// How a server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Answers.
    Well,
    /// Takes connections and never says a word.
    Mute,
    /// 503 to everything, in service by its own word.
    Unavailable,
    /// Answers probes and breaks the connection in the middle of any other answer.
    Cuts,
    /// Answers probes, does what is asked and breaks the connection instead of saying so.
    DoesAndCuts,
    /// Answers probes, and everything else with a page.
    Babbles,
    /// Answers probes; any other answer stops in the middle.
    Stalls,
    /// Answers everything but the event stream.
    Streamless,
    /// Accepts no token.
    Forgets,
    /// A proxy or a captive portal stands before it, lets probes through, and answers everything else itself: 401 with a page.
    Portal,
    /// Answers probes, and does what is asked, but its answers do not come.
    DoesAndHangs,
    /// Reads the head of a request and nothing more.
    Unread,
    /// Has lost the content of every message.
    Lacks,
}

/// What both servers keep.
#[derive(Default)]
pub struct Store {
    pub messages: RefCell<BTreeMap<ObjectId, MessageRow>>,
    /// Users by the ids that clients drew, each as it was asked for.
    pub users: RefCell<BTreeMap<ObjectId, NewUser>>,
    /// How often something was brought back.
    pub undone: Cell<u32>,
    /// The last greeting, as it was sent.
    pub greeting: RefCell<Vec<u8>>,
    /// The last change of system settings, as it was sent.
    pub settings: RefCell<Vec<u8>>,
    /// How many tokens of administrators' sessions were given out.
    pub administrators_tokens: watch::Sender<u32>,
    /// The number of the administrator's session: those of lower ones are over.
    pub administrators_session: Cell<u32>,
}

pub struct Server {
    pub fqdn: &'static str,
    pub http: String,
    port: Cell<u16>,
    pub mode: Cell<Mode>,
    pub caught_up: Cell<bool>,
    /// Sessions end so long after they were given.
    pub session_ms: Cell<i64>,
    /// The administrator's session can be renewed no further than until so long after its token ends.
    pub renewable_ms: Cell<i64>,
    /// `method path` of every request but probes.
    pub asked: RefCell<Vec<String>>,
    /// The tokens that administrators' sessions were renewed with.
    pub renewed_with: RefCell<BTreeSet<String>>,
    store: Rc<Store>,
    /// What each server has for itself: kind and content.
    pub own: RefCell<BTreeSet<(String, Vec<u8>)>>,
    partner: RefCell<Option<(String, String)>>,
    accepting: RefCell<Option<JoinHandle<()>>>,
    connections: RefCell<Vec<JoinHandle<()>>>,
    said: watch::Sender<(u64, String)>,
    /// How many listen.
    pub streams: watch::Sender<usize>,
    /// A change of password is not answered while this holds.
    pub ponders: watch::Sender<bool>,
}

/// Lets a pair live on this thread for as long as `life` goes on.
pub fn live<F: Future<Output = ()>>(life: impl FnOnce(Rc<Server>, Rc<Server>, Rc<Store>) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let (north, south, store) = pair().await;
        life(north, south, store).await;
    });
}

/// What is done to the primary of a pair that lives elsewhere.
pub type Deed = Box<dyn FnOnce(&Rc<Server>) + Send>;

/// A pair on a thread of its own, which lives as long as the test's process: the primary's address, and the way to do something to it.
pub fn elsewhere() -> (String, mpsc::UnboundedSender<Deed>) {
    let (address, addresses) = std::sync::mpsc::channel();
    let (act, mut deeds) = mpsc::unbounded_channel::<Deed>();
    std::thread::spawn(move || {
        live(async |north, _south, _| {
            address.send(north.http.clone()).unwrap();
            while let Some(deed) = deeds.recv().await {
                deed(&north);
            }
            std::future::pending::<()>().await;
        });
    });
    (addresses.recv().unwrap(), act)
}

/// A pair that shares a mailbox with two messages.
pub async fn pair() -> (Rc<Server>, Rc<Server>, Rc<Store>) {
    let store = Rc::new(Store::default());
    for number in [1, 2] {
        let row = message(number);
        store.messages.borrow_mut().insert(row.id, row);
    }
    let north = Server::start("north.example.net", Rc::clone(&store)).await;
    let south = Server::start("south.example.net", Rc::clone(&store)).await;
    for (one, other) in [(&north, &south), (&south, &north)] {
        let partner = (other.fqdn.to_owned(), other.http.clone());
        *one.partner.borrow_mut() = Some(partner);
    }
    (north, south, store)
}

pub fn message(number: u8) -> MessageRow {
    MessageRow {
        id: ObjectId::new(Timestamp(1_700_000_000_000), [number; 10]),
        kind: Kind::Voice,
        sender: Party::default(),
        subject: format!("Message {number}"),
        received_at: Timestamp(1_700_000_000_000),
        duration_ms: 2_000,
        pages: Some(0),
        unread: true,
        urgent: false,
        private: false,
        attachments: 0,
        folder: Folder::Inbox,
        one_server_only: false,
        sender_unverified: false,
        sent_to: Vec::new(),
    }
}

impl Server {
    async fn start(fqdn: &'static str, store: Rc<Store>) -> Rc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Rc::new(Self {
            fqdn,
            http: format!("http://127.0.0.1:{port}"),
            port: Cell::new(port),
            mode: Cell::new(Mode::Well),
            caught_up: Cell::new(true),
            session_ms: Cell::new(43_200_000),
            renewable_ms: Cell::new(43_200_000),
            asked: RefCell::default(),
            renewed_with: RefCell::default(),
            store,
            own: RefCell::default(),
            partner: RefCell::new(None),
            accepting: RefCell::new(None),
            connections: RefCell::default(),
            said: watch::channel((0, String::new())).0,
            streams: watch::channel(0).0,
            ponders: watch::channel(false).0,
        });
        server.accept_on(listener);
        server
    }

    fn accept_on(self: &Rc<Self>, listener: TcpListener) {
        let server = Rc::clone(self);
        let accepting = spawn_local(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let talk = talk(Rc::clone(&server), socket);
                let talk = spawn_local(async move { drop(talk.await) });
                server.connections.borrow_mut().push(talk);
            }
        });
        *self.accepting.borrow_mut() = Some(accepting);
    }

    /// As by SIGKILL: the port is closed and all connections break.
    pub async fn kill(&self) {
        for task in self
            .accepting
            .take()
            .into_iter()
            .chain(self.connections.take())
        {
            task.abort();
            let _ = task.await;
        }
        self.streams.send_replace(0);
    }

    /// Starts again at the same address.
    pub async fn revive(self: &Rc<Self>) {
        let listener = TcpListener::bind(("127.0.0.1", self.port.get()))
            .await
            .unwrap();
        self.accept_on(listener);
    }

    /// Says something to all who listen.
    pub fn say(&self, event: &Event) {
        self.say_both([event]);
    }

    /// Says several things in this order, at once.
    pub fn say_both<const N: usize>(&self, events: [&Event; N]) {
        let text = events.map(|event| serde_json::to_string(event).unwrap());
        let text = text.join("\n\ndata: ");
        self.said.send_modify(|said| *said = (said.0 + 1, text));
    }

    pub fn discovery(&self) -> Discovery {
        let search_base = "ou=voice,o=example".to_owned();
        let partner = self.partner.borrow().clone();
        Discovery {
            server: ServerAddress {
                fqdn: self.fqdn.to_owned(),
                http: self.http.clone(),
                search_base: search_base.clone(),
            },
            gr_partner: partner.map(|(fqdn, http)| GrPartner {
                address: "127.0.0.1".to_owned(),
                fqdn,
                http,
                search_base,
            }),
            in_service: true,
            caught_up: self.caught_up.get(),
            level: contract::LEVEL,
        }
    }

    fn session(&self) -> Session {
        Session {
            password_change_needed: false,
            token: TOKEN.to_owned(),
            expires_at: Timestamp(wall_ms() + self.session_ms.get()),
            mailbox: Mailbox {
                user: ObjectId::from_bytes([7; 16]),
                number: "7200".to_owned(),
                name: "Tilde Brask".to_owned(),
            },
            primary: "north.example.net".to_owned(),
            discovery: self.discovery(),
        }
    }

    /// Status and body of the answer.
    fn answer(&self, method: &str, path: &str, body: &[u8], bearer: &str) -> (u16, Vec<u8>) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        if path == "/api/v1/admin/session" {
            return self.administrators_session(method, bearer);
        }
        if let Some(path) = path.strip_prefix("/api/v1/admin/") {
            return self.administer(method, path, body);
        }
        if (method, path) == ("PUT", "/api/v1/greetings/external") {
            *self.store.greeting.borrow_mut() = body.to_owned();
            let row = GreetingRow {
                slot: GreetingSlot::External,
                recorded_at: Timestamp(0),
                duration_ms: 1,
                ends_at: None,
            };
            return json(200, &row);
        }
        let body = String::from_utf8_lossy(body);
        if (method, path) == ("POST", "/api/v1/session") {
            if body.contains("wrong") {
                return refusal(401, ErrorCode::WrongPassword);
            }
            return json(201, &self.session());
        }
        if bearer != TOKEN {
            return refusal(401, ErrorCode::NotLoggedIn);
        }
        let mut messages = self.store.messages.borrow_mut();
        let id: Option<ObjectId> = path.split('/').nth(4).and_then(|id| id.parse().ok());
        match (method, id) {
            ("GET", None) if path.ends_with("/session") => json(200, &self.session()),
            ("PUT", None) if path.ends_with("/session/password") => match body.contains("wrong") {
                true => refusal(401, ErrorCode::WrongPassword),
                false => json(200, &self.session()),
            },
            ("GET", None) if path.ends_with("/events") => refusal(404, ErrorCode::NotFound),
            ("DELETE", None) => (204, Vec::new()),
            ("POST", None) if path.ends_with("/empty-deleted") => empty_deleted(&mut messages),
            ("GET", None) => {
                let messages = messages.values().cloned().collect();
                json(
                    200,
                    &MessageList {
                        messages,
                        ..MessageList::default()
                    },
                )
            }
            ("GET", Some(_)) => (200, sound()),
            ("PATCH", Some(id)) => {
                let patch: contract::MessagePatch = serde_json::from_str(&body).unwrap();
                let Some(row) = messages.get_mut(&id) else {
                    return refusal(404, ErrorCode::NotFound);
                };
                row.unread = patch.unread.unwrap_or(row.unread);
                match patch.deleted {
                    Some(true) => row.folder = Folder::Deleted,
                    Some(false) => row.folder = Folder::Inbox,
                    None => {}
                }
                json(200, row)
            }
            ("DELETE", Some(id)) => match messages.get_mut(&id) {
                None => refusal(404, ErrorCode::NotFound),
                Some(row) if query != "folder=deleted" => {
                    row.folder = Folder::Deleted;
                    json(200, row)
                }
                Some(row) if row.folder == Folder::Deleted => {
                    messages.remove(&id);
                    (204, Vec::new())
                }
                Some(_) => refusal(412, ErrorCode::PreconditionFailed),
            },
            _ => refusal(404, ErrorCode::NotFound),
        }
    }
}

impl Server {
    /// Signing in, renewing, signing out: every token of the session that goes on is good.
    fn administrators_session(&self, method: &str, bearer: &str) -> (u16, Vec<u8>) {
        let session = &self.store.administrators_session;
        let of_session = format!("administrator-{}-", session.get());
        if method == "POST" {
            session.set(session.get() + 1);
        } else if !bearer.starts_with(&of_session) {
            return refusal(401, ErrorCode::NotLoggedIn);
        } else if method == "DELETE" {
            session.set(session.get() + 1);
            return (204, Vec::new());
        } else {
            self.renewed_with.borrow_mut().insert(bearer.to_owned());
        }
        let given = &self.store.administrators_tokens;
        given.send_modify(|given| *given += 1);
        let expires_at = Timestamp(wall_ms() + self.session_ms.get());
        let renewed = AdministratorSession {
            token: format!("administrator-{}-{}", session.get(), *given.borrow()),
            expires_at,
            ends_at: Timestamp(expires_at.0 + self.renewable_ms.get()),
            name: "mira".to_owned(),
            role: AdministratorRole::Administrator,
            second_factor_needed: false,
        };
        json(if method == "POST" { 201 } else { 200 }, &renewed)
    }

    /// As the real ones: a user is found again by its id.
    fn administer(&self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut users = self.store.users.borrow_mut();
        match (method, path) {
            ("POST", "users") => {
                let new: NewUser = serde_json::from_slice(body).unwrap();
                let id = new.id.expect("the client draws ids");
                let made = users.entry(id).or_insert_with(|| new.clone());
                if *made != new {
                    return refusal(409, ErrorCode::Conflict);
                }
                json(201, &user(id, made, self.fqdn))
            }
            ("DELETE", path) if path.starts_with("users/") => {
                let id = path["users/".len()..].parse().expect("an id");
                match users.remove(&id) {
                    Some(_) => (204, Vec::new()),
                    None => refusal(404, ErrorCode::NotFound),
                }
            }
            ("POST", "gr/undo") => {
                self.store.undone.set(self.store.undone.get() + 1);
                let tasks = GrTasks {
                    open: None,
                    serving: None,
                    last: None,
                    kept: None,
                    errand: None,
                    users: 0,
                };
                json(202, &tasks)
            }
            ("PATCH", "settings") => {
                *self.store.settings.borrow_mut() = body.to_owned();
                let settings = SystemSettings {
                    email_servers: Vec::new(),
                    name_dialing: NameDialing {
                        prefix: String::new(),
                        order: NameOrder::LastFirst,
                    },
                    broadcast_mailbox: None,
                };
                json(200, &settings)
            }
            ("POST", "classes" | "shortcuts" | "remote-users") => {
                let there = (path.to_owned(), body.to_owned());
                if !self.own.borrow_mut().insert(there) {
                    return refusal(409, ErrorCode::Conflict);
                }
                (201, body.to_owned())
            }
            ("POST", _) if path.starts_with("gr/tasks") => refusal(409, ErrorCode::Conflict),
            ("DELETE", _) if path.starts_with("gr/tasks/") => refusal(409, ErrorCode::Conflict),
            _ => refusal(404, ErrorCode::NotFound),
        }
    }
}

fn user(id: ObjectId, new: &NewUser, home: &str) -> UserRow {
    UserRow {
        id,
        mailbox: new.mailbox.clone(),
        name: new.name.clone(),
        kind: UserKind::Local,
        home: home.to_owned(),
        locked: false,
        messages: 0,
        waiting: false,
        class: new.class.unwrap_or(1),
        dns: Vec::new(),
        device_class: String::new(),
    }
}

/// Puts TLS with a certificate of the house's own before a server. Its port and the certificate to trust.
pub async fn secured(server: &Server) -> (u16, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let front = listener.local_addr().unwrap().port();
    let behind = server.port.get();
    spawn_local(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            spawn_local(async move {
                let mut inside = TcpStream::connect(("127.0.0.1", behind)).await?;
                let mut outside = acceptor.accept(socket).await?;
                tokio::io::copy_bidirectional(&mut outside, &mut inside).await
            });
        }
    });
    (front, certificate)
}

/// The sound of every message.
pub fn sound() -> Vec<u8> {
    (0..SOUND_BYTES).map(|index| (index % 251) as u8).collect()
}

pub fn arrival(row: MessageRow) -> Event {
    let counts = Counts::default();
    Event::Message {
        row,
        arrived: true,
        counts,
    }
}

fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn json(status: u16, value: &impl Serialize) -> (u16, Vec<u8>) {
    (status, serde_json::to_vec(value).unwrap())
}

fn empty_deleted(messages: &mut BTreeMap<ObjectId, MessageRow>) -> (u16, Vec<u8>) {
    let before = messages.len();
    messages.retain(|_, row| row.folder != Folder::Deleted);
    let messages = (before - messages.len()) as u64;
    json(200, &contract::Emptied { messages })
}

fn refusal(status: u16, code: ErrorCode) -> (u16, Vec<u8>) {
    let error = ApiError {
        code,
        message: "It cannot be done.".to_owned(),
        reference: "test".to_owned(),
        tries_left: (code == ErrorCode::WrongPassword).then_some(3),
        retry_after_s: None,
    };
    json(status, &error)
}

/// One connection, one request.
async fn talk(server: Rc<Server>, socket: TcpStream) -> std::io::Result<()> {
    let mut socket = BufReader::new(socket);
    let (mut line, mut length, mut bearer) = (String::new(), 0, String::new());
    socket.read_line(&mut line).await?;
    loop {
        let mut header = String::new();
        if socket.read_line(&mut header).await? <= 2 {
            break;
        }
        let header = header.trim_end().to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length: ") {
            length = value.parse().unwrap_or(0);
        }
        if let Some(value) = header.strip_prefix("authorization: bearer ") {
            value.clone_into(&mut bearer);
        }
    }
    let mut body = vec![0; length];
    if server.mode.get() == Mode::Unread && length > 0 {
        return std::future::pending().await;
    }
    socket.read_exact(&mut body).await?;
    let mut words = line.split(' ');
    let (method, path) = (
        words.next().unwrap_or(""),
        words.next().unwrap_or("").to_owned(),
    );
    let probe = path == contract::WELL_KNOWN;
    if !probe {
        server.asked.borrow_mut().push(format!("{method} {path}"));
    }
    if path.ends_with("/session/password") {
        let mut ponders = server.ponders.subscribe();
        // It ends with the test at the latest.
        let _ = ponders.wait_for(|ponders| !ponders).await;
    }
    let mode = server.mode.get();
    if mode == Mode::Forgets {
        bearer.clear();
    }
    if path == "/api/v1/events"
        && bearer == TOKEN
        && !matches!(
            mode,
            Mode::Mute | Mode::Unavailable | Mode::Streamless | Mode::Portal
        )
    {
        return stream(server, socket.into_inner()).await;
    }
    let (status, answer) = match mode {
        Mode::Mute => return std::future::pending().await,
        Mode::Unavailable if !probe => refusal(503, ErrorCode::Unavailable),
        Mode::Portal if !probe => (401, b"<h1>Log in to this network</h1>".to_vec()),
        Mode::Lacks if path.ends_with("/audio") => refusal(409, ErrorCode::NotHere),
        Mode::Babbles if !probe => (200, b"<!doctype html>".to_vec()),
        _ if probe => json(200, &server.discovery()),
        _ => server.answer(method, &path, &body, &bearer),
    };
    let told = match mode {
        Mode::Cuts | Mode::Stalls if !probe => answer.len() / 2,
        Mode::DoesAndCuts if !probe => return Ok(()),
        Mode::DoesAndHangs if !probe => return std::future::pending().await,
        _ => answer.len(),
    };
    let length = answer.len();
    let head = format!(
        "HTTP/1.1 {status} Whatever\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await?;
    socket.write_all(&answer[..told]).await?;
    if told < length && mode == Mode::Stalls {
        return std::future::pending().await;
    }
    socket.shutdown().await
}

async fn stream(server: Rc<Server>, mut socket: TcpStream) -> std::io::Result<()> {
    /// Counts the streams that are open.
    struct Open(Rc<Server>);
    impl Drop for Open {
        fn drop(&mut self) {
            (self.0.streams).send_modify(|open| *open = open.saturating_sub(1));
        }
    }
    server.streams.send_modify(|open| *open += 1);
    let _open = Open(Rc::clone(&server));
    let mut said = server.said.subscribe();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    socket.write_all(head.as_bytes()).await?;
    let discovery = server.discovery();
    let first = serde_json::to_string(&Event::Server { discovery })?;
    socket
        .write_all(format!("data: {first}\n\n").as_bytes())
        .await?;
    let mut byte = [0];
    loop {
        tokio::select! {
            changed = said.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                let text = said.borrow_and_update().1.clone();
                socket.write_all(format!("data: {text}\n\n").as_bytes()).await?;
            }
            // The client says nothing more: what ends here is the connection.
            read = socket.read(&mut byte) => return read.map(drop),
        }
    }
}
