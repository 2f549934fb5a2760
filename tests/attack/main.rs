//! `cargo xtask attack`: strangers do to a GR pair what strangers can do, while an honest client goes on working.
//!
//! Two real servers on loopback, each with 2 GiB of memory and no more. Before each attack it is noted what they take at rest; while it goes on,
//! a client from another address reads its list, opens and hears messages and leaves new ones. What is shown for each attack: the most
//! memory above rest, and the slowest answer to the honest client. Both have a bound, and an answer other than the right one is a fault.

mod connections;
mod honest;
mod mails;
mod memory;
mod sounds;

use clap::Parser;
use honest::{Honest, Waited};
use memory::Memory;
use serde_json::json;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use support::{Http, Pair, Server, Smtp, connect_from, until};

/// What a server may take above rest.
const MEMORY_MAX: u64 = 250 << 20;
/// How long an honest client waits for an answer, at most.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// What a server may have at all: whoever takes more is ended by the system.
const MEMORY_LIMIT: u64 = 2 << 30;

/// Attacks a GR pair.
#[derive(Parser)]
#[command(name = "callpilot-attack", disable_version_flag = true)]
struct Arguments {
    /// Only the attacks whose name contains this
    #[arg(long)]
    only: Option<String>,
    /// Print the outcome as one line of JSON
    #[arg(long)]
    json: bool,
}

/// One thing that strangers do.
struct Attack {
    name: &'static str,
    what: &'static str,
    run: fn(&Target<'_>),
}

const ATTACKS: [Attack; 16] = [
    Attack {
        name: "report-groups",
        what: "mails of 10 MB that are delivery reports of millions of empty groups",
        run: mails::report_groups,
    },
    Attack {
        name: "long-identifiers",
        what: "reports on a message with an identifier of 400 kB, opened again and again",
        run: mails::long_identifiers,
    },
    Attack {
        name: "nested-encodings",
        what: "messages in base64 within messages in base64, of 15 MB each",
        run: mails::nested,
    },
    Attack {
        name: "long-rows",
        what: "a thousand mails with subjects and names of 100 kB, listed again and again",
        run: mails::long_rows,
    },
    Attack {
        name: "one-mailbox",
        what: "mails that name one mailbox hundreds of times",
        run: mails::one_mailbox,
    },
    Attack {
        name: "engine-mail",
        what: "mails of 40 MB to the replication engine from forty addresses, whole and half",
        run: mails::engine_mail,
    },
    Attack {
        name: "half-mails",
        what: "mails of 18 MB from forty addresses that never come to an end",
        run: mails::half_mails,
    },
    Attack {
        name: "silence",
        what: "thousands of connections that say nothing or half of something",
        run: connections::silence,
    },
    Attack {
        name: "half-bodies",
        what: "hundreds of requests whose bodies never come to an end",
        run: connections::half_bodies,
    },
    Attack {
        name: "long-heads",
        what: "nineteen hundred requests whose heads never come to an end",
        run: connections::long_heads,
    },
    Attack {
        name: "packed-heads",
        what: "thirty thousand HTTP/2 requests without an end, with heads of which a few octets are kilobytes",
        run: connections::packed_heads,
    },
    Attack {
        name: "unasked-answers",
        what: "answers to pings that nobody has sent, a million of them",
        run: connections::unasked_answers,
    },
    Attack {
        name: "ordinary-mails",
        what: "mails of 60 to 900 kB over ninety connections",
        run: mails::ordinary,
    },
    Attack {
        name: "one-listener",
        what: "one user who asks for hours of sound on eight hundred connections",
        run: sounds::one_listener,
    },
    Attack {
        name: "long-sounds",
        what: "the end of an hour of sound, twenty at once",
        run: sounds::ends_of_an_hour,
    },
    Attack {
        name: "unread-answers",
        what: "two hundred answers of hours of sound that nobody reads",
        run: sounds::unread,
    },
];

/// Who is attacked, and with what users.
struct Target<'a> {
    server: &'a Server,
    /// A mailbox that only attacks fill, and its user.
    victim: Http,
}

impl Target<'_> {
    /// A mail connection from an address of this machine, after EHLO.
    fn smtp(&self, source: [u8; 4]) -> Smtp {
        let mut smtp = Smtp::over(connect_from(source, self.server.smtp, ""));
        let _ = smtp.reply();
        let _ = smtp.ask("EHLO stranger.example\r\n");
        smtp
    }

    /// The address of the mailbox that attacks fill.
    fn mailbox(&self) -> String {
        format!("{VICTIM}@{}", self.server.fqdn)
    }

    /// Leaves a mail there. The reply's code; 0 if the connection was ended.
    fn leave(&self, source: [u8; 4], content: &[u8]) -> u16 {
        let mailbox = self.mailbox();
        let mut smtp = self.smtp(source);
        smtp.mail("stranger@client.example", &[&mailbox], content)
            .code
    }
}

