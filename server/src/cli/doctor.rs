//! `callpilot doctor`: what an administrator would look at first, in that order.

use super::admin::ADMINISTRATORS;
use super::admin_client::AdminClient;
use super::{Failure, Output, Server, partner_address};
use crate::config::{BaseUrl, Config};
use crate::counted::counted;
use crate::listen::Handles;
use crate::listen::tls::{Certificates, Source};
use crate::operations::peers_file::PeersFile;
use crate::run_info::RunInfo;
use contract::{
    AdministratorRow, Damage, DiskStatus, GrStatus, PartnerState, UpkeepStatus, clocks_differ,
};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Which server to look at.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: Server,
}

#[derive(Serialize)]
struct Finding {
    what: &'static str,
    good: bool,
    said: String,
}

/// Looks, and fails if something is wrong.
pub async fn run(args: Args, out: Output) -> Result<(), Failure> {
    let findings = look(&args.server).await;
    let human = || {
        let line = |f: &Finding| {
            format!(
                "{} {:14} {}",
                if f.good { "✓" } else { "✗" },
                f.what,
                f.said
            )
        };
        findings.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    out.say(&findings, human)?;
    if findings.iter().all(|f| f.good) {
        Ok(())
    } else {
        Err(Failure::Told)
    }
}

async fn look(server: &Server) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    let config = match Config::load(&server.config) {
        Ok(config) => config,
        Err(fault) => {
            findings.note("configuration", Err(fault.to_string()));
            return findings.0;
        }
    };
    let sound = format!("{} is sound", server.config.display());
    findings.note("configuration", Ok(sound));
    look_at_files(&config, &mut findings);
    let client = match AdminClient::of(server) {
        Ok(client) => client,
        Err(failure) => {
            findings.note("process", Err(failure.to_string()));
            return findings.0;
        }
    };
    let pid = client.process().await.map_err(|e| e.to_string());
    let running = pid.clone().map(|pid| process(pid, &config));
    if findings.note("process", running) {
        if let Some(handles) = open_by(pid.ok().flatten()) {
            findings.note("open files", open_files(handles, &config));
        }
        look_at_server(&client, &config, &mut findings).await;
    }
    findings.0
}

/// The limit of open files of the process that answered, and how many are open.
fn open_by(pid: Option<i32>) -> Option<(Handles, u64)> {
    Handles::of_process(u32::try_from(pid?).ok()?).ok()
}

/// The process that listens on the socket. `run.json` may be another's, which was killed.
fn process(pid: Option<i32>, config: &Config) -> String {
    let pid = pid.and_then(|pid| u32::try_from(pid).ok());
    let info = RunInfo::read(&config.data_dir).ok();
    match (pid, info) {
        (Some(pid), Some(info)) if info.pid == pid => format!("process {pid} at {}", info.http),
        (Some(pid), _) => format!("process {pid}"),
        (None, _) => "a server runs".into(),
    }
}

/// What was found so far, in order.
struct Findings(Vec<Finding>);

impl Findings {
    /// Adds what was found, or what is wrong. Returns whether it is good.
    fn note(&mut self, what: &'static str, result: Result<String, String>) -> bool {
        let good = result.is_ok();
        let said = result.unwrap_or_else(|fault| fault);
        self.0.push(Finding { what, good, said });
        good
    }
}

/// What can be seen whether or not the server runs.
fn look_at_files(config: &Config, findings: &mut Findings) {
    findings.note("data folder", folder(&config.data_dir));
    let found = match &config.http.web_root {
        Some(root) => pages(root).map(|good| good + without_its_server(config)),
        None => Ok(NO_PAGES.into()),
    };
    findings.note("My CallPilot", found);
    let tls = &config.tls;
    if let Some(named) = tls.certificate.clone().zip(tls.key.clone())
        && config.needs_certificate()
    {
        findings.note("certificate", certificate(named));
    }
    if let Some(path) = &config.smtp.peers_file {
        findings.note("peers", peers(path));
    }
}

