//! How fast messages are read, written and decoded: `cargo run --release -p vpim --example reading_speed`.

use std::hint::black_box;
use std::time::Instant;

use vpim::audio::g711;
use vpim::audio::g726::{self, NibbleOrder};
use vpim::build::{Composition, CompositionPart, Recording};
use vpim::{Date, Party, Purpose, Transfer, canonical, encode, judge, parse};

fn main() {
    let samples: Vec<i16> = (0..160_000)
        .map(|n: i64| ((n * n / 7) % 9000 - 4500) as i16)
        .collect();
    let codes = g726::encode(&samples, NibbleOrder::LowFirst);
    let message = Composition {
        from: Party::named("Ann Onym", "21@vm.example"),
        to: vec![Party::new("22@vm.example")],
        cc: Vec::new(),
        subject: Some("Voice message".to_string()),
        date: Date {
            unix_s: 1_767_225_600,
            zone_min: 0,
        },
        message_id: "1@vm.example".to_string(),
        in_reply_to: None,
        urgent: false,
        private: false,
        language: None,
        receipt_to: None,
        text: String::new(),
        parts: vec![
            CompositionPart::Voice(Recording::adpcm(
                Purpose::OriginatorSpokenName,
                &codes[..4000],
            )),
            CompositionPart::Voice(Recording::adpcm(Purpose::VoiceMessage, &codes[..])),
        ],
    }
    .message()
    .expect("the draft is sound");
    let base64 = encode(&message, Transfer::Base64, 1);
    let binary = encode(&message, Transfer::Binary, 1);
    println!(
        "base64 mail {} bytes, binary mail {} bytes",
        base64.len(),
        binary.len()
    );
    for (name, mail) in [("base64", &base64), ("binary", &binary)] {
        let whole = best(|| drop(black_box(judge(&parse(black_box(mail))))));
        per_byte(&format!("parse and judge, {name}"), whole, mail.len());
        let whole = best(|| drop(black_box(canonical(&parse(black_box(mail))))));
        per_byte(&format!("parse and canonical, {name}"), whole, mail.len());
    }
    let count = samples.len();
    per_sample(
        "G.726 decode",
        best(|| drop(g726::decode(black_box(&codes), NibbleOrder::LowFirst))),
        count,
    );
    per_sample(
        "G.726 encode",
        best(|| drop(g726::encode(black_box(&samples), NibbleOrder::LowFirst))),
        count,
    );
    let law = g711::encode_mu_law(&samples);
    per_sample(
        "µ-law decode",
        best(|| drop(g711::decode_mu_law(black_box(&law)))),
        count,
    );
}

/// Seconds of the fastest of many runs: what the code costs when nothing else disturbs it.
fn best(mut run: impl FnMut()) -> f64 {
    let once = || {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    std::iter::repeat_with(once)
        .take(500)
        .fold(f64::INFINITY, f64::min)
}

fn per_byte(what: &str, seconds: f64, bytes: usize) {
    println!(
        "{what}: {:.1} µs, {:.2} GB/s",
        seconds * 1e6,
        bytes as f64 / seconds / 1e9
    );
}

fn per_sample(what: &str, seconds: f64, samples: usize) {
    println!(
        "{what}: {:.1} million samples/s",
        samples as f64 / seconds / 1e6
    );
}
