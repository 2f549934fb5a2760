//! The SDK has a call for everything that a server answers, and asks for nothing that it does not.

use crate::{message, server, tilde};
use contract::{
    Addressee, AdministratorPatch, AdministratorRole, DraftContent, Folder, GrPair, GreetingSlot,
    ListContent, NewAdministrator, NewTask, NewUser, Part, PartKind, RemoteUser, SettingsPatch,
    TaskKind, Timestamp, UserPatch, VpimShortcut,
};
use plugin_sdk::client::{AuditTrailQuery, MessageQuery, PiecePlace, UserFilter};
use plugin_sdk::connector::Millis;
use plugin_sdk::transport::native::Native;
use plugin_sdk::transport::{FetchError, Request, Response};
use plugin_sdk::{Client, ClientEvent, Config, Error, Transport};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::pin::Pin;
use std::rc::Rc;
use support::{Http, LIMIT, PASSWORD, Server, voice};

/// What the SDK does not ask for, and why.
const NOT_ASKED: [(&str, &str); 3] = [
    // For whoever builds a client without the SDK.
    ("get", "/api/openapi.json"),
    // Load balancers and monitoring ask each server by itself, never whichever of the two answers.
    ("get", "/healthz"),
    ("get", "/metrics"),
];

/// What no call gives in a query, and why.
const NOT_GIVEN: [(&str, &str, &str); 1] = [
    // A greeting is short, and heard by who has just recorded it.
    ("get", "/api/v1/greetings/{slot}", "encoding"),
];

type LocalBoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// One request and the status of its answer.
struct Asked {
    method: String,
    path: String,
    query: Vec<String>,
    status: u16,
}

/// The native transport, with a note of all that is asked.
struct Noting {
    inner: Native,
    asked: Rc<RefCell<Vec<Asked>>>,
}

impl Transport for Noting {
    fn fetch(&self, request: Request) -> LocalBoxFuture<Result<Response, FetchError>> {
        let method = request.method.as_str().to_lowercase();
        let address = request.url.splitn(4, '/').nth(3).unwrap_or_default();
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let path = format!("/{path}");
        let names = query.split('&').filter_map(|pair| pair.split('=').next());
        let query = names.filter(|name| !name.is_empty()).map(str::to_owned);
        let query = query.collect();
        let (fetch, asked) = (self.inner.fetch(request), Rc::clone(&self.asked));
        Box::pin(async move {
            let answer = fetch.await?;
            let status = answer.status;
            asked.borrow_mut().push(Asked {
                method,
                path,
                query,
                status,
            });
            Ok(answer)
        })
    }

    fn sleep(&self, ms: u64) -> LocalBoxFuture<()> {
        self.inner.sleep(ms)
    }

    fn now(&self) -> Millis {
        self.inner.now()
    }

    fn wall(&self) -> Timestamp {
        self.inner.wall()
    }

    fn random(&self) -> [u8; 16] {
        self.inner.random()
    }

    fn load(&self, key: &str) -> Option<String> {
        self.inner.load(key)
    }

    fn store(&self, key: &str, value: Option<&str>) {
        self.inner.store(key, value);
    }

    fn spawn(&self, task: LocalBoxFuture<()>) {
        self.inner.spawn(task);
    }
}

/// Lets a client do everything that it can, and returns what it asked for.
fn everything_asked(server: &Server) -> Vec<Asked> {
    let asked = Rc::new(RefCell::new(Vec::new()));
    let inner = Native::new().expect("a transport");
    let noting = Rc::new(Noting {
        inner,
        asked: Rc::clone(&asked),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let config = Config::new(format!("http://{}", server.http));
        let client = Client::new(noting, config).expect("a client");
        let asks = async {
            ask_as_a_user(&client).await;
            client.session().administer("admin", PASSWORD);
            ask_for_administrators(&client).await;
            ask_for_users(&client).await;
            ask_for_what_a_server_has(&client).await;
            ask_for_the_pair(&client).await;
            ask_for_the_queue(&client).await;
            ask_for_the_audit_trail(&client).await;
        };
        // Each of the administrator's calls costs a password hash.
        let ended = tokio::time::timeout(LIMIT * 4, asks).await;
        ended.expect("every call is answered");
    });
    asked.take()
}

