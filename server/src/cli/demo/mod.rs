//! `callpilot demo`: a whole GR pair on this machine, two real processes, with users and messages that came in by SMTP as VPIM.
//!
//! Who the users are, what they say and what is printed is the package `demo`. Here are the folder, the processes and the calls.

mod child;
mod household;
mod smtp;

use super::admin_client::AdminClient;
use super::{Failure, Output, signal};
use child::Child;
use contract::{GrPair, GrStatus, NewUser, PartnerState, UserRow};
use demo::{Half, Report};
use household::Household;
use hyper::Method;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long the pair may take to find each other or to copy everything; it takes a second or two.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Options of `demo`.
#[derive(clap::Args)]
pub struct Args {
    /// Keep everything in this folder. A folder of an earlier demo is used again, with its users and messages. Without it a
    /// temporary folder is used, and removed at the end.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Listen on N (HTTP north), N+1 (SMTP north), N+2 (HTTP south) and N+3 (SMTP south); with --tls also on N+4 and N+5 (SMTP that begins
    /// with TLS). Without it the system chooses.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=65530))]
    base_port: Option<u16>,
    /// Run the pair on TLS: HTTPS, SMTP with STARTTLS and by TLS, and a link on which each verifies the other by name. An authority is
    /// made for the demo, which browsers and other clients may be told to trust.
    #[arg(long)]
    tls: bool,
    /// The folder of the built My CallPilot.
    #[arg(long, value_name = "DIR", env = "CALLPILOT_WEB_ROOT")]
    web_root: Option<PathBuf>,
    /// Stop when standard input is closed.
    #[arg(long)]
    stop_with_stdin: bool,
}

/// Runs the pair until it is told to stop.
pub async fn run(args: Args, out: Output) -> Result<(), Failure> {
    let stop = CancellationToken::new();
    signal::stop_on_signal(stop.clone())?;
    if args.stop_with_stdin {
        signal::stop_with_stdin(stop.clone());
    }
    let pages = pages(args.web_root.as_deref())?;
    let household = Household::open(args.dir, args.base_port, args.web_root, args.tls)?;
    let mut children = Vec::new();
    let shown = tokio::select! {
        shown = raise(&household, &mut children) => shown,
        () = stop.cancelled() => Err(Failure::new("Stopped before the pair was up.")),
    };
    let done = match shown {
        Ok(()) => {
            let pids: Vec<u32> = children.iter().map(Child::pid).collect();
            let report = Report {
                halves: household.halves(),
                pids: &pids,
                admin_password: household.admin_password(),
                program: &child::program(),
                dir: household.dir(),
                is_temporary: household.is_temporary(),
                pages,
            };
            let said = out.say(&report.json(), || report.human());
            child::watch(&mut children, &stop).await;
            said
        }
        Err(failure) => Err(failure),
    };
    child::stop(children).await;
    for half in household.halves() {
        child::stop_restarted(half).await;
    }
    household.close();
    done
}

/// Whether there are pages to serve. A folder without them was named by mistake.
fn pages(web_root: Option<&Path>) -> Result<bool, Failure> {
    match web_root {
        None => Ok(false),
        Some(root) if root.join("index.html").is_file() => Ok(true),
        Some(root) => Err(Failure::new(format!(
            "{} has no index.html: --web-root names the folder of the built My CallPilot. `cargo xtask demo` builds it and names it.",
            root.display()
        ))),
    }
}

/// From nothing to a pair with users and messages.
async fn raise(household: &Household, children: &mut Vec<Child>) -> Result<(), Failure> {
    // Speech takes the longest when it is not in the cache: it is made while the servers start.
    let spoken = household
        .is_new()
        .then(|| tokio::task::spawn_blocking(|| demo::posts(sent_now(), crate::clock::random)));
    for half in household.halves() {
        children.push(Child::start(half)?);
    }
    let mut clients = Vec::new();
    for (child, half) in children.iter_mut().zip(household.halves()) {
        child.wait_until_up().await?;
        clients.push(AdminClient::in_folder(&half.data_dir()));
    }
    if let Some(spoken) = spoken {
        pair(household, &clients).await?;
        settle(&clients).await?;
        let [north, south] = household.halves();
        tokio::try_join!(people(north, &clients[0]), people(south, &clients[1]))?;
        let posts = spoken.await.map_err(|e| Failure::new(e.to_string()))?;
        let posts = posts.map_err(|e| Failure::new(e.to_string()))?;
        tokio::try_join!(smtp::deliver(north, &posts), smtp::deliver(south, &posts))?;
        household.keep()?;
    }
    if household.has_moved() {
        pair(household, &clients).await?;
        household.keep()?;
    }
    settle(&clients).await
}

/// Both sides need a second of one processor for the key: side by side.
async fn pair(household: &Household, clients: &[AdminClient]) -> Result<(), Failure> {
    let [north, south] = household.halves();
    let password = household.gr_password();
    let with = |partner: &Half| GrPair {
        fqdn: partner.fqdn.to_owned(),
        smtp: partner.smtp.to_string(),
        http: partner.url(),
        password: password.to_owned(),
        tls: Some(if partner.is_on_tls() { "name" } else { "off" }.to_owned()),
        at_once: false,
    };
    let (to_south, to_north) = (with(south), with(north));
    let enter =
        |i: usize, pair| clients[i].send_json::<GrStatus>(Method::PUT, "/api/v1/admin/gr", pair);
    tokio::try_join!(enter(0, &to_south), enter(1, &to_north)).map(drop)
}

/// Waits until the two run and neither has anything left for the other.
async fn settle(clients: &[AdminClient]) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut last = None;
        for client in clients {
            let status: GrStatus = client.get("/api/v1/admin/gr").await?;
            let open = status.users.count + status.messages.count + status.one_server_only;
            if status.state != PartnerState::Running || open > 0 {
                last = Some(status);
            }
        }
        let Some(last) = last else { return Ok(()) };
        if Instant::now() > deadline {
            return Err(Failure::new(format!(
                "The pair did not settle. {} says: {}",
                last.server, last.reason
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn people(half: &Half, client: &AdminClient) -> Result<(), Failure> {
    for person in demo::people(half.fqdn) {
        let new = NewUser {
            id: None,
            mailbox: person.mailbox.to_owned(),
            name: person.name.to_owned(),
            password: person.password(),
            class: None,
            must_change: false,
        };
        let _: UserRow = client
            .send_json(Method::POST, "/api/v1/admin/users", &new)
            .await?;
    }
    Ok(())
}

/// The date of the messages.
fn sent_now() -> vpim::Date {
    let now = crate::clock::Clock::start().wall();
    vpim::Date {
        unix_s: now.0 / 1000,
        zone_min: 0,
    }
}
