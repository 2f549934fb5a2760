//! What of a kept message leaves for another VPIM system: its sound as G.726, which every one of them plays (RFC 3801 section 4.3.2).
//!
//! Here a recording is kept as it came. A WAV file is of no use to a telephone system, and the file that a recording was made of is only what that recording
//! says already.

use crate::audio::g726::{AdpcmEncoder, NibbleOrder};
use crate::build::Recording;
use crate::content::{Content, Message, Part};
use crate::data::Data;
use crate::envelope::Container;
use crate::voice::{Codec, Voice};

/// Samples that are converted at once.
const STEP: u64 = 64 << 10;

/// Makes all sound of a message G.726, and leaves out the files that recordings were made of. Where nothing but sound, faxes and messages is left, it is a voice
/// message. What cannot be decoded stays as it is.
pub fn as_vpim(message: &mut Message<'_>) {
    message
        .parts
        .retain(|part| !matches!(part.content, Content::Original { .. }));
    for part in &mut message.parts {
        match &mut part.content {
            Content::Forwarded(inner) => as_vpim(inner),
            Content::Voice(voice) => {
                if let Some(recording) = converted(voice) {
                    *part = recording;
                }
            }
            _ => {}
        }
    }
    let is_vpim = |part: &Part<'_>| {
        matches!(
            part.content,
            Content::Voice(_) | Content::Fax(_) | Content::Forwarded(_)
        )
    };
    let mixed = Container::Multipart("mixed".to_string());
    if message.container == mixed && message.parts.iter().all(is_vpim) {
        message.container = Container::VoiceMessage;
    }
}

/// The recording as G.726; `None` if it is that already, or cannot be decoded.
fn converted(voice: &Voice<'_>) -> Option<Part<'static>> {
    let codes = match voice.codec {
        Codec::Adpcm32 => return None,
        // The same codes, in the other order.
        Codec::Adpcm32Aal2 => voice.data.iter().map(|pair| pair.rotate_left(4)).collect(),
        _ => encoded(voice)?,
    };
    let recording = Recording::adpcm(voice.purpose, Data::from(codes));
    recording.part().ok()
}

fn encoded(voice: &Voice<'_>) -> Option<Vec<u8>> {
    let (coding, codes) = voice.coded(NibbleOrder::LowFirst).ok()?;
    let samples = coding.samples(codes.len() as u64);
    let mut encoder = AdpcmEncoder::new(NibbleOrder::LowFirst);
    let mut encoded = Vec::with_capacity(usize::try_from(samples / 2 + 1).ok()?);
    let mut piece = Vec::new();
    let mut at = 0;
    while at < samples {
        let end = samples.min(at + STEP);
        piece.clear();
        coding.decode(codes, at..end, &mut piece);
        encoder.encode(&piece, &mut encoded);
        at = end;
    }
    Some(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Transfer, encode, parse};

    const SOUND: &[u8] = &[0xff; 16_001];

    fn mail(parts: &[&str]) -> Vec<u8> {
        let mut mail =
            b"From: 21@a.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
        for head in parts {
            mail.extend_from_slice(
                format!("--b\r\n{head}\r\nContent-Transfer-Encoding: binary\r\n\r\n").as_bytes(),
            );
            mail.extend_from_slice(SOUND);
            mail.extend_from_slice(b"\r\n");
        }
        mail.extend_from_slice(b"--b--\r\n");
        mail
    }

    #[test]
    fn sound_of_every_kind_leaves_as_a_voice_message_with_g726() {
        let kept = mail(&[
            "Content-Type: audio/basic",
            "Content-Type: audio/32KADPCM",
            "Content-Type: audio/AAL2-G726-32",
        ]);
        let mut message = parse(&kept);
        let before: Vec<_> = message
            .parts
            .iter()
            .map(|part| part.voice().unwrap().duration_ms())
            .collect();
        as_vpim(&mut message);
        let sent = encode(&message, Transfer::Base64, 0);
        let read = parse(&sent);
        assert_eq!(read.container, Container::VoiceMessage);
        for (part, before) in read.parts.iter().zip(before) {
            let voice = part.voice().unwrap();
            assert_eq!(
                (&voice.codec, voice.duration_ms()),
                (&Codec::Adpcm32, before)
            );
        }
        assert_eq!(read.parts.len(), 3);
        assert!(sent.is_ascii(), "nothing needs 8BITMIME");
    }

    #[test]
    fn a_text_beside_the_sound_stays() {
        let kept = mail(&["Content-Type: audio/basic"]);
        let kept =
            String::from_utf8_lossy(&kept).replace("--b--", "--b\r\n\r\nGr\u{fc}\u{df}e\r\n--b--");
        let kept = kept.into_bytes();
        let mut message = parse(&kept);
        as_vpim(&mut message);
        assert_eq!(message.container, Container::Multipart("mixed".into()));
        assert_eq!(message.parts.len(), 2);
        assert!(encode(&message, Transfer::Base64, 0).is_ascii());
    }
}