async fn ask_as_a_user(client: &Client) {
    let heard = Rc::new(tokio::sync::Notify::new());
    let bell = Rc::clone(&heard);
    let _listening = client.subscribe(move |event| {
        if matches!(event, ClientEvent::Server(_)) {
            bell.notify_one();
        }
    });
    let session = client.session().login("7200", PASSWORD).await.unwrap();
    // The stream of events has opened.
    heard.notified().await;
    client.session().restore(&session.token).await.unwrap();
    client.discovery().await.unwrap();

    let messages = client.messages();
    let page = messages.page(Folder::Inbox, None, Some(1)).await.unwrap();
    let id = page.messages[0].id;
    let next = page.next.as_deref();
    messages.page(Folder::Inbox, next, None).await.unwrap();
    let query = MessageQuery {
        words: Some("sender"),
        kind: Some(contract::Kind::Voice),
        unread: Some(true),
        urgent: Some(false),
        private: Some(false),
        since: Some(Timestamp(0)),
        until: Some(Timestamp(i64::MAX)),
    };
    let found = messages.find(Folder::Inbox, query, None, None).await;
    assert_eq!(found.unwrap().messages.len(), 2);
    let parts = messages.read(id).await.unwrap().parts;
    let voice = parts.iter().find_map(|part| match part {
        Part::Voice { index, .. } => Some(*index),
        _ => None,
    });
    messages.audio(id, voice, |_| {}).await.unwrap();
    messages.stored_audio(id, voice, |_, _| {}).await.unwrap();
    messages.set_unread(id, false).await.unwrap();
    messages.delete(id).await.unwrap();
    messages.undelete(id).await.unwrap();
    messages.delete(id).await.unwrap();
    messages.expunge(id).await.unwrap();
    assert_eq!(messages.empty_deleted().await.unwrap().messages, 0);

    let greetings = client.greetings();
    let (slot, wav) = (GreetingSlot::External, voice::wav(1, 8_000));
    greetings.record(slot, wav, |_| {}).await.unwrap();
    greetings.all().await.unwrap();
    greetings.audio(slot, |_| {}).await.unwrap();
    greetings.remove(slot).await.unwrap();
    let (slot, end) = (GreetingSlot::Temporary, Some(Timestamp(5)));
    let wav = voice::wav(1, 8_000);
    greetings.record(slot, wav, |_| {}).await.unwrap();
    let row = greetings.set_end(slot, end).await.unwrap();
    assert_eq!(row.ends_at, end);

    compose(client).await;
    let content = ListContent {
        title: "Night shift".to_owned(),
        addresses: vec!["7201".to_owned()],
    };
    client.lists().set(1, &content).await.unwrap();
    client.lists().all().await.unwrap();
    client.lists().remove(1).await.unwrap();

    let settings = client.notification().read().await.unwrap();
    client.notification().set(&settings).await.unwrap();
    let own = client.session();
    own.change_password(PASSWORD, "another-1").await.unwrap();
    own.logout_everywhere().await.unwrap();
}

