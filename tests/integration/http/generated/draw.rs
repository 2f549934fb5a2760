//! Drawing requests: values by their schemas, most of them right, and then things that go wrong with them.

use serde_json::{Map, Value, json};
use support::voice;

/// What there is on the server, so that requests find it.
#[derive(Debug, Default)]
pub struct Known {
    /// Identities of users and messages.
    pub ids: Vec<String>,
    /// How often the world was furnished.
    pub seed: u64,
}

/// Random numbers that follow from a seed (splitmix64).
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) as usize % bound
    }

    /// Once in so many.
    fn once_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// Texts at which readers stumble.
const ODD: [&str; 16] = [
    "",
    " ",
    "\0",
    "ä\u{301}👩\u{200d}👧",
    "\u{202e}7200",
    "..",
    "a/../b",
    "%",
    "'; DROP TABLE x;--",
    "<script>",
    "\r\nX: y",
    "-1",
    "99999999999999999999",
    "null",
    "nobody@example.net",
    "7200",
];
/// Texts that many fields take.
const LIKELY: [&str; 12] = [
    "7200",
    "7201",
    "7216",
    "1",
    "2",
    "cp-b.test.example",
    "cp-b.test.example:25",
    "http://127.0.0.1:9",
    "Mira Tandell",
    "a-password-2468",
    "+4930123456",
    "someone@example.net",
];
/// A UUID of version 7 that nothing has.
const FRESH: &str = "01936f2e-8d3c-7a10-9c41-2f6f0c5d7e";

/// A request as it goes over the wire.
#[derive(Debug)]
pub struct Request {
    pub method: String,
    /// Path and query, encoded.
    pub target: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// For one operation of a document: its path and its method.
    pub fn draw(
        dice: &mut Dice,
        document: &Value,
        (path, method): (&str, &str),
        known: &Known,
    ) -> Self {
        let operation = &document["paths"][path][method];
        let mut drawing = Drawing {
            dice,
            document,
            known,
        };
        let (mut target, mut query) = (path.to_owned(), Vec::new());
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a name");
            let value = drawing.text_of(&parameter["schema"]);
            let place = format!("{{{name}}}");
            match parameter["in"].as_str() {
                // Without it the address would be that of something else.
                Some("path") if value.is_empty() => target = target.replace(&place, "%20"),
                Some("path") => target = target.replace(&place, &encoded(&value)),
                _ if drawing.dice.once_in(2) => {
                    query.push(format!("{name}={}", encoded(&value)));
                }
                _ => {}
            }
        }
        if drawing.dice.once_in(12) {
            let odd = ["unknown=1", "limit=0", "&&=", "%ff=%ff", "a"];
            query.push(drawing.dice.one(&odd).to_owned());
        }
        if !query.is_empty() {
            target += &format!("?{}", query.join("&"));
        }
        let (headers, body) = drawing.content(&operation["requestBody"]);
        Self {
            method: method.to_uppercase(),
            target,
            headers,
            body,
        }
    }

    /// For people, cut.
    pub fn shown(&self) -> String {
        let body: String = self.body.escape_ascii().to_string();
        let short = |text: &str| text.chars().take(300).collect::<String>();
        format!(
            "{} {} {:?} {}",
            self.method,
            short(&self.target),
            self.headers,
            short(&body)
        )
    }
}

struct Drawing<'a> {
    dice: &'a mut Dice,
    document: &'a Value,
    known: &'a Known,
}