/// What the running server says of itself and of its partner.
async fn look_at_server(client: &AdminClient, config: &Config, findings: &mut Findings) {
    let status = match client.get::<GrStatus>("/api/v1/admin/gr").await {
        Ok(status) => status,
        Err(failure) => {
            findings.note("answers", Err(failure.to_string()));
            return;
        }
    };
    findings.note("answers", Ok("the server answers".into()));
    let good = matches!(
        status.state,
        PartnerState::Running | PartnerState::NotConfigured
    );
    let reason = status.reason.clone();
    findings.note("GR partner", if good { Ok(reason) } else { Err(reason) });
    if let Some(fault) = &status.link_fault {
        findings.note("link", Err(fault.clone()));
    }
    if let Some(from) = &status.other_key_from {
        let differ = super::gr::passwords_differ(from, status.password_changing);
        findings.note("GR password", Err(differ));
    } else if status.password_changing {
        findings.note("GR password", Ok(super::gr::PASSWORD_CHANGING.into()));
    }
    if let Some(partner) = &status.tls.partner {
        findings.note("link by TLS", link(partner, status.tls.fault.as_deref()));
    }
    if let Some(found) = partner_address::look(client, config, &status).await {
        findings.note("addresses", found);
    }
    if status.held_count > 0 {
        let partner = status.partner.as_deref().unwrap_or("the partner");
        findings.note("held mailboxes", Err(held(status.held_count, partner)));
    }
    if let Some(ms) = status.clock_difference_ms {
        findings.note("clocks", clocks(ms));
    }
    if let Some(ms) = status.dated_ahead_ms {
        findings.note("dates", Err(super::gr::dated_ahead(ms)));
    }
    if let Some(room) = &status.disk {
        findings.note("disk", disk(room));
    }
    findings.note("stored data", stored(&status.damage));
    findings.note("house-keeping", upkeep(&status.upkeep));
    match client.get::<Vec<AdministratorRow>>(ADMINISTRATORS).await {
        Ok(all) => findings.note("administrators", administrators(&all)),
        Err(failure) => findings.note("administrators", Err(failure.to_string())),
    };
}

/// Who may administer by the network.
fn administrators(all: &[AdministratorRow]) -> Result<String, String> {
    let unreadable = all.iter().filter(|row| row.second_factor_unreadable);
    let unreadable: Vec<_> = unreadable.map(|row| row.name.as_str()).collect();
    if !unreadable.is_empty() {
        return Err(format!(
            "the second factor of {} cannot be read: secrets.key is another than it was sealed with. Put the old file back, sign in on the GR \
             partner, or take it away by `callpilot admin set NAME --no-second-factor`",
            unreadable.join(", ")
        ));
    }
    let without = all.iter().filter(|row| !row.second_factor).count();
    Ok(match all.len() {
        0 => "there is no account yet: `callpilot admin add NAME` creates one".into(),
        n => format!("{n}, {without} of them without a second factor"),
    })
}

/// Whether the running server may open as many files as its configuration needs, and how many are open.
fn open_files((limit, open): (Handles, u64), config: &Config) -> Result<String, String> {
    let said = limit
        .judge(config)
        .map(|good| format!("{open} are open; {good}"))?;
    if open >= limit.for_listeners() {
        return Err(format!(
            "{said}. Nearly all are in use: new connections wait, and the longest waiting ones make room. The metrics callpilot_connections and \
             callpilot_connections_refused_total say whose they are"
        ));
    }
    Ok(said)
}

fn pages(root: &Path) -> Result<String, String> {
    let index = root.join("index.html");
    if index.is_file() {
        Ok(format!("{} is there", index.display()))
    } else {
        Err(format!(
            "{} is missing: http.web_root names no folder of the built pages",
            index.display()
        ))
    }
}

/// A server without pages is still a server.
const NO_PAGES: &str = "it is not served here: http.web_root names no folder. Where it is to be, name the one that `cargo xtask build` makes";

/// What plain HTTP means for who loads the page while its server is down: browsers keep a copy of it (by a service worker) only where they trust
/// the address.
fn without_its_server(config: &Config) -> &'static str {
    let url = config.http.public_url.as_ref().map(BaseUrl::as_str);
    let is_trusted = match url {
        Some(url) => url.starts_with("https:"),
        None => config.http.tls || config.http.listen.ip().is_loopback(),
    };
    if is_trusted {
        ""
    } else {
        ". By plain HTTP browsers keep no copy of it: a page that is open goes over to the partner, but one that is loaded while this server is down \
         does not open. Set http.tls"
    }
}

/// The one in the files, which the server takes into use within tls.reload_s.
fn certificate((certificate, key): (PathBuf, PathBuf)) -> Result<String, String> {
    let path = certificate.display().to_string();
    match Certificates::open(Source { certificate, key }) {
        Ok(opened) => Ok(format!("{path} can be used: {}", opened.fingerprint())),
        Err(fault) => Err(fault.to_string()),
    }
}

