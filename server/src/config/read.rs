//! Reading settings: file and environment in, values and all faults at once out.

use super::Config;
use super::value::{Number, Setting};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no such file.
    #[error(
        "There is no configuration at {}. Name the file with --config FILE or in CALLPILOT_CONFIG. `callpilot serve --print-config` prints \
         one to begin with, and `callpilot demo` needs none.",
        .0.display()
    )]
    NotThere(PathBuf),
    /// The file cannot be read.
    #[error(
        "The configuration {} cannot be read: {source}.{}",
        path.display(),
        match source.kind() {
            io::ErrorKind::PermissionDenied => " Run this as the user that the server runs as, or as root.",
            _ => "",
        }
    )]
    CannotRead {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What it says cannot be used.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Faults(Vec<Fault>),
}

impl ConfigError {
    pub(super) fn of_file(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotThere(path),
            _ => Self::CannotRead { path, source },
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// File and line, or the environment variable.
    pub place: String,
    /// The setting; empty if the text is not TOML.
    pub key: String,
    /// What is wrong with it.
    pub what: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.key.as_str() {
            "" => write!(f, "{}: {}", self.place, self.what),
            key => write!(f, "{}: {key} {}", self.place, self.what),
        }
    }
}

/// A setting as it was declared and read.
pub(super) struct Entry {
    /// `http.listen`.
    pub key: String,
    /// What it is counted in.
    pub unit: &'static str,
    /// Its reason.
    pub why: String,
    /// Its present value, as TOML.
    pub value: String,
    /// It was given, not left at its default.
    pub given: bool,
    /// The least and the greatest number that is taken.
    pub bounds: Option<(u64, u64)>,
}

/// Reads the declared settings one after another.
pub(super) struct Reader<'a> {
    values: BTreeMap<String, (usize, DeValue<'a>)>,
    lines: Vec<usize>,
    file: &'a str,
    env: &'a dyn Fn(&str) -> Option<String>,
    known: BTreeSet<String>,
    pub(super) entries: Vec<Entry>,
    pub(super) sections: BTreeMap<&'static str, String>,
    faults: Vec<Fault>,
}

/// The environment variable of a setting.
fn variable(key: &str) -> String {
    format!("CALLPILOT_{}", key.replace('.', "_").to_uppercase())
}

