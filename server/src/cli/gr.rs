//! `callpilot gr …`.

use super::admin_client::AdminClient;
use super::secret::NewGrPasswordFrom;
use super::table::local_time;
use super::{Failure, Output, Server, agreed, partner_address, task};
use crate::config::Config;
use crate::counted::counted;
use contract::{
    Damage, GrPair, GrStatus, GrTls, LaneBacklog, NewGrPassword, PartnerState, clocks_differ,
};
use hyper::Method;

pub(super) const GR: &str = "/api/v1/admin/gr";

/// What to do with the pair.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Make this server half of a pair. Do the same on the partner, with the same GR password.
    Pair {
        /// The partner's fully qualified domain name.
        fqdn: String,
        /// Where the partner's SMTP service is reached.
        #[arg(long, value_name = "HOST:PORT")]
        smtp: String,
        /// Base URL of the partner's HTTP service, such as https://cp-south.example.net.
        #[arg(long, value_name = "URL")]
        http: String,
        /// How the partner proves by TLS who it is: `off`; `name`, by a certificate for its name that an authority vouches for; or the
        /// fingerprint of its certificate, which `callpilot gr status` shows there. Without it: as before.
        #[arg(long, value_name = "off|name|SHA256:…")]
        tls: Option<String>,
        #[command(flatten)]
        password: NewGrPasswordFrom,
        #[command(flatten)]
        server: Server,
    },
    /// Change the GR password. Do the same on the partner, in any order; nothing pauses meanwhile.
    Password {
        #[command(flatten)]
        password: NewGrPasswordFrom,
        #[command(flatten)]
        server: Server,
    },
    /// Show the partner's state and what waits for it.
    #[command(
        after_help = "Exit codes: 0 the status is shown, whatever it is; 1 the server cannot be asked; 2 wrong usage.\nFor scripts: \
                            `callpilot doctor` exits with 1 where something is wrong, a partner that is not running among it; with --json the state is in `state`."
    )]
    Status {
        #[command(flatten)]
        server: Server,
    },
    /// Turn GR off on this server. Nothing that its own users have is lost, but there is one copy of it from then on.
    Unpair {
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        server: Server,
    },
    #[command(flatten)]
    Task(task::Command),
}

/// Does it.
pub async fn run(command: Command, out: Output) -> Result<(), Failure> {
    match command {
        Command::Task(command) => task::run(command, out).await,
        Command::Pair {
            fqdn,
            smtp,
            http,
            tls,
            password,
            server,
        } => {
            let client = AdminClient::of(&server)?;
            let (text, made) = password.read()?;
            let pair = GrPair {
                fqdn,
                smtp,
                http,
                password: text,
                tls,
                at_once: password.at_once,
            };
            let status: GrStatus = client.send_json(Method::PUT, GR, &pair).await?;
            let said = format!("{} is the GR partner now.", pair.fqdn);
            entered(out, &status, &said, made.then_some(pair.password))
        }
        Command::Password { password, server } => {
            let client = AdminClient::of(&server)?;
            let (text, made) = password.read()?;
            let new = NewGrPassword {
                password: text,
                at_once: password.at_once,
            };
            let path = format!("{GR}/password");
            let status: GrStatus = client.send_json(Method::PUT, &path, &new).await?;
            let said = match status.password_changing {
                true => {
                    "This server has the new GR password; the one of before holds until the partner has it, too."
                }
                false => "This server has the GR password.",
            };
            entered(out, &status, said, made.then_some(new.password))
        }
        Command::Status { server } => {
            let client = AdminClient::of(&server)?;
            let status: GrStatus = client.get(GR).await?;
            let config = Config::load(&server.config)?;
            let found = partner_address::look(&client, &config, &status).await;
            let fault = found.and_then(Result::err);
            let mut value =
                serde_json::to_value(&status).map_err(|e| Failure::new(e.to_string()))?;
            if let Some(fault) = &fault {
                value["address_fault"] = fault.clone().into();
            }
            out.say(&value, || match &fault {
                Some(fault) => format!("{}\nAddresses     ✗ {fault}", show(&status)),
                None => show(&status),
            })
        }
        Command::Unpair { yes, server } => unpair(&AdminClient::of(&server)?, yes, out).await,
    }
}

async fn unpair(client: &AdminClient, yes: bool, out: Output) -> Result<(), Failure> {
    let status: GrStatus = client.get(GR).await?;
    let Some(partner) = status.partner.as_deref() else {
        return Err(Failure::new("There is no GR partner."));
    };
    if !yes {
        let question = format!(
            "{} Turn GR off on this server?",
            of_unpairing(
                partner,
                status.users.count,
                status.messages.count,
                status.one_server_only
            )
        );
        if !agreed(&question)? {
            return Err(Failure::new("Nothing was changed."));
        }
    }
    client.send(Method::DELETE, GR, None).await?;
    out.say(&serde_json::json!({}), || {
        "GR is off on this server. Turn it off on the partner, too.".into()
    })
}