const HONEST: &str = "7200";
const VICTIM: &str = "7201";

struct Outcome {
    name: &'static str,
    what: &'static str,
    /// Above rest: of the server that is attacked, and of its partner.
    memory: [u64; 2],
    waited: Waited,
    took: Duration,
}

impl Outcome {
    fn is_right(&self) -> bool {
        let small = self.memory.iter().all(|bytes| *bytes <= MEMORY_MAX);
        small && self.waited.longest <= WAIT_MAX && self.waited.faults.is_empty()
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir().expect("a folder");
    let pair = Pair::start_unhurried(folder.path(), "mailbox.size_max = 8589934592");
    for (number, name) in [(HONEST, "Tilde Brask"), (VICTIM, "Odo Renn")] {
        pair.a.add_user(number, name);
    }
    let servers = [&pair.a, &pair.b];
    for server in servers {
        memory::limit(server.pid(), MEMORY_LIMIT);
    }
    let mut honest = Honest::at(&pair.a, HONEST);
    let victim = pair.a.log_in(VICTIM).expect("a log-in");
    let target = Target {
        server: &pair.a,
        victim,
    };
    // Once through everything, so that what is made at the first use is there.
    honest.warm_up();
    let chosen = ATTACKS.iter().filter(|attack| {
        let only = arguments.only.as_deref();
        only.is_none_or(|only| attack.name.contains(only))
    });
    let mut outcomes = Vec::new();
    for attack in chosen {
        if !arguments.json {
            eprintln!("{}: {}", attack.name, attack.what);
        }
        outcomes.push(carry_out(attack, &target, servers, &mut honest));
        settle(&pair, &target);
    }
    show(&outcomes, arguments.json);
    match outcomes.iter().all(Outcome::is_right) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn carry_out(
    attack: &Attack,
    target: &Target<'_>,
    servers: [&Server; 2],
    honest: &mut Honest,
) -> Outcome {
    let rest = servers.map(|server| Memory::at_rest(server.pid()));
    let start = Instant::now();
    let waited = honest.while_others(|| (attack.run)(target));
    Outcome {
        name: attack.name,
        what: attack.what,
        memory: rest.map(|memory| memory.above_rest()),
        waited,
        took: start.elapsed(),
    }
}

/// What attacks have left goes, and the pair has nothing on its way, so that the next one begins at rest.
fn settle(pair: &Pair, target: &Target<'_>) {
    until("an empty mailbox", || {
        let list = target
            .victim
            .ask("GET", "/api/v1/messages?limit=200", None)?;
        let list = list.json();
        let rows = list["messages"].as_array()?.clone();
        for id in rows.iter().filter_map(|row| row["id"].as_str()) {
            let path = format!("/api/v1/messages/{id}");
            let _ = target.victim.ask("DELETE", &path, None);
        }
        rows.is_empty().then_some(())
    });
    let _ = target
        .victim
        .ask("POST", "/api/v1/messages/empty-deleted", None);
    pair.running();
}

fn show(outcomes: &[Outcome], as_json: bool) {
    let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
    if as_json {
        let rows = outcomes.iter().map(|outcome| {
            json!({
                "name": outcome.name,
                "memory_above_rest_bytes": outcome.memory,
                "slowest_answer_ms": outcome.waited.longest.as_millis() as u64,
                "slowest": outcome.waited.what,
                "answers": outcome.waited.answers,
                "faults": outcome.waited.faults,
                "is_right": outcome.is_right(),
            })
        });
        println!("{}", json!({ "attacks": rows.collect::<Vec<_>>() }));
        return;
    }
    println!("| attack | memory above rest | on its partner | slowest of honest answers | took |");
    println!("|---|---:|---:|---:|---:|");
    for outcome in outcomes {
        let Waited {
            longest,
            what,
            answers,
            ..
        } = &outcome.waited;
        println!(
            "| {}: {} | {} MiB | {} MiB | {} ms ({what}; of {answers}) | {:.0} s |",
            outcome.name,
            outcome.what,
            mebibytes(outcome.memory[0]),
            mebibytes(outcome.memory[1]),
            longest.as_millis(),
            outcome.took.as_secs_f64(),
        );
    }
    for outcome in outcomes.iter().filter(|outcome| !outcome.is_right()) {
        let faults = outcome.waited.faults.join("; ");
        println!("{} is beyond what is promised. {faults}", outcome.name);
    }
}
