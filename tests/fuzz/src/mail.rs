//! Mails: whatever comes is read within the limits, and what is accepted is kept in a form that reads the same.

use vpim::audio::g726::NibbleOrder;
use vpim::{Content, Message, PARTS_MAX, Summary, canonical, judge, parse, parse_kept, transcode};

/// Reads a mail, as it comes in and as it is opened later.
pub fn read(octets: &[u8]) {
    let mut message = parse(octets);
    assert!(parts(&message) <= PARTS_MAX);
    drop(Summary::of(&message));
    look(&message);
    transcode(&mut message);
    if judge(&message).is_ok() {
        let kept = canonical(&message);
        let again = parse_kept(&kept);
        assert!(again == message, "what is kept reads otherwise");
        assert!(canonical(&again) == kept, "what is kept is not final");
    }
    drop(parse_kept(octets));
}

fn look(message: &Message<'_>) {
    for part in &message.parts {
        match &part.content {
            Content::Voice(voice) => {
                let decoded = voice.decode(NibbleOrder::LowFirst);
                let samples = decoded.map_or(0, |samples| samples.len() as u64);
                assert_eq!(samples / 8, voice.duration_ms());
            }
            Content::Fax(fax) => drop(fax.pages()),
            Content::Text(text) => drop(text.text()),
            Content::Forwarded(inner) => look(inner),
            _ => {}
        }
    }
}

fn parts(message: &Message<'_>) -> usize {
    let inner = |part: &vpim::Part<'_>| match &part.content {
        Content::Forwarded(inner) => 1 + parts(inner),
        _ => 1,
    };
    message.parts.iter().map(inner).sum()
}
