//! What the demo prints: for people, or one line of JSON for programs.

use super::household::Household;
use super::{cast, child};
use serde_json::{Value, json};
use std::fmt::Write;

/// One line for programs. A protocol that is not there is null.
pub fn json(household: &Household, pids: &[u32]) -> Value {
    let servers: Vec<Value> = household
        .halves()
        .iter()
        .zip(pids)
        .map(|(half, pid)| {
            json!({
                "name": half.fqdn,
                "pid": pid,
                "http": half.url(),
                "smtp": half.smtp.to_string(),
                "smtps": half.smtps.map(|at| at.to_string()),
                "imap": null,
                "ldap": null,
                "admin": { "user": "admin", "password": household.admin_password() },
            })
        })
        .collect();
    let users: Vec<Value> = household
        .halves()
        .iter()
        .flat_map(|half| cast::people(half.fqdn))
        .map(|p| json!({ "mailbox": p.mailbox, "password": cast::password(p), "home": p.home }))
        .collect();
    let north = &household.halves()[0];
    let roots = north.smtps.map(|_| north.roots());
    json!({ "servers": servers, "users": users, "roots": roots })
}

/// For people.
pub fn human(household: &Household, pids: &[u32]) -> String {
    let mut text = String::from("\nA GR pair runs on this machine.\n\n");
    for (half, pid) in household.halves().iter().zip(pids) {
        let _ = writeln!(
            text,
            "  {}   {}/MyCallPilot/   SMTP {}   process {pid}",
            half.fqdn,
            half.url(),
            half.smtp
        );
    }
    let [north, _] = household.halves();
    if north.smtps.is_some() {
        let _ = writeln!(
            text,
            "\nIt runs on TLS. To be believed by a browser, its authority has to be imported there for as long as one tries:\n\n  {}",
            north.roots().display()
        );
    }
    text.push_str("\nLog in with\n\n");
    for person in household
        .halves()
        .iter()
        .flat_map(|half| cast::people(half.fqdn))
    {
        let _ = writeln!(
            text,
            "  {}   {:12}   {:16}  {}",
            person.mailbox,
            cast::password(person),
            person.name,
            person.home
        );
    }
    let _ = writeln!(
        text,
        "\nAdministration: admin, {}",
        household.admin_password()
    );
    text.push_str("\nKill a server, and see how the page goes on; then bring it back:\n\n");
    let program = child::program();
    let program = program.display();
    for (half, pid) in household.halves().iter().zip(pids) {
        let _ = writeln!(text, "  kill -9 {pid}");
        let _ = writeln!(
            text,
            "  {program} serve --config {}",
            half.config().display()
        );
    }
    let _ = writeln!(
        text,
        "\nState of the pair:\n\n  {program} gr status --config {}",
        household.halves()[0].config().display()
    );
    let fate = if household.is_temporary() {
        "stops both and removes"
    } else {
        "stops both; everything stays in"
    };
    let _ = write!(text, "\nCtrl-C {fate} {}.", household.dir().display());
    text
}
