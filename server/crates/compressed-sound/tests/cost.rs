//! What a file costs: so many octets for each of its own and a constant, at once, and no more sound than is allowed. And files that are
//! made to cost more.

mod heard;

use compressed_sound::{DecodeError, FileFormat, decode};
use counting_allocator::{Allocated, Counting, measure};
use heard::{decoded, vector};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Octets held at once for each octet of a file: copies of packets and headers.
const FACTOR: usize = 4;
/// What decoders hold whatever comes: most are the tables of Vorbis.
const CONSTANT: usize = 8 << 20;

fn costs_little(name: &str, file: &[u8]) -> Result<u64, DecodeError> {
    let format = FileFormat::of(file).unwrap_or_else(|| panic!("{name} is known"));
    let mut samples = 0;
    let (outcome, Allocated { peak, .. }) = measure(|| {
        let take = |piece: &[i16]| samples += piece.len() as u64;
        decode(file, format, heard::SAMPLES_MAX, take)
    });
    assert!(
        peak <= FACTOR * file.len() + CONSTANT,
        "{name} of {} octets: {peak} at once",
        file.len()
    );
    outcome.map(|()| samples)
}

const FILES: [&str; 12] = [
    "mpeg1-tagged.mp3",
    "mpeg2-vbr-stereo.mp3",
    "adts.aac",
    "stereo.m4a",
    "fragments.mp4",
    "vorbis.ogg",
    "vorbis-stereo.ogg",
    "vorbis.webm",
    "hybrid.opus",
    "celt-stereo.opus",
    "opus.webm",
    "amr.3gp",
];

#[test]
fn a_file_takes_memory_by_its_length() {
    for name in FILES {
        assert!(costs_little(name, &vector(name)).is_ok(), "{name}");
    }
}

#[test]
fn a_file_that_breaks_off_is_heard_as_far_as_it_goes() {
    for name in FILES {
        let file = vector(name);
        let whole = decoded(&file).expect("it is decoded").len() as u64;
        // The tables of a whole MP4 file may stand at its end.
        let torn = costs_little(name, &file[..file.len() * 2 / 3]);
        let at_end = ["stereo.m4a", "amr.3gp"].contains(&name);
        assert_eq!(torn.is_err(), at_end, "{name}: {torn:?}");
        let heard = torn.unwrap_or(whole / 2);
        assert!(
            heard > whole / 4 && heard < whole,
            "{name}: {heard} of {whole}"
        );
    }
}

#[test]
fn damage_in_the_middle_does_not_end_the_sound() {
    for name in [
        "mpeg1-tagged.mp3",
        "adts.aac",
        "vorbis.ogg",
        "hybrid.opus",
        "opus.webm",
    ] {
        let mut file = vector(name);
        let whole = decoded(&file).expect("it is decoded").len();
        let (from, to) = (file.len() * 3 / 5, file.len() * 3 / 5 + 40);
        file[from..to].fill(0x2a);
        let heard = costs_little(name, &file).expect("it is decoded") as usize;
        assert!(heard > whole * 3 / 5, "{name}: {heard} of {whole}");
    }
}

#[test]
fn a_file_with_more_sound_than_is_allowed_is_refused() {
    let file = vector("silk-wide.opus");
    for (samples_max, heard) in [(20_000, true), (11_049, true), (5_000, false), (0, false)] {
        let mut samples = 0;
        let take = |piece: &[i16]| samples += piece.len() as u64;
        let outcome = decode(&file, FileFormat::Ogg, samples_max, take);
        let expected = if heard {
            Ok(())
        } else {
            Err(DecodeError::TooLong)
        };
        assert_eq!(outcome, expected, "{samples_max}");
    }
}

