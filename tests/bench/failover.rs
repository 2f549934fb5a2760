//! From SIGKILL of the primary to the inbox on the partner, as the SDK's client experiences it.

use crate::Args;
use crate::report::{Aim, Report, percentile};
use contract::Folder;
use plugin_sdk::transport::native::Native;
use plugin_sdk::{Client, ClientEvent, Config, Side, State};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};
use support::{LIMIT, PASSWORD, Pair, Smtp, voice};
use tokio::sync::Notify;

const TO: &str = "7200@cp-a.test.example";
const FROM: &str = "4711@client.example";

/// What the user does when the primary dies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum User {
    /// Nothing: the page is open.
    Watches,
    /// Reads the inbox the very moment.
    Acts,
}

pub fn measure(dir: &Path, args: &Args, report: &mut Report) {
    eprintln!("failover: {} kills of the primary", 2 * args.kills);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut pair = Pair::start_unhurried(&dir.join("failover"), "");
    pair.a.add_user("7200", "Tilde Brask");
    pair.running();
    let content = voice::message(FROM, TO, 1, args.size);
    assert_eq!(
        Smtp::hello(pair.a.smtp).mail(FROM, &[TO], &content).code,
        250
    );
    for (user, key, what) in [
        (
            User::Acts,
            "failover_acting_s",
            "SIGKILL of the primary to the inbox, reading at once, slowest of",
        ),
        (
            User::Watches,
            "failover_watching_s",
            "SIGKILL of the primary to the inbox, page open and idle, slowest of",
        ),
    ] {
        let mut times = Vec::new();
        for _ in 0..args.kills {
            times.push(
                runtime.block_on(tokio::task::LocalSet::new().run_until(once(&mut pair, user))),
            );
            pair.a.run();
            pair.running();
        }
        report.add(
            key,
            format!("{what} {}", args.kills),
            percentile(&mut times, 1.0),
            "s",
            Some(Aim::AtMost(2.0)),
        );
    }
}

async fn once(pair: &mut Pair, user: User) -> f64 {
    let transport = Native::new().expect("a transport");
    let client = Client::new(
        Rc::new(transport),
        Config::new(format!("http://{}", pair.a.http)),
    )
    .expect("a client");
    let changed = Rc::new(Notify::new());
    let bell = Rc::clone(&changed);
    let _listening = client.subscribe(move |event| {
        if matches!(event, ClientEvent::Status(_) | ClientEvent::ListStale) {
            bell.notify_one();
        }
    });
    client
        .session()
        .login("7200", PASSWORD)
        .await
        .expect("a session");
    assert_eq!(inbox(&client).await, 1);
    wait(&changed, || {
        client.status().state == State::OnPrimary && client.status().partner.is_some()
    })
    .await;

    let began = Instant::now();
    pair.a.kill();
    if user == User::Watches {
        wait(&changed, || client.status().on == Some(Side::Partner)).await;
    }
    assert_eq!(inbox(&client).await, 1);
    assert_eq!(client.status().on, Some(Side::Partner));
    began.elapsed().as_secs_f64()
}

/// Messages in the inbox, by whichever server answers.
async fn inbox(client: &Client) -> usize {
    client
        .messages()
        .page(Folder::Inbox, None, None)
        .await
        .expect("an inbox")
        .messages
        .len()
}

/// Looks again at every event, and a few times a second for what comes without one.
async fn wait(changed: &Notify, state: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !state() {
        assert!(Instant::now() < end, "the client does not get there");
        // No event within the time is a reason to look again, too.
        let _ = tokio::time::timeout(Duration::from_millis(20), changed.notified()).await;
    }
}