/// What turning GR off means now, in numbers.
fn of_unpairing(partner: &str, users: u64, messages: u64, only_here: u64) -> String {
    let waits = match (users, messages) {
        (0, 0) => format!("{partner} has everything that it is to have."),
        (users, messages) => format!(
            "{} of users and {} have not gone to {partner}; it does not get them any more.",
            counted(users, "change", "changes"),
            counted(messages, "change of messages", "changes of messages")
        ),
    };
    let only_here = match only_here {
        0 => String::new(),
        count => {
            let are = counted(count, "message is", "messages are");
            format!(" {are} on no other server.")
        }
    };
    format!("{waits}{only_here} From then on each server answers for its own users alone.")
}

/// Tells that a GR password was entered, and which, if it was made here.
fn entered(
    out: Output,
    status: &GrStatus,
    said: &str,
    made: Option<String>,
) -> Result<(), Failure> {
    let mut value = serde_json::to_value(status).map_err(|e| Failure::new(e.to_string()))?;
    if let Some(made) = &made {
        value["made_password"] = made.clone().into();
    }
    out.say(&value, || {
        let made = made.map_or(String::new(), |made| {
            format!("\nThe GR password is {made}\nIt is shown only now: enter it on the partner, and keep it where only you find it.\n")
        });
        let shown = show(status);
        format!("{said} Do the same there, if it is not done yet.\n{made}\n{shown}")
    })
}

fn show(status: &GrStatus) -> String {
    let sign = match status.state {
        PartnerState::NotConfigured => "off",
        PartnerState::Running if status.slow => "✓ running, slow",
        PartnerState::Running => "✓ running",
        PartnerState::Unknown => "? unknown",
        PartnerState::Down => "✗ down",
        PartnerState::CourtesyDown => "✗ courtesy down",
    };
    let mut lines = vec![
        format!("This server   {}", status.server),
        format!(
            "GR partner    {}",
            status.partner.as_deref().unwrap_or("none")
        ),
        format!("State         {sign}"),
        format!("              {}", status.reason),
    ];
    if let Some(fault) = &status.link_fault {
        lines.push(format!("Link          ✗ {fault}"));
    }
    lines.extend(password(status));
    lines.extend(tls(&status.tls));
    if status.partner.is_some() {
        lines.extend(replication(status));
    }
    if let Some(disk) = status.disk.filter(|disk| disk.low) {
        let mib = disk.free_bytes >> 20;
        let also = match disk.low_for_partner {
            true => ", and the partner's, too",
            false => "",
        };
        lines.push(format!(
            "Disk          ✗ {mib} MiB are free: new messages are put off{also}"
        ));
    }
    for fault in &status.upkeep {
        lines.push(format!(
            "Upkeep        ✗ {} fails, and is tried again: {}",
            fault.what, fault.why
        ));
    }
    lines.extend(damage(&status.damage));
    lines.join("\n")
}

/// The change of the GR password, and passwords that differ.
fn password(status: &GrStatus) -> Vec<String> {
    let mut lines = Vec::new();
    if status.password_changing {
        lines.push(format!("GR password   {PASSWORD_CHANGING}"));
    }
    if let Some(from) = &status.other_key_from {
        let differ = passwords_differ(from, status.password_changing);
        lines.push(format!("GR password   ✗ {differ}"));
    }
    lines
}

/// What waits, what is held, and what was measured.
fn replication(status: &GrStatus) -> Vec<String> {
    let backlog = status.partner_backlog;
    let backlog = backlog.map_or("not known yet".into(), |n| n.to_string());
    let trip = status.round_trip_ms;
    let trip = trip.map_or("not measured yet".into(), |ms| format!("{ms} ms"));
    let only_here = counted(status.one_server_only, "message", "messages");
    let mut lines = vec![
        format!("Users to go   {}", lane(&status.users)),
        format!("Mail to go    {}", lane(&status.messages)),
        format!("Only here     {only_here}"),
        format!("To come       {backlog}"),
        format!("Round trip    {trip}"),
    ];
    if let Some(rate) = status.bytes_per_s {
        lines.push(format!("Link carries  {} kB in a second", rate / 1_000));
    }
    lines.extend(times(status));
    if status.held_count > 0 {
        lines.push(format!(
            "Held          {}; `callpilot gr held` says which, and why",
            counted(status.held_count, "mailbox", "mailboxes")
        ));
    }
    if let Some(task) = &status.task {
        lines.push(format!("Task          {}", task::words::progress(task)));
    }
    lines
}

