//! `--print-config`: every setting with unit, default and reason, as a file that could be used, or as a list for programs.

use super::read::{self, ConfigError};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write;

/// A setting as programs are told of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PrintedSetting {
    /// Section and name: `http.listen`.
    pub key: String,
    /// What it is counted in.
    pub unit: &'static str,
    /// What it is for.
    pub why: String,
    /// Its value if it is not given.
    pub default: Value,
    /// Its value.
    pub value: Value,
    /// The file gives it.
    pub given: bool,
    /// The least number that is taken, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<u64>,
    /// The greatest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
}

/// All settings, with the values of `text`.
pub(super) fn list(text: &str, name: &str) -> Result<Vec<PrintedSetting>, ConfigError> {
    let given = if name.is_empty() {
        None
    } else {
        Some(read::parse(text, name, &|_| None)?.1)
    };
    let entries = read::defaults().entries.into_iter().enumerate();
    let settings = entries.map(|(i, default)| {
        let entry = given.as_ref().map_or(&default, |given| &given.entries[i]);
        PrintedSetting {
            unit: default.unit,
            default: value(&default.value),
            value: value(&entry.value),
            given: entry.given,
            min: default.bounds.map(|(min, _)| min),
            max: default.bounds.map(|(_, max)| max),
            why: default.why.clone(),
            key: default.key.clone(),
        }
    });
    Ok(settings.collect())
}

/// A value as TOML, as JSON.
fn value(text: &str) -> Value {
    let table: Result<toml::Table, _> = toml::from_str(&format!("value = {text}"));
    let value = table.ok().and_then(|mut table| table.remove("value"));
    serde_json::to_value(value).unwrap_or_default()
}

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