/// An MP4 file of few octets whose tables name one frame over and over.
#[test]
fn a_frame_that_is_named_a_billion_times_is_refused() {
    let mut file = vector("amr.3gp");
    let stsz = file
        .windows(4)
        .position(|four| four == b"stsz")
        .expect("lengths of samples");
    file[stsz + 8..stsz + 12].copy_from_slice(&32u32.to_be_bytes());
    file[stsz + 12..stsz + 16].copy_from_slice(&u32::MAX.to_be_bytes());
    let stsc = file
        .windows(4)
        .position(|four| four == b"stsc")
        .expect("runs of chunks");
    file[stsc + 16..stsc + 20].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(costs_little("lengths", &file), Err(DecodeError::TooLong));
}

/// Codebooks of 131,072 entries with 32 values each take 28 octets to describe, and 16 MiB in memory.
#[test]
fn tables_that_would_fill_the_memory_are_refused() {
    let mut setup = Bits::default();
    b"\x05vorbis"
        .iter()
        .for_each(|octet| setup.write(u64::from(*octet), 8));
    setup.write(255, 8);
    for _ in 0..256 {
        let fields = [
            (0x56_4342, 24),
            (32, 16),
            (131_072, 24),
            (1, 1),
            (16, 5),
            (131_072, 18),
            (1, 4),
            (0, 64),
            (3, 4),
            (0, 1),
            (1, 4),
        ];
        fields
            .into_iter()
            .for_each(|(value, bits)| setup.write(value, bits));
    }
    let mut identification = b"\x01vorbis\0\0\0\0\x01\x40\x1f\0\0".to_vec();
    identification.extend([0; 12]);
    identification.extend([0xb8, 1]);
    let file = ogg(&[&identification, b"\x03vorbis", &setup.octets, &[0; 10]]);
    assert_eq!(costs_little("tables", &file), Err(DecodeError::Damaged));
}

#[derive(Default)]
struct Bits {
    octets: Vec<u8>,
    used: u32,
}

impl Bits {
    /// From the lowest on.
    fn write(&mut self, value: u64, bits: u32) {
        for bit in 0..bits {
            if self.used.is_multiple_of(8) {
                self.octets.push(0);
            }
            let last = self.octets.len() - 1;
            self.octets[last] |= ((value >> bit & 1) as u8) << (self.used % 8);
            self.used += 1;
        }
    }
}

/// A page for each packet, which has less than 64 KiB.
fn ogg(packets: &[&[u8]]) -> Vec<u8> {
    let mut file = Vec::new();
    for (n, packet) in packets.iter().enumerate() {
        file.extend(b"OggS\0");
        file.push(if n == 0 { 2 } else { 0 });
        file.extend([0; 20]);
        let lengths = [
            vec![255; packet.len() / 255],
            vec![(packet.len() % 255) as u8],
        ]
        .concat();
        file.push(lengths.len() as u8);
        file.extend(lengths);
        file.extend(*packet);
    }
    file
}

/// Pages that each begin a stream of their own, and packets of nothing: what is passed over is passed over once.
#[test]
fn a_file_of_beginnings_is_walked_once() {
    let page = |stream: u32, lengths: &[u8], body: &[u8]| {
        let stream = stream.to_le_bytes();
        [
            b"OggS\0\x02".as_slice(),
            &[0; 8],
            &stream,
            &[0; 8],
            &[lengths.len() as u8],
            lengths,
            body,
        ]
        .concat()
    };
    let pages: Vec<_> = (0..200_000).map(|stream| page(stream, &[], &[])).collect();
    assert_eq!(
        costs_little("pages", &pages.concat()),
        Err(DecodeError::Damaged)
    );
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend([0; 9]);
    let empty = page(1, &[0; 255], &[]);
    let file = [page(1, &[19], &head), empty.repeat(20_000)].concat();
    assert_eq!(costs_little("packets", &file), Err(DecodeError::TooLong));
}

/// Whoever panics while a file is decoded: it is an error of that file, and the thread goes on.
#[test]
fn a_panic_is_an_error_of_the_file() {
    let file = vector("mode0.amr");
    let outcome = decode(&file, FileFormat::Amr, heard::SAMPLES_MAX, |_| {
        panic!("as a decoder might")
    });
    assert_eq!(outcome, Err(DecodeError::Damaged));
}
