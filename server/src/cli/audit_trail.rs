//! `callpilot audit-trail …`.

use super::admin_client::AdminClient;
use super::table::{local_second, table};
use super::{Failure, Output, Server, print_line};
use contract::AuditTrailEntry;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use std::io::Write;

const TRAIL: &str = "/api/v1/admin/audit-trail";
/// Entries of one request.
const PAGE: usize = 1_000;

/// What to do with the audit trail: administrative acts, sign-ins, and who was refused. Each server of a pair has its own.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Show entries, the latest first.
    List {
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        which: EntryFilter,
    },
    /// Write all entries to standard output, the latest first: as CSV, or with --json as one array.
    Export {
        /// As CSV, which is what is written without --json.
        #[arg(long)]
        csv: bool,
        #[command(flatten)]
        which: EntryFilter,
    },
}

/// Which entries.
#[derive(clap::Args)]
pub struct EntryFilter {
    /// Not before this moment: 2026-11-28, 2026-11-28T14:30, 2026-11-28T14:30Z, or so long ago: 7d, 24h, 30m.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<Timestamp>,
    /// Before this moment.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<Timestamp>,
    /// Only what this one did, or was refused: a mailbox number, an administrator, `root`.
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    #[command(flatten)]
    server: Server,
}

/// A moment as people write it; without a zone, in that of this machine.
fn moment(text: &str) -> Result<Timestamp, String> {
    let fault = || {
        format!(
            "\"{text}\" is no moment: write 2026-11-28, 2026-11-28T14:30, 2026-11-28T14:30Z, or 7d, 24h, 30m"
        )
    };
    let (digits, unit) =
        text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    if let Ok(number) = digits.parse::<i64>() {
        let hours = |hours: i64| Span::new().try_hours(number.checked_mul(hours)?).ok();
        let span = match unit {
            "d" => hours(24),
            "h" => hours(1),
            "m" => Span::new().try_minutes(number).ok(),
            _ => None,
        };
        return span
            .and_then(|span| Timestamp::now().checked_sub(span).ok())
            .ok_or_else(fault);
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let local: DateTime = text.parse().map_err(|_| fault())?;
    let zoned = local.to_zoned(TimeZone::system()).map_err(|_| fault())?;
    Ok(zoned.timestamp())
}

/// Does it.
pub async fn run(command: Command, out: Output) -> Result<(), Failure> {
    match command {
        Command::List { limit, which } => {
            let client = AdminClient::of(&which.server)?;
            let mut found = Vec::new();
            let mut before = None;
            while found.len() < limit {
                let page = page(&client, &which, before, PAGE.min(limit - found.len())).await?;
                let Some(last) = page.last() else { break };
                before = Some(last.id);
                found.extend(page);
            }
            out.say(&found, || shown(&found))
        }
        Command::Export { csv, which } => {
            let json = out.json && !csv;
            export(&which, Output { json }).await
        }
    }
}

/// One page, or what is left.
async fn page(
    client: &AdminClient,
    which: &EntryFilter,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<AuditTrailEntry>, Failure> {
    let mut path = format!("{TRAIL}?limit={limit}");
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={value}"));
        }
    };
    let ms = |moment: Option<Timestamp>| moment.map(|m| m.as_millisecond().to_string());
    add("since", ms(which.since));
    add("until", ms(which.until));
    add("who", which.who.as_deref().map(escaped));
    add("before", before.map(|id| id.to_string()));
    client.get(&path).await
}

/// RFC 3986 section 2.1.
fn escaped(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// Page by page, so that a year of it needs no more memory than one page.
async fn export(which: &EntryFilter, out: Output) -> Result<(), Failure> {
    let client = AdminClient::of(&which.server)?;
    let mut sink = std::io::BufWriter::new(std::io::stdout());
    let fault = |e: std::io::Error| Failure::new(format!("standard output: {e}"));
    let mut before = None;
    let mut separator = "[";
    if !out.json {
        writeln!(sink, "at,action,result,who,from,target,times").map_err(fault)?;
    }
    loop {
        let page = page(&client, which, before, PAGE).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        for entry in &page {
            let line = if out.json {
                let json = serde_json::to_string(entry).map_err(|e| Failure::new(e.to_string()))?;
                format!("{}{json}", std::mem::replace(&mut separator, ",\n"))
            } else {
                format!("{}\n", csv(entry))
            };
            if sink.write_all(line.as_bytes()).is_err() {
                // Whoever reads has seen enough.
                return Ok(());
            }
        }
    }
    sink.flush().map_err(fault)?;
    drop(sink);
    if out.json {
        let end = if separator == "[" { "[]" } else { "]" };
        print_line(end);
    }
    Ok(())
}

/// One line of CSV (RFC 4180). What a spreadsheet would take for a formula is made text: strangers choose some of it.
fn csv(entry: &AuditTrailEntry) -> String {
    let cell = |text: &str| {
        let guard = if text.starts_with(['=', '+', '-', '@']) {
            "'"
        } else {
            ""
        };
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    };
    format!(
        "{},{},{},{},{},{},{}",
        time(entry),
        cell(&entry.action),
        cell(&entry.result),
        cell(&entry.who),
        cell(&entry.from),
        cell(&entry.target),
        entry.times
    )
}

fn time(entry: &AuditTrailEntry) -> String {
    let at = Timestamp::from_millisecond(entry.at.0);
    at.map_or_else(|_| "?".into(), |at| format!("{at:.3}"))
}

fn shown(entries: &[AuditTrailEntry]) -> String {
    if entries.is_empty() {
        return "There is no such entry.".into();
    }
    let heads = ["AT", "ACTION", "RESULT", "WHO", "FROM", "TIMES", "TARGET"];
    let rows = entries.iter().map(|entry| {
        [
            local_second(entry.at),
            entry.action.clone(),
            entry.result.clone(),
            entry.who.clone(),
            entry.from.clone(),
            entry.times.to_string(),
            entry.target.clone(),
        ]
    });
    table(heads, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        assert_eq!(moment("1970-01-01T00:01Z").unwrap().as_second(), 60);
        let day = moment("2026-11-28").unwrap();
        assert_eq!(moment("2026-11-28T00:00").unwrap(), day);
        let hour = Timestamp::now().as_second() - moment("1h").unwrap().as_second();
        assert!((3_599..=3_601).contains(&hour));
        for bad in ["", "d", "7x", "yesterday", "99999999999999d", "ü"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cell_of_a_stranger_is_no_formula_and_ends_no_line() {
        let entry = AuditTrailEntry {
            id: 1,
            at: contract::Timestamp(1_500),
            action: "sign-in".into(),
            result: "wrong-password".into(),
            who: "=cmd|\"x\"!A1".into(),
            from: "192.0.2.1".into(),
            target: String::new(),
            times: 2,
        };
        assert_eq!(
            csv(&entry),
            "1970-01-01T00:00:01.500Z,\"sign-in\",\"wrong-password\",\"'=cmd|\"\"x\"\"!A1\",\"192.0.2.1\",\"\",2"
        );
        assert_eq!(escaped("a&b ü"), "a%26b%20%C3%BC");
    }
}