async fn compose(client: &Client) {
    let drafts = client.drafts();
    let [draft, part, submission] = [(); 3].map(|()| drafts.new_id());
    let place = PiecePlace {
        draft,
        part,
        kind: PartKind::Voice,
        name: "memo.wav",
        offset: 0,
        last: true,
    };
    let to_oneself = Addressee {
        address: "7200".to_owned(),
        ..Addressee::default()
    };
    let content = DraftContent {
        recipients: vec![to_oneself],
        text: "Do not forget.".to_owned(),
        ..DraftContent::default()
    };
    // Whoever asks is not offered.
    assert_eq!(drafts.address_book("7200").await.unwrap(), []);
    let found = drafts.resolve(vec!["7200".to_owned()]).await.unwrap();
    assert_eq!(found[0].unreachable, None);
    drafts.save(draft, &content).await.unwrap();
    let wav = voice::wav(1, 8_000);
    let whole = drafts.upload(&place, wav.clone(), |_| {}).await.unwrap();
    assert!(whole.whole);
    assert_eq!(drafts.download(draft, part, 0).await.unwrap(), wav);
    assert_eq!(drafts.get(draft).await.unwrap().parts, [whole]);
    drafts.discard_part(draft, part).await.unwrap();
    drafts.send(submission, draft).await.unwrap();
    assert_eq!(drafts.all().await.unwrap(), []);
    let other = drafts.new_id();
    drafts.save(other, &content).await.unwrap();
    drafts.discard(other).await.unwrap();
}

/// From here on the password of the configuration opens nothing: the session of an administrator does.
async fn ask_for_administrators(client: &Client) {
    let (administrators, own) = (client.administrators(), client.own_administration());
    let mut new = NewAdministrator {
        name: "mira".to_owned(),
        password: "mira-has-a-secret".to_owned(),
        role: AdministratorRole::Administrator,
    };
    administrators.create(&new).await.unwrap();
    let begun = own.sign_in("mira", &new.password, None).await.unwrap();
    own.restore(&begun.token).await.unwrap();
    let secret = "mira-has-another";
    own.change_password(&new.password, secret).await.unwrap();
    own.begin_second_factor().await.unwrap();
    let confirmed = own.confirm_second_factor("no code").await;
    assert!(matches!(confirmed, Err(Error::Refused(_))));
    new.name = "otto".to_owned();
    administrators.create(&new).await.unwrap();
    assert_eq!(administrators.all().await.unwrap().len(), 2);
    let patch = AdministratorPatch {
        role: Some(AdministratorRole::Operator),
        ..AdministratorPatch::default()
    };
    let changed = administrators.change("otto", &patch).await.unwrap();
    assert_eq!(administrators.read("otto").await, Ok(changed));
    administrators.set_password("otto", secret).await.unwrap();
    let sessions = administrators.sessions("mira").await.unwrap();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    administrators.end_sessions("otto").await.unwrap();
    administrators.remove("otto").await.unwrap();
    assert_eq!(
        administrators.remove("otto").await,
        Ok(()),
        "it is gone already"
    );
    let id = &sessions[0].id;
    administrators.end_session("mira", id).await.unwrap();
    assert!(matches!(administrators.all().await, Err(Error::Refused(_))));
    own.sign_in("mira", secret, None).await.unwrap();
    own.sign_out().await.unwrap();
    own.sign_in("mira", secret, None).await.unwrap();
}

async fn ask_for_users(client: &Client) {
    let users = client.users();
    let new = NewUser {
        id: None,
        mailbox: "7216".to_owned(),
        name: "Mira Tandell".to_owned(),
        password: PASSWORD.to_owned(),
        must_change: false,
        class: None,
    };
    let id = users.create(&new).await.unwrap().id;
    let number = UserFilter::Mailbox("7216");
    assert_eq!(users.page(number, None, None).await.unwrap().len(), 1);
    let after = users.page(UserFilter::All, None, Some(2)).await.unwrap()[1].id;
    let last = users
        .page(UserFilter::All, Some(after), None)
        .await
        .unwrap();
    assert_eq!(last[0].id, id);
    let name = UserFilter::Text("tandell");
    assert_eq!(users.page(name, None, None).await.unwrap()[0].id, id);
    users.read(id).await.unwrap();
    let patch = UserPatch {
        locked: Some(true),
        ..UserPatch::default()
    };
    assert!(users.change(id, &patch).await.unwrap().locked);
    assert!(!users.unlock(id).await.unwrap().locked);
    users.set_password(id, PASSWORD).await.unwrap();
    users.log_out(id).await.unwrap();
    assert_eq!(users.empty_deleted(id).await.unwrap().messages, 0);
    let settings = users.contact_settings(id).await.unwrap();
    users.set_contact_settings(id, &settings).await.unwrap();
    users.delete(id).await.unwrap();
}

