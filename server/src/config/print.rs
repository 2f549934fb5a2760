//! `--print-config`: every setting with unit, default and reason, as a file that could be used.

use super::read::{self, ConfigError};
use std::fmt::Write;

/// Settings given in `text` stand as they are; all others stand as comments.
pub(super) fn print(text: &str, name: &str) -> Result<String, ConfigError> {
    let defaults = read::defaults();
    let given = if name.is_empty() {
        None
    } else {
        Some(read::parse(text, name, &|_| None)?.1)
    };
    let mut out = String::from(
        "# CallPilot server: every setting with its unit, its default and its reason.\n",
    );
    let mut section = None;
    for (i, default) in defaults.entries.iter().enumerate() {
        let (of, key) = default.key.rsplit_once('.').unwrap_or(("", &default.key));
        if section != Some(of) {
            section = Some(of);
            let about = defaults.sections.get(of).map_or("", String::as_str);
            out.push('\n');
            comment(&mut out, about);
            if !of.is_empty() {
                let _ = writeln!(out, "[{of}]");
            }
        }
        out.push('\n');
        comment(&mut out, &default.why);
        let value = match default.value.as_str() {
            "\"\"" => "none",
            value => value,
        };
        let bounds = default
            .bounds
            .map(|(low, high)| format!(" From {low} to {high}."));
        let bounds = bounds.unwrap_or_default();
        let _ = writeln!(out, "# Unit: {}. Default: {value}.{bounds}", default.unit);
        let entry = given.as_ref().map_or(default, |g| &g.entries[i]);
        let mark = if entry.given { "" } else { "# " };
        let _ = writeln!(out, "{mark}{key} = {}", entry.value);
    }
    Ok(out)
}

fn comment(out: &mut String, text: &str) {
    for line in text.lines() {
        let _ = writeln!(out, "# {}", line.trim());
    }
}