/// Those in the file, which the server takes into use within tls.reload_s.
fn peers(path: &Path) -> Result<String, String> {
    match PeersFile::open(Some(path)) {
        Ok(read) => Ok(format!("{}: {} may sign in", path.display(), read.len())),
        Err(fault) => Err(format!(
            "{fault}; a server that runs goes on with those it has read before, and does not start anew until this is put right"
        )),
    }
}

fn link(partner: &str, fault: Option<&str>) -> Result<String, String> {
    match fault {
        None => Ok(format!(
            "the partner proves who it is {}",
            super::gr::trusted_by(partner)
        )),
        Some(fault) => Err(format!(
            "the partner does not prove who it is, and gets no mail: {fault}. If its certificate was changed on purpose, enter the pair \
             again with `callpilot gr pair`"
        )),
    }
}

fn held(count: u64, partner: &str) -> String {
    let held = super::task::words::not_kept_up(count, partner);
    format!(
        "{held}: what is only here would be out of reach if this server died. `callpilot gr held` says why, and what to do"
    )
}

fn clocks(difference_ms: i64) -> Result<String, String> {
    let said = super::gr::clocks(difference_ms);
    if clocks_differ(difference_ms) {
        Err(format!(
            "{said}: set the wrong one right, by a time service on both. Until then sessions may end early on the other server, and \
             nothing is deleted for its age"
        ))
    } else {
        Ok(said)
    }
}

fn disk(room: &DiskStatus) -> Result<String, String> {
    let mib = |bytes: u64| bytes >> 20;
    let said = format!(
        "{} MiB are free, and {} MiB are kept back for deleting",
        mib(room.free_bytes),
        mib(room.reserve_bytes)
    );
    let also = match room.low_for_partner {
        true => ", and the partner's, too",
        false => "",
    };
    if room.low {
        Err(format!(
            "{said}: new messages are put off{also}, until {} MiB are free. Make room, or delete messages for good",
            mib(room.spare_bytes + room.spare_bytes / 4)
        ))
    } else {
        Ok(said)
    }
}

/// Whether disks have damaged something, and what becomes of it.
fn stored(damage: &Damage) -> Result<String, String> {
    let Damage {
        bodies_missing,
        bodies_no_copy,
        rows_unreadable,
        rows_lost,
        only_here,
        ..
    } = damage;
    match damage.is_any() {
        false => Ok("nothing is known to be damaged".into()),
        true => Err(format!(
            "this disk has damaged {} (without a copy left: {bodies_no_copy}) and {} (without: {rows_lost}); damaged on the partner: {only_here}. \
             What has a copy comes back by itself: look at the disks",
            counted(*bodies_missing, "content", "contents"),
            counted(*rows_unreadable, "row", "rows")
        )),
    }
}

/// Whether the server gets on with what it does by itself.
fn upkeep(faults: &[UpkeepStatus]) -> Result<String, String> {
    if faults.is_empty() {
        return Ok("nothing is known to fail".into());
    }
    let said = |fault: &UpkeepStatus| {
        let since = super::table::local_time(fault.since);
        format!("{} fails since {since} ({})", fault.what, fault.why)
    };
    let all: Vec<String> = faults.iter().map(said).collect();
    Err(format!(
        "{}: it is tried again by itself, and nothing else suffers from it. Is there room on the disk?",
        all.join("; ")
    ))
}

fn folder(path: &Path) -> Result<String, String> {
    use std::os::unix::fs::PermissionsExt;
    let about = std::fs::metadata(path).map_err(|e| {
        format!(
            "{}: {e}; the server makes it at its first start",
            path.display()
        )
    })?;
    match about.permissions().mode() & 0o077 {
        0 => Ok(format!(
            "{} is there, and only its owner reads it",
            path.display()
        )),
        _ => Err(format!("others can read {}: chmod 700 it", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_said_to_need_its_server_when_the_page_is_loaded() {
        let said = |settings: &str| {
            let text = format!("fqdn = \"a.example.net\"\n{settings}");
            without_its_server(&Config::parse(&text, "test", &|_| None).unwrap())
        };
        for trusted in [
            "http.listen = \"127.0.0.1:80\"",
            "http.listen = \"[::]:443\"\nhttp.tls = true",
            "http.listen = \"[::]:80\"\nhttp.public_url = \"https://voice.example.net\"",
        ] {
            assert_eq!(said(trusted), "", "{trusted}");
        }
        for plain in [
            "http.listen = \"[::]:80\"",
            "http.listen = \"127.0.0.1:80\"\nhttp.public_url = \"http://voice.example.net\"",
        ] {
            assert!(said(plain).ends_with("Set http.tls"), "{plain}");
        }
    }
}
