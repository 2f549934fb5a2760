//! A long upload over a transport that reports as browsers do.

mod fake;

use contract::{GreetingSlot, Timestamp};
use fake::Server;
use futures_util::future::LocalBoxFuture;
use plugin_sdk::connector::Millis;
use plugin_sdk::transport::native::Native;
use plugin_sdk::transport::{FetchError, Method, Request, Response};
use plugin_sdk::{Client, Config, Progress, Side, Timing, Transport};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// Whatever is waited for has to come within this.
const LIMIT: Duration = Duration::from_secs(60);
/// How far an upload comes before it hangs.
const SENT: u64 = 1_000;
const REPORT_MS: u64 = 20;

/// Uploads to one server get a little way and hang, and are reported on again and again.
struct Hanging {
    inner: Native,
    server: String,
}

impl Transport for Hanging {
    fn fetch(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        if request.method != Method::Put || !request.url.starts_with(&self.server) {
            return self.inner.fetch(request);
        }
        let clock = Native::new().expect("a transport");
        Box::pin(async move {
            loop {
                let told = request.on_sent.as_ref();
                told.expect("an upload is reported on")(SENT);
                clock.sleep(REPORT_MS).await;
            }
        })
    }

    fn sleep(&self, ms: u64) -> LocalBoxFuture<'static, ()> {
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

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        self.inner.spawn(task);
    }
}

/// A client whose uploads hang on their way to `server`, and which knows the partner.
async fn client(server: &Server) -> Client {
    let transport = Hanging {
        inner: Native::new().expect("a transport"),
        server: server.http.clone(),
    };
    let config = Config {
        server: server.http.clone(),
        timing: Timing::default().quickened(4),
    };
    let client = Client::new(Rc::new(transport), config).expect("a client");
    let changed = Rc::new(tokio::sync::Notify::new());
    let bell = Rc::clone(&changed);
    let _listening = client.subscribe(move |_| bell.notify_one());
    client.session().login("7200", "right").await.unwrap();
    let knows = |client: &Client| {
        let status = client.status();
        status.partner.is_some() && status.on == Some(Side::Primary)
    };
    while !knows(&client) {
        let heard = tokio::time::timeout(LIMIT, changed.notified()).await;
        heard.expect("the client learns its partner");
    }
    client
}

#[test]
fn an_upload_that_gets_no_further_is_no_sign_of_life_and_is_sent_to_the_partner() {
    fake::live(async |north, south, store| {
        let client = client(&north).await;
        let wav = fake::sound();
        let seen = Rc::new(RefCell::new(Vec::new()));
        let told = Rc::clone(&seen);
        let greetings = client.greetings();
        let progress = move |progress: Progress| told.borrow_mut().push(progress.bytes);
        let record = greetings.record(GreetingSlot::External, wav.clone(), progress);
        let ended = tokio::time::timeout(LIMIT, record).await;
        ended.expect("it is not waited for for ever").unwrap();
        assert!(*store.greeting.borrow() == wav, "not the whole sound");
        let asked = south.asked.borrow();
        let uploads = asked.iter().filter(|asked| asked.starts_with("PUT"));
        assert_eq!(uploads.count(), 1);
        let seen = seen.borrow();
        let hung = seen.iter().filter(|bytes| **bytes == SENT).count();
        assert_eq!(hung, 1, "told once, and not again: {seen:?}");
        assert_eq!(seen.last(), Some(&(wav.len() as u64)));
    });
}
