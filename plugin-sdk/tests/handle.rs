//! A client on a thread of its own, used from others.

mod fake;

use contract::Folder;
use fake::{Deed, Mode, Server};
use plugin_sdk::handle::CALLS_MAX;
use plugin_sdk::{ClientEvent, Config, Error, Handle, Side, Timing};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// Whatever is waited for has to come within this.
const LIMIT: Duration = Duration::from_secs(60);

fn config(server: String) -> Config {
    let timing = Timing::default().quickened(4);
    Config { server, timing }
}

fn servers() -> (Config, UnboundedSender<Deed>) {
    let (http, act) = fake::elsewhere();
    (config(http), act)
}

#[test]
fn a_handle_is_send_and_its_calls_work_from_any_thread_at_once() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    let (config, _servers) = servers();
    let handle = Handle::start(config).unwrap();
    shared(&handle);
    let session =
        handle.call_blocking(async |client| client.session().login("7200", "right").await);
    assert_eq!(session.unwrap().mailbox.number, "7200");
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let handle = handle.clone();
            thread::spawn(move || {
                let inbox = handle.call_blocking(async |client| {
                    client.messages().page(Folder::Inbox, None, None).await
                });
                inbox.unwrap().messages.len()
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), 2);
    }
}

#[test]
fn a_handle_works_in_tasks_that_move_between_threads_and_more_calls_than_run_at_once_wait_their_turn()
 {
    let (config, _servers) = servers();
    let handle = Handle::start(config).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async move {
        handle
            .call(async |client| client.session().login("7200", "right").await)
            .await
            .unwrap();
        let calls: Vec<_> = (0..3 * CALLS_MAX)
            .map(|_| {
                let handle = handle.clone();
                tokio::spawn(async move {
                    handle
                        .call(async |client| {
                            client.messages().page(Folder::Inbox, None, None).await
                        })
                        .await
                })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap().messages.len(), 2);
        }
    });
}

#[test]
fn a_handle_fails_over_as_a_client_does_and_tells_of_it() {
    let (config, servers) = servers();
    let handle = Handle::start(config).unwrap();
    let (tell, told) = mpsc::channel();
    let listening = handle.subscribe(move |event: &ClientEvent| {
        if matches!(event, ClientEvent::ListStale) {
            let _ = tell.send(());
        }
    });
    let inbox =
        async |client: plugin_sdk::Client| client.messages().page(Folder::Inbox, None, None).await;
    handle
        .call_blocking(async |client| client.session().login("7200", "right").await)
        .unwrap();
    handle.call_blocking(inbox).unwrap();
    let wait = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    wait.block_on(handle.status_when(|status| status.partner.is_some()));
    let fails = |north: &Rc<Server>| north.mode.set(Mode::Mute);
    assert!(servers.send(Box::new(fails)).is_ok());
    let on_partner = wait.block_on(handle.status_when(|status| status.on == Some(Side::Partner)));
    assert!(on_partner.partner.is_some());
    assert_eq!(handle.call_blocking(inbox).unwrap().messages.len(), 2);
    told.recv_timeout(LIMIT)
        .expect("the list is stale at another server");
    drop(listening);
    // The callback goes with its subscription: then nobody can send any more.
    while told.recv_timeout(LIMIT).is_ok() {}
    assert_eq!(told.try_recv(), Err(mpsc::TryRecvError::Disconnected));
}

#[test]
fn a_call_whose_future_is_dropped_ends_on_the_clients_thread() {
    struct Dropped(mpsc::Sender<()>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (config, _servers) = servers();
    let handle = Handle::start(config).unwrap();
    let (tell, told) = mpsc::channel();
    let (begun, begins) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let kept = handle.clone();
    let call = runtime.spawn(async move {
        let never = async move |_| {
            let _dropped = Dropped(tell);
            begun.send(()).unwrap();
            std::future::pending::<Result<(), Error>>().await
        };
        kept.call(never).await
    });
    begins.recv_timeout(LIMIT).expect("it begins");
    call.abort();
    told.recv_timeout(LIMIT).expect("it ends");
    let _ = handle.status();
}

#[test]
fn a_call_that_panics_does_so_for_its_caller_and_leaves_the_client_alone() {
    let (config, _servers) = servers();
    let handle = Handle::start(config).unwrap();
    let broken = handle.clone();
    let panics = thread::spawn(move || {
        broken.call_blocking(async |_| -> Result<(), Error> { panic!("on purpose") })
    });
    assert!(panics.join().is_err());
    let discovery = handle.call_blocking(async |client| client.discovery().await);
    assert_eq!(discovery.unwrap().server.fqdn, "north.example.net");
}

#[test]
fn a_handle_that_cannot_be_is_refused_with_a_sentence() {
    match Handle::start(Config::new("cp-north.example.net")) {
        Err(Error::BadConfig { what }) => assert!(what.contains("https://"), "{what}"),
        _ => panic!("it was accepted"),
    }
}
