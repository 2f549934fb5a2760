//! Files of every kind, made here: each says the same samples, or says why it cannot be heard.

use super::*;
use crate::g726::{self, NibbleOrder};
use crate::stored;

/// A WAV file with this `fmt ` chunk.
fn wav(format: &[u8], data: &[u8]) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WAVEfmt ".to_vec();
    file.extend((format.len() as u32).to_le_bytes());
    file.extend(format);
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

/// Tag, channels, rate, octets of a frame, bits.
fn format(tag: u16, channels: u16, rate_hz: u32, align: u16, bits: u16) -> Vec<u8> {
    let mut format = [tag.to_le_bytes(), channels.to_le_bytes()].concat();
    format.extend(rate_hz.to_le_bytes());
    format.extend((rate_hz * u32::from(align)).to_le_bytes());
    format.extend([align.to_le_bytes(), bits.to_le_bytes()].concat());
    format
}

fn extensible(tag: u16, channels: u16, rate_hz: u32, align: u16, bits: u16) -> Vec<u8> {
    let mut format = format(0xfffe, channels, rate_hz, align, bits);
    format.extend([22, 0]);
    format.extend(bits.to_le_bytes());
    format.extend([3, 0, 0, 0]);
    format.extend(tag.to_le_bytes());
    format.extend(b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
    format
}

fn au(start: u32, len: u32, encoding: u32, rate_hz: u32, channels: u32, data: &[u8]) -> Vec<u8> {
    let mut file = b".snd".to_vec();
    for number in [start, len, encoding, rate_hz, channels] {
        file.extend(number.to_be_bytes());
    }
    file.resize(start.min(100) as usize, b'i');
    file.extend(data);
    file
}

fn heard(file: &[u8]) -> Result<Vec<i16>, FileError> {
    let (coding, codes) = read(file)?;
    let mut samples = Vec::new();
    coding.decode(codes, 0..u64::MAX, &mut samples);
    assert_eq!(samples.len() as u64, coding.samples(codes.len() as u64));
    Ok(samples)
}

#[test]
fn wav_files_of_every_width_are_heard() {
    let expected = vec![258, -2];
    for (format, data) in [
        (format(1, 1, 8_000, 2, 16), &b"\x02\x01\xfe\xff"[..]),
        (format(1, 1, 8_000, 0, 12), b"\x02\x01\xfe\xff"),
        (format(1, 1, 8_000, 3, 24), b"x\x02\x01x\xfe\xff"),
        (format(1, 1, 8_000, 4, 24), b"xx\x02\x01xx\xfe\xff"),
        (
            format(1, 2, 8_000, 6, 24),
            b"x\x02\x01x\x02\x01x\xfe\xffx\xfe\xff",
        ),
        (format(1, 1, 8_000, 4, 32), b"xx\x02\x01xx\xfe\xff"),
        (extensible(1, 1, 8_000, 2, 16), b"\x02\x01\xfe\xff"),
        (extensible(1, 1, 8_000, 3, 24), b"x\x02\x01x\xfe\xff"),
    ] {
        let file = wav(&format, data);
        assert_eq!(heard(&file), Ok(expected.clone()), "{format:?}");
    }
    let floats: Vec<u8> = [0.5f32, -0.5]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    for format in [format(3, 1, 8_000, 4, 32), extensible(3, 1, 8_000, 4, 32)] {
        assert_eq!(heard(&wav(&format, &floats)), Ok(vec![16_384, -16_384]));
    }
    assert_eq!(
        heard(&wav(&format(7, 1, 8_000, 1, 0), &[0x80])),
        Ok(vec![32_124])
    );
    assert_eq!(
        heard(&wav(&format(6, 1, 8_000, 1, 16), &[0xaa])),
        Ok(vec![32_256])
    );
}

#[test]
fn wav_files_of_every_rate_have_their_length() {
    for rate in [6_000u32, 11_025, 16_000, 22_050, 44_100, 48_000] {
        for channels in [1, 2] {
            let align = 2 * channels;
            let mut file = wav(
                &format(1, channels, rate, align, 16),
                &vec![0; rate as usize * usize::from(align)],
            );
            assert_eq!(heard(&file).map(|s| s.len()), Ok(8_000), "{rate}");
            for size in [0, u32::MAX, 0x7fff_ffff] {
                file[40..44].copy_from_slice(&size.to_le_bytes());
                assert_eq!(
                    heard(&file).map(|s| s.len()),
                    Ok(8_000),
                    "{rate}, {size:#x}"
                );
            }
        }
    }
}

#[test]
fn au_files_of_every_kind_are_heard() {
    let floats: Vec<u8> = [0.5f32, -0.5]
        .iter()
        .flat_map(|v| v.to_be_bytes())
        .collect();
    let codes: Vec<u8> = (0..=255).collect();
    for (encoding, data, expected) in [
        (1, &[0x80, 0x00][..], vec![32_124, -32_124]),
        (2, &[127, 128], vec![127 << 8, i16::MIN]),
        (3, &[1, 2, 0xff, 0xfe], vec![258, -2]),
        (4, &[1, 2, 9, 0xff, 0xfe, 9], vec![258, -2]),
        (5, &[1, 2, 9, 9, 0xff, 0xfe, 9, 9], vec![258, -2]),
        (6, &floats, vec![16_384, -16_384]),
        (23, &codes, g726::decode(&codes, NibbleOrder::LowFirst)),
        (27, &[0xaa], vec![32_256]),
    ] {
        for (start, len) in [
            (24, data.len() as u32),
            (24, u32::MAX),
            (28, 0),
            (30, data.len() as u32),
        ] {
            let file = au(start, len, encoding, 8_000, 1, data);
            assert_eq!(heard(&file), Ok(expected.clone()), "{encoding}");
        }
    }
    // The rate and the channels are those of the file; what lies behind the sound is none.
    assert_eq!(
        heard(&au(24, 32_000, 3, 16_000, 1, &[0; 32_100])).map(|s| s.len()),
        Ok(8_000)
    );
    assert_eq!(
        heard(&au(24, u32::MAX, 1, 8_000, 2, &[0x80, 0x00])),
        Ok(vec![0])
    );
    let mut turned = b"dns.".to_vec();
    for number in [24u32, 4, 3, 8_000, 1] {
        turned.extend(number.to_le_bytes());
    }
    turned.extend(b"\x02\x01\xfe\xff");
    assert_eq!(heard(&turned), Ok(vec![258, -2]));
}

#[test]
fn telephone_sound_travels_as_it_is() {
    let travels = |file: &[u8]| read(file).is_ok_and(|(coding, _)| stored::travels(coding));
    assert!(travels(&wav(&format(1, 1, 8_000, 2, 16), &[0; 8])));
    assert!(travels(&wav(&extensible(7, 1, 8_000, 1, 8), &[0; 8])));
    assert!(travels(&au(24, 8, 1, 8_000, 1, &[0; 8])));
    assert!(travels(&au(24, 8, 23, 0, 0, &[0; 8])));
    assert!(!travels(&wav(&format(1, 1, 16_000, 2, 16), &[0; 8])));
    assert!(!travels(&au(24, 8, 3, 8_000, 1, &[0; 8])));
}

#[test]
fn what_cannot_be_heard_says_why() {
    let said = |file: &[u8]| read(file).expect_err("it is not decoded").to_string();
    assert!(said(&wav(&format(0x55, 1, 8_000, 1, 0), &[0; 8])).contains("0x0055"));
    assert!(said(&wav(&format(1, 9, 8_000, 18, 16), &[0; 36])).contains("9 channels"));
    assert!(said(&wav(&format(1, 1, 1, 2, 16), &[0; 36])).contains("1 samples a second"));
    assert!(said(&au(24, 8, 24, 8_000, 1, &[0; 8])).contains("encoding 24"));
    assert!(said(&au(24, 8, 1, 8_000, 300_000, &[0; 8])).contains("300000 channels"));
    assert_eq!(
        read(b"RIFF\0\0\0\0WAVE"),
        Err(FileError::Wav(WavError::NotWav))
    );
    assert_eq!(
        read(&au(5_000, 8, 1, 8_000, 1, &[0; 8])),
        Err(FileError::NotSound)
    );
    assert_eq!(read(b"OggS"), Err(FileError::NotSound));
}

#[test]
fn every_truncation_is_an_answer_and_not_a_fault() {
    for whole in [
        wav(&extensible(3, 2, 44_100, 8, 32), &[1; 64]),
        au(28, 64, 5, 16_000, 2, &[1; 64]),
    ] {
        for len in 0..whole.len() {
            drop(heard(&whole[..len]));
        }
    }
}
