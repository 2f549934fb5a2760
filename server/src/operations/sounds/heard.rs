//! What is heard of a message: all that is said in it, or one of its parts, counted as a client is told them.

use super::track::Track;
use bytes::Bytes;
use vpim::audio::g726::NibbleOrder;
use vpim::{Container, Content, Message, Purpose, Undecodable, Voice};

/// Why there is no sound.
#[derive(Debug, PartialEq, Eq)]
pub enum Silence {
    /// The message has nothing to hear.
    NoVoice,
    /// There is no part of this index.
    NoPart,
    /// The part is not sound.
    NotVoice,
    /// It cannot be decoded.
    Undecodable(Undecodable),
}

/// The recordings of one part, or of the whole message: what is said in it and in the messages it encloses, in order, without spoken
/// names and subjects. They share the bytes of the body wherever these stand in it as they are.
pub(super) fn tracks(body: &Bytes, part: Option<u32>) -> Result<Vec<Track>, Silence> {
    let message = vpim::parse_kept(body);
    let mut voices = Vec::new();
    match part {
        Some(wanted) => match find(&message, &mut 0, wanted) {
            None => return Err(Silence::NoPart),
            Some(Content::Voice(voice)) => voices.push(voice),
            Some(_) => return Err(Silence::NotVoice),
        },
        None => spoken(&message, &mut voices),
    }
    if voices.is_empty() {
        return Err(Silence::NoVoice);
    }
    voices.iter().map(|voice| track(voice, body)).collect()
}

fn track(voice: &Voice<'_>, body: &Bytes) -> Result<Track, Silence> {
    let coded = voice.coded(NibbleOrder::default());
    let (coding, codes) = coded.map_err(Silence::Undecodable)?;
    Ok(Track {
        coding,
        codes: match voice.data.is_borrowed() {
            true => body.slice_ref(codes),
            false => Bytes::copy_from_slice(codes),
        },
        samples: coding.samples(codes.len() as u64),
    })
}

fn find<'m, 'a>(message: &'m Message<'a>, next: &mut u32, wanted: u32) -> Option<&'m Content<'a>> {
    for part in &message.parts {
        match &part.content {
            Content::Forwarded(inner) => {
                if let Some(found) = find(inner, next, wanted) {
                    return Some(found);
                }
            }
            Content::DeliveryReport(_) | Content::DispositionReport(_) => {}
            content => {
                if *next == wanted {
                    return Some(content);
                }
                *next += 1;
            }
        }
    }
    None
}

/// The parts whose lengths together are the message's length.
fn spoken<'m, 'a>(message: &'m Message<'a>, voices: &mut Vec<&'m Voice<'a>>) {
    for part in &message.parts {
        match &part.content {
            Content::Voice(voice)
                if matches!(voice.purpose, Purpose::VoiceMessage | Purpose::Notification) =>
            {
                voices.push(voice);
            }
            // The reader of a report has heard the original: it is their own.
            Content::Forwarded(inner) if !matches!(message.container, Container::Report(_)) => {
                spoken(inner, voices)
            }
            _ => {}
        }
    }
}

/// Samples of the sound of a message.
#[cfg(test)]
pub(crate) fn length(body: &'static [u8], part: Option<u32>) -> Result<u64, Silence> {
    let tracks = tracks(&Bytes::from_static(body), part)?;
    Ok(tracks.iter().map(|track| track.samples).sum())
}