/// How the two clocks stand, and what one of them has dated wrong.
fn times(status: &GrStatus) -> Vec<String> {
    let clock = |ms: i64| {
        let sign = if clocks_differ(ms) { "✗ " } else { "" };
        format!("Clocks        {sign}{}", clocks(ms))
    };
    let dates = |ms: i64| format!("Dates         ✗ {}", dated_ahead(ms));
    let clocks = status.clock_difference_ms.map(clock);
    clocks
        .into_iter()
        .chain(status.dated_ahead_ms.map(dates))
        .collect()
}

/// The certificate of this server, which the other side compares or pins, and how the partner proves who it is.
fn tls(tls: &GrTls) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(certificate) = &tls.certificate {
        lines.push(format!("Certificate   {certificate}"));
    }
    if let Some(partner) = &tls.partner {
        let sign = match (&tls.fault, tls.secured) {
            (Some(_), _) => "✗",
            (None, true) => "✓",
            (None, false) => "?",
        };
        let trusted = trusted_by(partner);
        lines.push(format!("Link by TLS   {sign} trusts the partner {trusted}"));
    }
    if let Some(fault) = &tls.fault {
        lines.push(format!(
            "              The partner does not prove who it is: {fault}"
        ));
    }
    lines
}

/// By what the partner proves who it is.
pub(super) fn trusted_by(partner: &str) -> String {
    match partner {
        "name" => "by its name".into(),
        fingerprint => format!("by its fingerprint {fingerprint}"),
    }
}

/// That there is a new password here.
pub(super) const PASSWORD_CHANGING: &str = "changing: enter the new one on the partner, too. The one of before holds until each has heard of the other by the new \
     one, some seconds after that";

/// What mail that was sealed by another key means while the partner is not heard, or while the password is being changed here.
pub(super) fn passwords_differ(from: &str, changing: bool) -> String {
    match changing {
        false => format!(
            "mail from {from} is sealed by another one: if that is the partner, enter the same GR password on both (`callpilot gr password`)"
        ),
        true => format!(
            "mail from {from} is sealed by neither the one of before nor the new one: if that is the partner, another new one was entered there. \
             Enter the same on both (`callpilot gr password`)"
        ),
    }
}

/// Changes that were made while a clock was wrong.
pub(super) fn dated_ahead(ms: i64) -> String {
    let by = span(ms.unsigned_abs());
    format!(
        "the partner sent changes that are dated {by} ahead of both clocks: one was wrong when they were made. They are taken, and later \
         ones replace them"
    )
}

/// A time in words, to the nearest: what a report takes on its way makes ten days a little less.
fn span(ms: u64) -> String {
    let in_units_of = |unit_ms: u64| ms.saturating_add(unit_ms / 2) / unit_ms;
    match ms {
        0..10_000 => format!("{ms} ms"),
        10_000..7_200_000 => format!("{} s", in_units_of(1_000)),
        7_200_000..172_800_000 => format!("{} hours", in_units_of(3_600_000)),
        _ => counted(in_units_of(86_400_000), "day", "days"),
    }
}

/// How the partner's clock stands to this server's.
pub(super) fn clocks(difference_ms: i64) -> String {
    let by = span(difference_ms.unsigned_abs());
    match difference_ms {
        0.. => format!("the partner's is {by} ahead"),
        _ => format!("the partner's is {by} behind"),
    }
}

/// What disks have damaged, if they have.
fn damage(damage: &Damage) -> Vec<String> {
    let mut lines = Vec::new();
    if damage.bodies_missing > 0 {
        lines.push(format!(
            "Damaged       {} missing here; without a copy left: {}",
            counted(damage.bodies_missing, "content is", "contents are"),
            damage.bodies_no_copy
        ));
    }
    if damage.rows_unreadable > 0 {
        lines.push(format!(
            "Unreadable    {} of the database; unknown to the partner: {}",
            counted(damage.rows_unreadable, "row", "rows"),
            damage.rows_lost
        ));
    }
    if damage.only_here > 0 {
        lines.push(format!(
            "One good copy {}, for the partner's disk has damaged its own",
            counted(damage.only_here, "content or row", "contents and rows")
        ));
    }
    lines
}

fn lane(lane: &LaneBacklog) -> String {
    match lane.oldest {
        Some(oldest) => format!("{}, the oldest since {}", lane.count, local_time(oldest)),
        None => lane.count.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_gr_off_is_told_in_numbers() {
        assert_eq!(
            of_unpairing("cp-south.example.net", 0, 0, 0),
            "cp-south.example.net has everything that it is to have. From then on each server answers for its own users alone."
        );
        assert_eq!(
            of_unpairing("cp-south.example.net", 1, 12, 3),
            "1 change of users and 12 changes of messages have not gone to cp-south.example.net; it does not get them any more. \
             3 messages are on no other server. From then on each server answers for its own users alone."
        );
    }
}
