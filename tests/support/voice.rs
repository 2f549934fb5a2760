//! Voice messages for tests: VPIM with G.726 audio, any bytes of which can be played.

/// Octets of one second of G.726 at 32 kbit/s.
pub const SECOND: usize = 4_000;

/// A voice message of `octets` octets of audio, different for each `seed`. Binary: for BDAT.
pub fn message(from: &str, to: &str, seed: u64, octets: usize) -> Vec<u8> {
    let mut out = head(from, to, seed, "binary").into_bytes();
    out.extend(audio(seed, octets));
    out.extend_from_slice(b"\r\n--voice--\r\n");
    out
}

/// The same with base64: for DATA and for every client.
pub fn message_in_lines(from: &str, to: &str, seed: u64, octets: usize) -> String {
    let audio: Vec<u8> = audio(seed, octets).collect();
    let mut out = head(from, to, seed, "base64");
    for line in audio.chunks(57) {
        out += &base64(line);
        out += "\r\n";
    }
    out + "--voice--\r\n"
}

/// A WAV file of so many 8 kHz samples, a tone that is higher for each `seed`.
pub fn wav(seed: u16, samples: u32) -> Vec<u8> {
    let len = 2 * samples;
    let mut file = Vec::with_capacity(44 + len as usize);
    file.extend(b"RIFF");
    file.extend((36 + len).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend([1_u16, 1].map(u16::to_le_bytes).concat());
    file.extend([8_000_u32, 16_000].map(u32::to_le_bytes).concat());
    file.extend([2_u16, 16].map(u16::to_le_bytes).concat());
    file.extend(b"data");
    file.extend(len.to_le_bytes());
    let period = 80 / (1 + u32::from(seed));
    let tone = |n: u32| -> i16 {
        if n % period < period / 2 {
            6_000
        } else {
            -6_000
        }
    };
    file.extend((0..samples).flat_map(|n| tone(n).to_le_bytes()));
    file
}

/// The subject of the message made from this seed.
pub fn subject(seed: u64) -> String {
    format!("Message {seed}")
}

fn head(from: &str, to: &str, seed: u64, encoding: &str) -> String {
    format!(
        "From: \"Sender {seed}\" <{from}>\r\nTo: <{to}>\r\nSubject: {}\r\nDate: Fri, 13 Nov 2026 09:58:00 +0000\r\n\
         Message-ID: <{seed}@client.example>\r\nMIME-Version: 1.0 (Voice 2.0)\r\n\
         Content-Type: multipart/voice-message; version=2.0; boundary=voice\r\n\
         Content-Transfer-Encoding: {}\r\n\r\n\
         --voice\r\nContent-Type: audio/32KADPCM\r\nContent-Transfer-Encoding: {encoding}\r\n\
         Content-Disposition: inline; voice=Voice-Message; filename=msg.726\r\n\r\n",
        subject(seed),
        if encoding == "binary" {
            "binary"
        } else {
            "7bit"
        },
    )
}

/// A sequence without any 0x0A or 0x2D, so that nothing in it looks like a boundary (xorshift64*).
fn audio(seed: u64, octets: usize) -> impl Iterator<Item = u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    std::iter::repeat_with(move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56) as u8 | 0x80
    })
    .take(octets)
}

/// Base64 in one line (RFC 4648).
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let word =
            three.iter().fold(0u32, |w, &b| w << 8 | u32::from(b)) << (8 * (3 - three.len()));
        for i in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= three.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_is_that_of_the_rfc() {
        let of = |text: &str| super::base64(text.as_bytes());
        assert_eq!(
            ["", "f", "fo", "foo", "foob"].map(of),
            ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]
        );
    }
}