async fn ask_for_what_a_server_has(client: &Client) {
    let classes = client.classes();
    let board = classes.add(4, " Board ").await.unwrap();
    assert_eq!(board.name, "Board");
    assert_eq!(
        classes.add(4, "Board").await,
        Ok(board),
        "it is there already"
    );
    assert!(matches!(
        classes.add(4, "Other").await,
        Err(Error::Refused(_))
    ));
    classes.rename(4, "Executive").await.unwrap();
    assert_eq!(classes.all().await.unwrap()[1].name, "Executive");
    classes.remove(4).await.unwrap();
    assert_eq!(classes.remove(4).await, Ok(()), "it is gone already");

    let shortcuts = client.shortcuts();
    let new = VpimShortcut {
        prefix: "1272".to_owned(),
        overlap: 0,
    };
    shortcuts.add(&new).await.unwrap();
    assert_eq!(shortcuts.add(&new).await.as_ref(), Ok(&new));
    assert_eq!(shortcuts.all().await, Ok(vec![new]));
    shortcuts.remove("1272").await.unwrap();
    assert_eq!(shortcuts.remove("1272").await, Ok(()));
    assert_eq!(shortcuts.remove("12/7?2").await, Ok(()), "no other address");

    let remote_users = client.remote_users();
    let new = RemoteUser {
        mailbox: "7300".to_owned(),
        name: "Elsewhere".to_owned(),
        address: "7300@vm.example".to_owned(),
    };
    remote_users.add(&new).await.unwrap();
    assert_eq!(remote_users.add(&new).await.as_ref(), Ok(&new));
    assert_eq!(remote_users.all().await, Ok(vec![new.clone()]));
    let taken = RemoteUser {
        mailbox: "7200".to_owned(),
        ..new
    };
    assert!(matches!(
        remote_users.add(&taken).await,
        Err(Error::Refused(_))
    ));
    remote_users.remove("7300").await.unwrap();
    assert_eq!(remote_users.remove("7300").await, Ok(()));

    let patch = SettingsPatch {
        broadcast_mailbox: Some("7999".to_owned()),
        ..SettingsPatch::default()
    };
    client.settings().change(&patch).await.unwrap();
    let settings = client.settings().read().await.unwrap();
    assert_eq!(settings.broadcast_mailbox.as_deref(), Some("7999"));
}

/// Without a partner most of it is refused, by the resource that was asked.
async fn ask_for_the_pair(client: &Client) {
    let gr = client.gr();
    gr.status().await.unwrap();
    gr.tasks().await.unwrap();
    gr.held().await.unwrap();
    gr.retry_held().await.unwrap();
    let id = gr.new_task_id();
    let task = NewTask {
        kind: TaskKind::Resync,
        dry_run: true,
        agreed: None,
        mailboxes: Vec::new(),
    };
    let refused = [
        gr.start(&id, &task).await.map(drop),
        gr.abort(&id).await,
        gr.agree(&id).await.map(drop),
        gr.undo().await.map(drop),
    ];
    for ended in refused {
        assert!(matches!(ended, Err(Error::Refused(_))), "{ended:?}");
    }
    let partner = GrPair {
        fqdn: "cp-b.test.example".to_owned(),
        // The discard port: nobody listens there.
        smtp: "127.0.0.1:9".to_owned(),
        http: "http://127.0.0.1:9".to_owned(),
        password: "of-the-pair-1".to_owned(),
        tls: None,
        at_once: false,
    };
    gr.pair(&partner).await.unwrap();
    let password = "of-the-pair-2".to_owned();
    let at_once = false;
    let new = contract::NewGrPassword { password, at_once };
    let status = gr.change_password(&new).await.unwrap();
    assert!(status.password_changing);
    gr.unpair().await.unwrap();
}

