//! The link against a mail service that is played by the test.

use super::*;
use crate::gr::envelope::{self, Keyring};
use crate::gr::pairing::Secret;
use bytes::BytesMut;
use domain::Incarnation;
use gr_proto::{Header, Message, Payload, Report, Seen};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Nothing here takes long; a test that waits in vain ends.
const LIMIT: Duration = Duration::from_secs(20);
const OFFERS_ALL: &str = "250-b.example\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 BINARYMIME\r\n";

struct Side {
    _dir: tempfile::TempDir,
    to_link: mpsc::Sender<Message>,
    events: mpsc::Receiver<LinkEvent>,
    stop: CancellationToken,
    link: tokio::task::JoinHandle<()>,
}

fn start(address: std::net::SocketAddr) -> Side {
    let keys = GrKeys::default();
    keys.begin(
        Keyring::new(&Secret([7; 32]), "a.example", "b.example"),
        None,
    );
    start_with(address, keys)
}

fn start_with(address: std::net::SocketAddr, keys: GrKeys) -> Side {
    let dir = tempfile::tempdir().unwrap();
    let (_writer, readers) = store::Store::open(dir.path(), store::Options::default()).unwrap();
    let context = LinkContext {
        own: "a.example".into(),
        partner: Partner {
            fqdn: "b.example".into(),
            smtp: address.to_string(),
            http: "http://b.example".into(),
            tls: None,
        },
        keys,
        readers,
        long_bodies: Arc::default(),
        roots: None,
        state: watch::channel(LinkState::default()).0,
    };
    let (to_link, messages) = mpsc::channel(16);
    let (say, events) = mpsc::channel(16);
    let stop = CancellationToken::new();
    let link = tokio::spawn(run(context, messages, say, stop.clone()));
    Side {
        _dir: dir,
        to_link,
        events,
        stop,
        link,
    }
}

fn message(no: u64) -> Message {
    let header = Header {
        from: Incarnation(1),
        to: Incarnation(2),
        no,
        id: 9,
        csn: 4,
        seen: Seen::default(),
        settled: 0,
        rolled_back: false,
        preceding: Default::default(),
    };
    Message {
        header,
        payload: Payload::Heartbeat(Report::default()),
    }
}

/// The number of the message in a mail.
fn number(mail: &[u8]) -> u64 {
    let ring = Keyring::new(&Secret([7; 32]), "b.example", "a.example");
    let content = envelope::open(&ring, BytesMut::from(mail)).unwrap();
    gr_proto::wire::decode(&content.control).unwrap().header.no
}

struct Server(BufReader<TcpStream>);

impl Server {
    async fn accept(listener: &TcpListener, offer: &str) -> Self {
        let (stream, _) = timeout(LIMIT, listener.accept()).await.unwrap().unwrap();
        let mut server = Self(BufReader::new(stream));
        server.say("220 b.example\r\n").await;
        assert_eq!(server.line().await, "EHLO a.example\r\n");
        server.say(offer).await;
        server
    }

    async fn say(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).await.unwrap();
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(LIMIT, self.0.read_line(&mut line))
            .await
            .unwrap()
            .unwrap();
        line
    }

    /// One mail of the pipeline.
    async fn mail(&mut self) -> Vec<u8> {
        assert_eq!(
            self.line().await,
            "MAIL FROM:<gr-bounce@a.example> BODY=BINARYMIME\r\n"
        );
        assert_eq!(self.line().await, "RCPT TO:<gr-sync@b.example>\r\n");
        let bdat = self.line().await;
        let size = bdat
            .strip_prefix("BDAT ")
            .unwrap()
            .strip_suffix(" LAST\r\n")
            .unwrap();
        let mut mail = vec![0; size.parse().unwrap()];
        timeout(LIMIT, self.0.read_exact(&mut mail))
            .await
            .unwrap()
            .unwrap();
        mail
    }
}