impl Drawing<'_> {
    fn content(&mut self, body: &Value) -> (Vec<(&'static str, String)>, Vec<u8>) {
        let mut headers = Vec::new();
        if self.dice.once_in(8) {
            let ranges = [
                "bytes=0-1",
                "bytes=-2",
                "bytes=9999999-",
                "bytes=x",
                "pages=1",
            ];
            headers.push(("Range", self.dice.one(&ranges).to_owned()));
        }
        if self.dice.once_in(12) {
            headers.push(("If-None-Match", "*".to_owned()));
        }
        let Some((kind, content)) = body["content"]
            .as_object()
            .and_then(|all| all.iter().next())
        else {
            return (headers, Vec::new());
        };
        let octets = match kind.as_str() {
            "application/json" => {
                let value = self.value(&content["schema"], 0);
                self.dice_over(value.to_string().into_bytes())
            }
            _ => self.recording(),
        };
        let kind = match self.dice.below(16) {
            0 => "text/plain",
            1 => "",
            _ => kind.as_str(),
        };
        if !kind.is_empty() {
            headers.push(("Content-Type", kind.to_owned()));
        }
        (headers, octets)
    }

    fn recording(&mut self) -> Vec<u8> {
        let samples = u32::try_from(self.dice.below(2_000)).unwrap_or(0);
        let wav = voice::wav(1, samples);
        let mut wav = self.dice_over(wav);
        if self.dice.once_in(3) && !wav.is_empty() {
            let at = self.dice.below(wav.len().min(44));
            wav[at] = self.dice.below(256) as u8;
        }
        wav
    }

    /// Octets as they are, most of the time.
    fn dice_over(&mut self, mut octets: Vec<u8>) -> Vec<u8> {
        match self.dice.below(24) {
            0 => octets.truncate(self.dice.below(octets.len() + 1)),
            1 => octets.push(b'}'),
            2 => octets = b"[".repeat(300),
            3 => octets = vec![0xFF; 10],
            4 => octets.resize(octets.len() + (68 << 10), b' '),
            5 => octets.clear(),
            _ => {}
        }
        octets
    }

    /// A value of a schema for an address.
    fn text_of(&mut self, schema: &Value) -> String {
        match self.value(schema, 0) {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    /// A value of a schema; now and then of none.
    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        if self.dice.once_in(24) {
            return self.odd();
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let document = self.document;
            let found = document.pointer(reference.trim_start_matches('#'));
            return self.value(found.expect("a schema"), depth + 1);
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(choices) = schema[choice].as_array() {
                let n = self.dice.below(choices.len());
                return self.value(&choices[n], depth + 1);
            }
        }
        if let Some(all) = schema["allOf"].as_array() {
            let values: Vec<Value> = all.iter().map(|one| self.value(one, depth + 1)).collect();
            let members = values.into_iter().filter_map(|value| match value {
                Value::Object(members) => Some(members),
                _ => None,
            });
            return Value::Object(members.flatten().collect());
        }
        if let Some(allowed) = schema["enum"].as_array() {
            return allowed[self.dice.below(allowed.len())].clone();
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) if !kinds.is_empty() => &kinds[self.dice.below(kinds.len())],
            kind => kind,
        };
        match kind.as_str() {
            Some("object") => self.object(schema, depth),
            Some("array") => {
                let many = if depth > 4 { 0 } else { self.dice.below(4) };
                (0..many)
                    .map(|_| self.value(&schema["items"], depth + 1))
                    .collect()
            }
            Some("string") => self.string(schema),
            Some("integer") => self.integer(),
            Some("number") => json!(self.dice.below(1_000) as f64 / 8.0),
            Some("boolean") => json!(self.dice.once_in(2)),
            Some("null") => Value::Null,
            _ => self.odd(),
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut members = Map::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let is_there = match required.contains(&&**name) {
                true => !self.dice.once_in(24),
                false => self.dice.once_in(2),
            };
            if is_there {
                members.insert(name.clone(), self.value(property, depth + 1));
            }
        }
        if self.dice.once_in(16) {
            members.insert("unknown".to_owned(), self.odd());
        }
        Value::Object(members)
    }

    fn string(&mut self, schema: &Value) -> Value {
        if schema["format"] == "uuid" {
            return match self.dice.below(4) {
                0 => json!(format!("{FRESH}{:02x}", self.dice.below(256))),
                _ if self.known.ids.is_empty() => json!(FRESH),
                _ => json!(self.known.ids[self.dice.below(self.known.ids.len())]),
            };
        }
        match self.dice.below(12) {
            0 => json!(self.dice.one(&ODD)),
            1 => json!("é".repeat(self.dice.below(3_000))),
            2 => json!(format!("{}", 1_000 + self.dice.below(9_000))),
            3 => json!(format!("{:016x}", self.dice.below(9_000))),
            _ => json!(self.dice.one(&LIKELY)),
        }
    }

    fn integer(&mut self) -> Value {
        match self.dice.below(12) {
            0 => json!(-1),
            1 => json!(i64::MAX),
            2 => json!(i64::MIN),
            3 => json!(u64::MAX),
            4 => json!(256),
            5 => json!(0),
            _ => json!(self.dice.below(20)),
        }
    }

    /// Something else than what is asked for.
    fn odd(&mut self) -> Value {
        match self.dice.below(6) {
            0 => Value::Null,
            1 => json!(self.dice.one(&ODD)),
            2 => json!([[], {}]),
            3 => json!(1e300),
            4 => json!({ "a": { "b": [] } }),
            _ => json!(false),
        }
    }
}

/// Percent-encoded, but for what needs it nowhere (RFC 3986 section 2.3).
fn encoded(text: &str) -> String {
    let octets = text.bytes().map(|octet| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(octet).to_string()
        }
        other => format!("%{other:02X}"),
    });
    octets.collect()
}