async fn ask_for_the_queue(client: &Client) {
    let queue = client.queue();
    assert_eq!(queue.all().await, Ok(Vec::new()));
    let id = "0199a5d0-8000-7000-8000-0000000000ff".parse().unwrap();
    let refused = [
        queue.retry(id).await,
        queue.hold(id).await,
        queue.release(id).await,
        queue.delete(id).await,
    ];
    for ended in refused {
        assert!(matches!(ended, Err(Error::Refused(_))), "{ended:?}");
    }
}

async fn ask_for_the_audit_trail(client: &Client) {
    let trail = client.audit_trail();
    let all = trail.page(AuditTrailQuery::default()).await.unwrap();
    let (newest, last) = (&all[0], &all[all.len() - 1]);
    let query = AuditTrailQuery {
        since: Some(last.at),
        until: Some(Timestamp(newest.at.0 + 1)),
        who: Some(&newest.who),
        before: Some(newest.id),
        limit: Some(1),
    };
    let page = trail.page(query).await.unwrap();
    assert!(
        page.iter()
            .all(|entry| entry.who == newest.who && entry.id < newest.id)
    );
}

/// Every operation of the document: method, path, and the names of its query.
fn operations(document: &Value) -> Vec<(&str, &str, BTreeSet<&str>)> {
    let paths = document["paths"].as_object().expect("paths");
    let methods = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("methods").iter();
        methods.map(move |(method, operation)| (&**method, &**path, operation))
    });
    methods
        .map(|(method, path, operation)| {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let query = parameters.filter(|parameter| parameter["in"] == "query");
            let names = query.filter_map(|parameter| parameter["name"].as_str());
            (method, path, names.collect())
        })
        .collect()
}

/// Whether an address is one of those that a path of the document, with its `{names}`, stands for.
fn is_of(path: &str, address: &str) -> bool {
    let (path, address) = (path.split('/'), address.split('/'));
    path.clone().count() == address.clone().count()
        && path
            .zip(address)
            .all(|(named, given)| named == given || named.starts_with('{'))
}

#[test]
fn the_sdk_has_a_call_for_every_operation_and_every_query_of_the_document_and_for_no_other() {
    let password = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(password.path(), format!("{PASSWORD}\n")).expect("a password");
    let (_dir, server) = server(&format!("admin.password_file = {:?}", password.path()));
    let user = tilde(&server);
    message(&server, &user, 1);
    message(&server, &user, 2);
    let document = Http::new(server.http, "").get("/api/openapi.json").json();
    let operations = operations(&document);
    let asked = everything_asked(&server);
    for Asked {
        method,
        path,
        query,
        status,
    } in &asked
    {
        let known = operations
            .iter()
            .find(|operation| operation.0 == method && is_of(operation.1, path));
        let (_, of, names) = known.unwrap_or_else(|| panic!("{method} {path} is no operation"));
        for name in query {
            assert!(names.contains(&**name), "{method} {path} knows no ?{name}=");
        }
        let answers = &document["paths"][of][method]["responses"];
        let told = answers[status.to_string()].is_object();
        assert!(told, "{method} {path} is answered {status}, untold");
    }
    for (method, path, names) in &operations {
        let ours = |asked: &&Asked| asked.method == *method && is_of(path, &asked.path);
        let calls = asked.iter().filter(ours).count();
        let has_call = !NOT_ASKED.contains(&(*method, *path));
        assert_eq!(calls > 0, has_call, "{method} {path}: {calls} calls");
        for name in names {
            let with = |asked: &Asked| asked.query.iter().any(|given| given == name);
            let given = asked.iter().filter(ours).any(with);
            let is_asked = !NOT_GIVEN.contains(&(*method, *path, *name));
            assert_eq!(given, is_asked, "{method} {path}?{name}=");
        }
    }
}
