//! The numbers, for people and for programs.

use serde_json::{Map, Value, json};
use std::fmt::Write;

/// Everything that was measured.
pub struct Report {
    machine: String,
    lines: Vec<Line>,
}

struct Line {
    key: &'static str,
    what: String,
    value: f64,
    unit: &'static str,
    aim: Option<Aim>,
}

/// What a number should be.
#[derive(Clone, Copy)]
pub enum Aim {
    /// At most so much.
    AtMost(f64),
    /// At least so much.
    AtLeast(f64),
}

impl Report {
    pub fn new(machine: String) -> Self {
        Self {
            machine,
            lines: Vec::new(),
        }
    }

    /// Adds a number, and says it at once to whoever watches.
    pub fn add(
        &mut self,
        key: &'static str,
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        aim: Option<Aim>,
    ) {
        let what = what.into();
        eprintln!("  {what}: {} {unit}", shown(value));
        self.lines.push(Line {
            key,
            what,
            value,
            unit,
            aim,
        });
    }

    /// A table in Markdown, as it stands in the README.
    pub fn table(&self) -> String {
        let mut out = format!(
            "{}\n\n| what | measured | aim |\n|---|---:|---:|\n",
            self.machine
        );
        for line in &self.lines {
            let aim = match line.aim {
                None => String::new(),
                Some(Aim::AtMost(n)) => format!("≤ {} {}{}", shown(n), line.unit, missed(line)),
                Some(Aim::AtLeast(n)) => format!("≥ {} {}{}", shown(n), line.unit, missed(line)),
            };
            let _ = writeln!(
                out,
                "| {} | {} {} | {aim} |",
                line.what,
                shown(line.value),
                line.unit
            );
        }
        out
    }

    /// One JSON object.
    pub fn json(&self) -> Value {
        let mut all = Map::new();
        all.insert("machine".into(), self.machine.clone().into());
        for line in &self.lines {
            let aim = line.aim.map(|aim| match aim {
                Aim::AtMost(n) => json!({ "at_most": n, "met": line.value <= n }),
                Aim::AtLeast(n) => json!({ "at_least": n, "met": line.value >= n }),
            });
            let entry =
                json!({ "what": line.what, "value": line.value, "unit": line.unit, "aim": aim });
            all.insert(line.key.into(), entry);
        }
        Value::Object(all)
    }
}

fn missed(line: &Line) -> &'static str {
    let met = match line.aim {
        Some(Aim::AtMost(n)) => line.value <= n,
        Some(Aim::AtLeast(n)) => line.value >= n,
        None => true,
    };
    if met { "" } else { " (missed)" }
}

fn shown(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The value below which a part of all values lies, by the nearest rank.
pub fn percentile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (part * values.len() as f64).ceil() as usize;
    values
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}
