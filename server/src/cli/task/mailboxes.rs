//! The selected list of a mailbox resync: found by number or name, collected, shown.

use crate::cli::admin_client::AdminClient;
use crate::cli::table::table;
use crate::cli::{Failure, user};
use contract::UserRow;

/// Rows of the list that are shown.
const SHOWN_MAX: usize = 20;

/// Which mailboxes.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
pub struct MailboxFilter {
    /// Every mailbox whose number or owner's name contains this; may be given more than once.
    #[arg(long, value_name = "TEXT")]
    search: Vec<String>,
    /// This mailbox; may be given more than once.
    #[arg(long, value_name = "NUMBER", value_parser = user::number)]
    mailbox: Vec<String>,
    /// All mailboxes.
    #[arg(long, conflicts_with_all = ["search", "mailbox"])]
    all: bool,
}

impl MailboxFilter {
    /// The mailboxes, in order of their numbers; none at all if all are meant.
    pub async fn select(&self, client: &AdminClient) -> Result<Vec<UserRow>, Failure> {
        let mut rows = Vec::new();
        for text in &self.search {
            let found = user::matching(client, &format!("search={}", in_query(text))).await?;
            if found.is_empty() {
                return Err(Failure::new(format!(
                    "No mailbox number or name contains \"{text}\"."
                )));
            }
            rows.extend(found);
        }
        for number in &self.mailbox {
            let found: Vec<UserRow> = client
                .get(&format!("{}?mailbox={number}", user::USERS))
                .await?;
            if found.is_empty() {
                return Err(Failure::new(format!("There is no mailbox {number}.")));
            }
            rows.extend(found);
        }
        rows.sort_by(|a, b| (&a.mailbox, a.id).cmp(&(&b.mailbox, b.id)));
        rows.dedup_by_key(|row| row.id);
        Ok(rows)
    }
}

/// Their numbers, each once.
pub fn numbers(rows: &[UserRow]) -> Vec<String> {
    let mut numbers: Vec<String> = rows.iter().map(|row| row.mailbox.clone()).collect();
    numbers.dedup();
    numbers
}

/// The selected list, as people read it.
pub fn show(rows: &[UserRow]) -> String {
    if rows.is_empty() {
        return "All mailboxes are compared.".into();
    }
    let cells = rows.iter().take(SHOWN_MAX).map(|row| {
        let messages = row.messages.to_string();
        [
            row.mailbox.clone(),
            row.name.clone(),
            messages,
            row.home.clone(),
        ]
    });
    let mut text = table(["MAILBOX", "NAME", "MESSAGES", "HOME"], cells);
    if let more @ 1.. = rows.len().saturating_sub(SHOWN_MAX) {
        text += &format!("\n… and {more} more");
    }
    text
}

/// RFC 3986 section 2.1: everything but unreserved characters as `%` and two digits.
fn in_query(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(b).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: u8) -> UserRow {
        let text = format!(
            r#"{{"id":"00000000-0000-0000-0000-0000000000{n:02x}","mailbox":"72{n:02}","name":"N","kind":"local","home":"a.example","locked":false,"messages":3,"waiting":false}}"#
        );
        serde_json::from_str(&text).expect("a row")
    }

    #[test]
    fn a_long_selection_is_cut_and_counted() {
        let rows: Vec<UserRow> = (0..25).map(row).collect();
        let shown = show(&rows);
        assert!(
            shown.starts_with("MAILBOX") && shown.ends_with("… and 5 more"),
            "{shown}"
        );
        assert_eq!(numbers(&rows).len(), 25);
        assert_eq!(show(&[]), "All mailboxes are compared.");
    }

    #[test]
    fn a_search_may_hold_anything() {
        assert_eq!(in_query("Grün & Co"), "Gr%C3%BCn%20%26%20Co");
        assert_eq!(in_query("72"), "72");
    }
}