fn full(section: &str, key: &str) -> String {
    if section.is_empty() {
        key.to_owned()
    } else {
        format!("{section}.{key}")
    }
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, file: &'a str, env: &'a dyn Fn(&str) -> Option<String>) -> Self {
        let lines = text
            .bytes()
            .enumerate()
            .filter(|(_, b)| *b == b'\n')
            .map(|(i, _)| i)
            .collect();
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut reader = Self {
            values: BTreeMap::new(),
            lines,
            file,
            env,
            known: BTreeSet::new(),
            entries: Vec::new(),
            sections: BTreeMap::new(),
            faults: Vec::new(),
        };
        for error in errors {
            let place = reader.place(error.span().map_or(0, |s| s.start));
            reader.faults.push(Fault {
                place,
                key: String::new(),
                what: error.message().to_owned(),
            });
        }
        reader.flatten("", table.into_inner());
        reader
    }

    fn flatten(&mut self, section: &str, table: DeTable<'a>) {
        for (name, value) in table {
            let key = full(section, name.get_ref());
            let at = name.span().start;
            match value.into_inner() {
                DeValue::Table(inner) => self.flatten(&key, inner),
                value => drop(self.values.insert(key, (at, value))),
            }
        }
    }

    fn place(&self, at: usize) -> String {
        format!(
            "{}:{}",
            self.file,
            self.lines.partition_point(|&newline| newline < at) + 1
        )
    }

    /// Declares a section.
    pub(super) fn section(&mut self, name: &'static str, about: String) {
        self.sections.insert(name, about);
    }

    /// Reads one setting, or takes its default.
    pub(super) fn setting<T: Setting>(
        &mut self,
        (section, name): (&str, &str),
        default: T,
        unit: &'static str,
        why: String,
    ) -> T {
        let key = full(section, name);
        self.known.insert(key.clone());
        let given = match (self.env)(&variable(&key)) {
            Some(text) => Some((variable(&key), T::from_text(&text))),
            None => {
                let read =
                    |(at, value): &(usize, DeValue<'a>)| (self.place(*at), T::from_toml(value));
                self.values.get(&key).map(read)
            }
        };
        let (value, given) = match given {
            None => (default, false),
            Some((_, Ok(value))) => (value, true),
            Some((place, Err(what))) => {
                self.faults.push(Fault {
                    place,
                    key: key.clone(),
                    what,
                });
                (default, true)
            }
        };
        self.entries.push(Entry {
            key,
            unit,
            why,
            value: value.to_toml(),
            given,
            bounds: None,
        });
        value
    }

    /// Checks a number against its bounds.
    pub(super) fn within(
        &mut self,
        (section, name): (&str, &str),
        value: impl Number,
        bounds: RangeInclusive<u64>,
    ) {
        let (low, high) = bounds.clone().into_inner();
        if let Some(entry) = self.entries.last_mut() {
            entry.bounds = Some((low, high));
        }
        if !bounds.contains(&value.number()) {
            self.fault(
                &full(section, name),
                &format!("is {}, but must be {low} to {high}", value.number()),
            );
        }
    }

    /// Notes that a setting cannot stand as it is.
    pub(super) fn fault(&mut self, key: &str, what: &str) {
        let place = match self.values.get(key) {
            _ if (self.env)(&variable(key)).is_some() => variable(key),
            Some((at, _)) => self.place(*at),
            None => self.file.to_owned(),
        };
        self.faults.push(Fault {
            place,
            key: key.to_owned(),
            what: what.to_owned(),
        });
    }

    fn unknown_keys(&mut self) {
        for (key, (at, _)) in &self.values {
            if self.known.contains(key) {
                continue;
            }
            let what = match self
                .known
                .iter()
                .map(|known| (distance(known, key), known))
                .min()
            {
                Some((near, known)) if near <= 3 => format!("is not a setting; {known} is"),
                _ => "is not a setting; `callpilot serve --print-config` shows all".to_owned(),
            };
            self.faults.push(Fault {
                place: self.place(*at),
                key: key.clone(),
                what,
            });
        }
    }
}

/// Reads a whole configuration.
pub(super) fn parse<'a>(
    text: &'a str,
    name: &'a str,
    env: &'a dyn Fn(&str) -> Option<String>,
) -> Result<(Config, Reader<'a>), ConfigError> {
    let mut reader = Reader::new(text, name, env);
    if !reader.faults.is_empty() {
        // What is not TOML says nothing of settings: they may stand behind the fault.
        return Err(ConfigError::Faults(reader.faults));
    }
    let mut config = Config::read(&mut reader);
    config.check(&mut reader);
    reader.unknown_keys();
    if reader.faults.is_empty() {
        Ok((config, reader))
    } else {
        Err(ConfigError::Faults(reader.faults))
    }
}

/// Every declared setting at its default.
pub(super) fn defaults<'a>() -> Reader<'a> {
    let mut reader = Reader::new("", "", &|_| None);
    Config::read(&mut reader);
    reader
}

/// Levenshtein distance, to guess what a mistyped key meant.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let swap = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = swap.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Declares a struct of settings: `name: type = default, "unit", bounds;` with the reason as its documentation.
macro_rules! settings {
    ($(#[doc = $about:literal])+ pub struct $name:ident [$section:literal] {
        $( $(#[doc = $why:literal])+ $field:ident : $type:ty = $default:expr, $unit:literal $(, $bounds:expr)? ; )+
    } $( sections { $(#[doc = $_about:literal])* $( $sub:ident : $subtype:ident ),+ $(,)? } )?) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug)]
        pub struct $name {
            $( $(#[doc = $why])+ pub $field: $type, )+
            $( $( #[doc = concat!("Section `", stringify!($sub), "`.")] pub $sub: $subtype, )+ )?
        }

        impl $name {
            fn read(reader: &mut $crate::config::read::Reader<'_>) -> Self {
                reader.section($section, [$($about),+].join("\n"));
                $(
                    let at = ($section, stringify!($field));
                    let $field: $type = reader.setting(at, $default, $unit, [$($why),+].join("\n"));
                    $( reader.within(at, $field, $bounds); )?
                )+
                $( $( let $sub = $subtype::read(reader); )+ )?
                Self { $( $field, )+ $( $( $sub, )+ )? }
            }
        }
    };
}
pub(super) use settings;
