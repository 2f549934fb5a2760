//! Somebody who only wants to work: reads a list, opens and hears a message, leaves another one, and notes how long each took.

use contract::MessageRow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::{Http, Server, Smtp, voice};

/// Between two rounds.
const PAUSE: Duration = Duration::from_millis(20);
/// Faults that are told of.
const FAULTS_MAX: usize = 5;

/// How long answers took.
#[derive(Clone, Debug, Default)]
pub struct Waited {
    /// The longest.
    pub longest: Duration,
    /// For what.
    pub what: &'static str,
    /// How many there were.
    pub answers: u64,
    /// Answers that were not the right ones.
    pub faults: Vec<String>,
}

impl Waited {
    /// Notes how long something took, and whether it was answered as it should.
    fn note(&mut self, what: &'static str, ask: impl FnOnce() -> Result<(), String>) {
        let start = Instant::now();
        let answer = ask();
        let took = start.elapsed();
        self.answers += 1;
        if took > self.longest {
            (self.longest, self.what) = (took, what);
        }
        if let Err(fault) = answer
            && self.faults.len() < FAULTS_MAX
        {
            let ms = took.as_millis();
            self.faults.push(format!("{what}: {fault} after {ms} ms"));
        }
    }
}

/// The honest client of a server.
pub struct Honest<'a> {
    server: &'a Server,
    user: Http,
    mailbox: String,
    message: MessageRow,
    seed: u64,
}

impl<'a> Honest<'a> {
    /// The user with this mailbox, who has one message.
    pub fn at(server: &'a Server, mailbox: &str) -> Self {
        let user = server.log_in(mailbox).expect("a log-in");
        let mailbox = format!("{mailbox}@{}", server.fqdn);
        let left = leave(server, &mailbox, 1);
        assert_eq!(left, Ok(()));
        let message = support::until("the message", || {
            server.inbox(&user).messages.into_iter().next()
        });
        Self {
            server,
            user,
            mailbox,
            message,
            seed: 1,
        }
    }

    /// Some rounds that do not count.
    pub fn warm_up(&mut self) {
        let mut waited = Waited::default();
        for _ in 0..20 {
            self.round(&mut waited);
        }
        assert!(waited.faults.is_empty(), "{:?}", waited.faults);
    }

    /// Works for as long as others do something.
    pub fn while_others(&mut self, others: impl FnOnce() + Send) -> Waited {
        let is_over = AtomicBool::new(false);
        let mut waited = Waited::default();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                others();
                is_over.store(true, Ordering::Release);
            });
            while !is_over.load(Ordering::Acquire) {
                self.round(&mut waited);
                std::thread::park_timeout(PAUSE);
            }
        });
        waited
    }

    fn round(&mut self, waited: &mut Waited) {
        let path = format!("/api/v1/messages/{}", self.message.id);
        for (what, path) in [
            ("the list", "/api/v1/messages?limit=50".to_owned()),
            ("a message", path.clone()),
            ("its sound", path + "/audio"),
        ] {
            waited.note(what, || match self.user.ask("GET", &path, None) {
                Some(answer) if answer.status == 200 => Ok(()),
                Some(answer) => Err(format!("answered {}", answer.status)),
                None => Err("no answer".to_owned()),
            });
        }
        self.seed += 1;
        waited.note("leaving a message", || {
            leave(self.server, &self.mailbox, self.seed)
        });
    }
}

fn leave(server: &Server, mailbox: &str, seed: u64) -> Result<(), String> {
    let from = "4711@client.example";
    let mail = voice::message(from, mailbox, seed, voice::SECOND);
    let mut smtp = Smtp::try_hello(server.smtp).ok_or("no greeting")?;
    let reply = smtp.mail(from, &[mailbox], &mail);
    match reply.code {
        250 => Ok(()),
        code => Err(format!("{code} {}", reply.text)),
    }
}