async fn event(side: &mut Side) -> LinkEvent {
    timeout(LIMIT, side.events.recv()).await.unwrap().unwrap()
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

#[tokio::test]
async fn mails_are_sent_without_waiting_for_answers() {
    let listener = listener().await;
    let mut side = start(listener.local_addr().unwrap());
    let mut server = Server::accept(&listener, OFFERS_ALL).await;
    assert_eq!(event(&mut side).await, LinkEvent::Up);
    for no in 1..=5 {
        side.to_link.send(message(no)).await.unwrap();
    }
    let mut ids = std::collections::BTreeSet::new();
    for no in 1..=5 {
        let mail = server.mail().await;
        assert_eq!(number(&mail), no);
        let text = String::from_utf8_lossy(&mail).into_owned();
        ids.insert(
            text.lines()
                .find(|l| l.starts_with("Message-ID: "))
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(ids.len(), 5, "each attempt has a Message-ID of its own");
    // Refusals concern one mail, not the connection.
    server
        .say(&format!(
            "{}451 4.3.2 later\r\n",
            "250 2.0.0 ok\r\n".repeat(14)
        ))
        .await;
    side.to_link.send(message(6)).await.unwrap();
    assert_eq!(number(&server.mail().await), 6);
    side.stop.cancel();
    timeout(LIMIT, side.link).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_partner_that_refuses_twice_is_told_and_so_is_its_return() {
    let gone = listener().await;
    let address = gone.local_addr().unwrap();
    drop(gone);
    let mut side = start(address);
    assert_eq!(event(&mut side).await, LinkEvent::Down);
    let back = TcpListener::bind(address).await.unwrap();
    let mut server = Server::accept(&back, OFFERS_ALL).await;
    assert_eq!(event(&mut side).await, LinkEvent::Up);
    // It breaks once and comes back at once: nobody is told of a loss.
    server.say("421 4.3.2 bye\r\n").await;
    let mut server = Server::accept(&back, OFFERS_ALL).await;
    assert_eq!(event(&mut side).await, LinkEvent::Up);
    side.to_link.send(message(1)).await.unwrap();
    assert_eq!(number(&server.mail().await), 1);
}

#[tokio::test]
async fn a_service_without_chunking_gets_lines_one_command_at_a_time() {
    let listener = listener().await;
    let side = start(listener.local_addr().unwrap());
    let mut server = Server::accept(&listener, "250-b.example\r\n250 PIPELINING\r\n").await;
    for no in 1..=2 {
        side.to_link.send(message(no)).await.unwrap();
        assert_eq!(server.line().await, "MAIL FROM:<gr-bounce@a.example>\r\n");
        server.say("250 ok\r\n").await;
        assert_eq!(server.line().await, "RCPT TO:<gr-sync@b.example>\r\n");
        server.say("250 ok\r\n").await;
        assert_eq!(server.line().await, "DATA\r\n");
        server.say("354 go\r\n").await;
        let mut mail = String::new();
        loop {
            let line = server.line().await;
            if line == ".\r\n" {
                break;
            }
            assert!(!line.starts_with('.'));
            mail += &line;
        }
        server.say("250 ok\r\n").await;
        assert_eq!(number(mail.as_bytes()), no);
    }
    side.to_link.send(message(3)).await.unwrap();
    server.line().await;
    server.say("550 no\r\n").await;
    assert_eq!(server.line().await, "RSET\r\n");
}

#[tokio::test]
async fn the_link_ends_with_its_engine() {
    let listener = listener().await;
    let side = start(listener.local_addr().unwrap());
    let _server = Server::accept(&listener, OFFERS_ALL).await;
    drop(side.to_link);
    timeout(LIMIT, side.link).await.unwrap().unwrap();
}

#[tokio::test]
async fn while_the_password_is_changed_a_message_goes_by_the_new_one_too_and_then_by_that_alone() {
    let listener = listener().await;
    let of = |root: u8| Keyring::new(&Secret([root; 32]), "a.example", "b.example");
    let keys = GrKeys::default();
    keys.begin(of(7), Some(of(8)));
    let mut side = start_with(listener.local_addr().unwrap(), keys.clone());
    let mut server = Server::accept(&listener, OFFERS_ALL).await;
    assert_eq!(event(&mut side).await, LinkEvent::Up);
    let by_new = |mail: &[u8]| {
        let ring = Keyring::new(&Secret([8; 32]), "b.example", "a.example");
        envelope::open(&ring, BytesMut::from(mail)).is_ok()
    };
    side.to_link.send(message(1)).await.unwrap();
    assert_eq!(number(&server.mail().await), 1, "what holds comes first");
    assert!(by_new(&server.mail().await));
    keys.go_over(std::time::Instant::now());
    side.to_link.send(message(2)).await.unwrap();
    assert!(by_new(&server.mail().await));
    side.to_link.send(message(3)).await.unwrap();
    assert!(by_new(&server.mail().await), "and nothing twice");
    side.stop.cancel();
    timeout(LIMIT, side.link).await.unwrap().unwrap();
}
