//! Another mail system, which does what it is told, and notes what it hears.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is done when a mail has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This is said: `250 2.0.0 taken`.
    Say(&'static str),
    /// The connection is closed without a word.
    Close,
}

/// A mail that has come, whatever was then said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The reverse path.
    pub from: String,
    /// Recipients that were not refused.
    pub to: Vec<String>,
    /// The mail as it was sent.
    pub content: String,
    /// What was done.
    pub verdict: Verdict,
}

impl Received {
    /// The value of a field of the header.
    ///
    /// # Panics
    /// If there is none.
    pub fn field(&self, name: &str) -> &str {
        let found = self.content.lines().find_map(|line| {
            let (field, value) = line.split_once(": ")?;
            field.eq_ignore_ascii_case(name).then_some(value)
        });
        found.unwrap_or_else(|| panic!("no {name}: {}", self.content))
    }

    /// It was taken.
    pub fn is_taken(&self) -> bool {
        matches!(self.verdict, Verdict::Say(said) if said.starts_with('2'))
    }
}

#[derive(Debug)]
struct Behaviour {
    /// What is done with the next mails.
    next: VecDeque<Verdict>,
    /// And with those after them.
    then: Verdict,
    /// What is said to RCPT for addresses that begin so.
    refused: Vec<(String, &'static str)>,
    refuses_data: bool,
    extensions: &'static [&'static str],
    heard: Vec<Received>,
    connections: usize,
}

/// A listener on loopback that lives until the end of the process.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl Receiver {
    /// Takes everything, and offers these extensions.
    ///
    /// # Panics
    /// If nobody can listen on loopback.
    pub fn start(extensions: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let receiver = Self {
            address: listener.local_addr().expect("an address"),
            behaviour: Arc::new(Mutex::new(Behaviour {
                next: VecDeque::new(),
                then: Verdict::Say("250 2.0.0 taken"),
                refused: Vec::new(),
                refuses_data: false,
                extensions,
                heard: Vec::new(),
                connections: 0,
            })),
        };
        let served = receiver.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let one = served.clone();
                // A client that goes away is no fault.
                std::thread::spawn(move || one.serve(stream));
            }
        });
        receiver
    }

    /// What is done with the next mails.
    pub fn next(&self, verdicts: impl IntoIterator<Item = Verdict>) -> &Self {
        self.lock().next.extend(verdicts);
        self
    }

    /// What is done with all further mails.
    pub fn then(&self, verdict: Verdict) -> &Self {
        self.lock().then = verdict;
        self
    }

    /// Says this to RCPT for addresses that begin so.
    pub fn refuse(&self, prefix: &str, said: &'static str) -> &Self {
        self.lock().refused.push((prefix.to_owned(), said));
        self
    }

    /// From now on the content of no mail is wanted, or of all again.
    pub fn refuse_data(&self, refuses: bool) -> &Self {
        self.lock().refuses_data = refuses;
        self
    }

    /// The mails that have come.
    pub fn heard(&self) -> Vec<Received> {
        self.lock().heard.clone()
    }

    /// Those that were taken.
    pub fn taken(&self) -> Vec<Received> {
        let heard = self.heard().into_iter();
        heard.filter(Received::is_taken).collect()
    }

    /// Connections that were made.
    pub fn connections(&self) -> usize {
        self.lock().connections
    }

    fn lock(&self) -> MutexGuard<'_, Behaviour> {
        self.behaviour
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream) -> Option<()> {
        self.lock().connections += 1;
        let mut say = stream.try_clone().ok()?;
        let mut reader = BufReader::new(stream);
        let mut line = || {
            let mut line = String::new();
            (reader.read_line(&mut line).ok()? > 0).then_some(line)
        };
        let mut say = |reply: &str| say.write_all(format!("{reply}\r\n").as_bytes()).ok();
        let (mut from, mut to) = (String::new(), Vec::new());
        let mut is_open = false;
        let mut reply = "220 b.example ESMTP".to_owned();
        loop {
            say(&reply)?;
            let command = line()?;
            let verb = command.get(..4).unwrap_or_default().to_ascii_uppercase();
            reply = match verb.as_str() {
                "EHLO" => self.offers(),
                "RSET" => {
                    is_open = false;
                    "250 2.0.0 reset".into()
                }
                "MAIL" if is_open => "503 5.5.1 there is one already".into(),
                "MAIL" => {
                    is_open = true;
                    (from, to) = (path(&command), Vec::new());
                    "250 2.1.0 from".into()
                }
                "RCPT" => {
                    let path = path(&command);
                    match self.refusal(&path) {
                        Some(said) => said.into(),
                        None => {
                            to.push(path);
                            "250 2.1.5 to".into()
                        }
                    }
                }
                "DATA" if self.lock().refuses_data => "451 4.3.2 not now".into(),
                "DATA" => {
                    let mut content = String::new();
                    say("354 go on")?;
                    let mut next = line()?;
                    while next != ".\r\n" {
                        content += next.strip_prefix('.').unwrap_or(&next);
                        next = line()?;
                    }
                    is_open = false;
                    match self.judge(&from, &to, content) {
                        Verdict::Say(said) => said.into(),
                        Verdict::Close => return None,
                    }
                }
                // It offers more than it can do.
                "STAR" => {
                    say("220 2.0.0 go on")?;
                    return None;
                }
                "QUIT" => "221 2.0.0 good-bye".into(),
                _ => "250 2.0.0 well".into(),
            };
        }
    }

    /// The reply to EHLO.
    fn offers(&self) -> String {
        let extensions = self.lock().extensions;
        let mut lines = vec!["b.example"];
        lines.extend(extensions);
        let last = lines.len() - 1;
        let line =
            |(n, line): (usize, &&str)| format!("250{}{line}", if n == last { ' ' } else { '-' });
        let lines: Vec<_> = lines.iter().enumerate().map(line).collect();
        lines.join("\r\n")
    }

    /// What is said to RCPT for this address, if it is refused.
    fn refusal(&self, path: &str) -> Option<&'static str> {
        let behaviour = self.lock();
        let mut refused = behaviour.refused.iter();
        let found = refused.find(|(prefix, _)| path.starts_with(prefix));
        found.map(|(_, said)| *said)
    }

    fn judge(&self, from: &str, to: &[String], content: String) -> Verdict {
        let mut behaviour = self.lock();
        let verdict = behaviour.next.pop_front();
        let verdict = verdict.unwrap_or_else(|| behaviour.then.clone());
        behaviour.heard.push(Received {
            from: from.to_owned(),
            to: to.to_vec(),
            content,
            verdict: verdict.clone(),
        });
        verdict
    }
}

fn path(command: &str) -> String {
    let path = command
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    path.map_or(String::new(), |(path, _)| path.to_owned())
}
