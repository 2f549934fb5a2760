//! What the demo prints: for people, or one line of JSON for programs.

use crate::cast;
use crate::half::Half;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

/// A pair that is up, and what is told of it.
pub struct Report<'a> {
    /// Both servers.
    pub halves: &'a [Half; 2],
    /// Their processes, in the same order.
    pub pids: &'a [u32],
    /// The administrator's password on both.
    pub admin_password: &'a str,
    /// The program, for commands that are shown.
    pub program: &'a Path,
    /// The folder of the demo.
    pub dir: &'a Path,
    /// The folder goes away with the demo.
    pub is_temporary: bool,
    /// My CallPilot is served.
    pub pages: bool,
}

/// What to do for pages.
const NO_PAGES: &str = "\nThey serve the API and no pages, for --web-root names no built My CallPilot. `cargo xtask demo` builds it and starts the demo with it.\n";

impl Report<'_> {
    /// One line for programs. A protocol that is not there is null.
    pub fn json(&self) -> Value {
        let servers: Vec<Value> = self
            .servers()
            .map(|(half, pid)| {
                json!({
                    "name": half.fqdn,
                    "pid": pid,
                    "http": half.url(),
                    "smtp": half.smtp.to_string(),
                    "smtps": half.smtps.map(|at| at.to_string()),
                    "imap": null,
                    "ldap": null,
                    "admin": { "user": "admin", "password": self.admin_password },
                    "restart": self.restart(half),
                })
            })
            .collect();
        let users: Vec<Value> = self
            .people()
            .map(|p| json!({ "mailbox": p.mailbox, "password": p.password(), "home": p.home }))
            .collect();
        json!({ "servers": servers, "users": users, "roots": self.authority().map(Half::roots), "pages": self.pages })
    }

    /// For people: where the two are, who may log in, and what to try.
    pub fn human(&self) -> String {
        let mut text = String::from("\nA GR pair runs on this machine.\n\n");
        self.write_addresses(&mut text);
        self.write_log_ins(&mut text);
        self.write_commands(&mut text);
        let fate = if self.is_temporary {
            "stops both and removes"
        } else {
            "stops both; everything stays in"
        };
        let _ = write!(text, "\nCtrl-C {fate} {}.", self.dir.display());
        text
    }

    /// The command that starts a server again: program and arguments.
    fn restart(&self, half: &Half) -> [String; 4] {
        let config = half.config();
        [
            self.program.display().to_string(),
            "serve".into(),
            "--config".into(),
            config.display().to_string(),
        ]
    }

    fn write_addresses(&self, text: &mut String) {
        for (half, pid) in self.servers() {
            let page = if self.pages { "/MyCallPilot/" } else { "" };
            let _ = writeln!(
                text,
                "  {}   {}{page}   SMTP {}   process {pid}",
                half.fqdn,
                half.url(),
                half.smtp
            );
        }
        if !self.pages {
            text.push_str(NO_PAGES);
        }
        if let Some(half) = self.authority() {
            let _ = writeln!(
                text,
                "\nIt runs on TLS. To be believed by a browser, its authority has to be imported there for as long as one tries:\n\n  {}",
                half.roots().display()
            );
        }
    }

    fn write_log_ins(&self, text: &mut String) {
        text.push_str("\nLog in with\n\n");
        for person in self.people() {
            let _ = writeln!(
                text,
                "  {}   {:12}   {:16}  {}",
                person.mailbox,
                person.password(),
                person.name,
                person.home
            );
        }
        let _ = writeln!(text, "\nAdministration: admin, {}", self.admin_password);
    }

    fn write_commands(&self, text: &mut String) {
        let program = self.program.display();
        text.push_str("\nKill a server, and see how the page goes on; then bring it back:\n\n");
        for (half, pid) in self.servers() {
            let _ = writeln!(text, "  kill -9 {pid}");
            let _ = writeln!(text, "  {}", self.restart(half).join(" "));
        }
        let _ = writeln!(
            text,
            "\nState of the pair:\n\n  {program} gr status --config {}",
            self.halves[0].config().display()
        );
    }

    fn servers(&self) -> impl Iterator<Item = (&Half, u32)> {
        self.halves.iter().zip(self.pids.iter().copied())
    }

    fn people(&self) -> impl Iterator<Item = &'static cast::Person> {
        self.halves.iter().flat_map(|half| cast::people(half.fqdn))
    }

    /// Either server of a pair on TLS: both believe the same authority.
    fn authority(&self) -> Option<&Half> {
        self.halves.iter().find(|half| half.is_on_tls())
    }
}
