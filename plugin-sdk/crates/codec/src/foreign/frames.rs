//! Frames of samples of any width: each stands for itself.

use crate::g711;

/// How a sample is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sample {
    /// G.711 µ-law.
    MuLaw,
    /// G.711 A-law.
    ALaw,
    /// An octet of which 128 is silence.
    Unsigned8,
    /// A number of one to four octets, the loudest of which uses them all.
    Signed {
        /// Octets.
        width: u8,
        /// The first octet is the highest.
        big_endian: bool,
    },
    /// A number of 32 or 64 bits between -1 and 1 (IEEE 754).
    Float {
        /// Of 64 bits.
        double: bool,
        /// The first octet is the highest.
        big_endian: bool,
    },
}

impl Sample {
    /// Octets of a sample.
    pub const fn width(self) -> usize {
        match self {
            Self::MuLaw | Self::ALaw | Self::Unsigned8 => 1,
            Self::Signed { width, .. } => width as usize,
            Self::Float { double: false, .. } => 4,
            Self::Float { double: true, .. } => 8,
        }
    }

    /// The value of a code, which is as wide as that.
    fn value(self, code: &[u8]) -> i16 {
        match (self, code) {
            (Self::MuLaw, &[code]) => g711::mu_law_sample(code),
            (Self::ALaw, &[code]) => g711::a_law_sample(code),
            (Self::Unsigned8, &[code]) => (i16::from(code) - 128) << 8,
            (Self::Signed { .. }, &[code]) => i16::from(code as i8) << 8,
            // What is below 16 bits is left out.
            (
                Self::Signed {
                    big_endian: true, ..
                },
                &[high, low, ..],
            )
            | (
                Self::Signed {
                    big_endian: false, ..
                },
                &[.., low, high],
            ) => i16::from_be_bytes([high, low]),
            (Self::Float { big_endian, .. }, &[a, b, c, d]) => {
                rounded(f64::from(match big_endian {
                    true => f32::from_be_bytes([a, b, c, d]),
                    false => f32::from_le_bytes([a, b, c, d]),
                }))
            }
            (Self::Float { big_endian, .. }, &[a, b, c, d, e, f, g, h]) => {
                rounded(match big_endian {
                    true => f64::from_be_bytes([a, b, c, d, e, f, g, h]),
                    false => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
                })
            }
            _ => 0,
        }
    }
}

/// No number is silence.
fn rounded(value: f64) -> i16 {
    (value.clamp(-1.0, 1.0) * 32_767.0).round() as i16
}

/// A sample of each channel, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Frames {
    /// How each is written down.
    pub sample: Sample,
    /// How many there are.
    pub channels: u16,
}

impl Frames {
    /// Octets of a frame, at least one.
    pub(super) fn len(self) -> usize {
        (self.sample.width() * usize::from(self.channels)).max(1)
    }

    /// Appends a sample for each whole frame, mixed to one channel.
    pub(super) fn decode(self, frames: &[u8], samples: &mut Vec<i16>) {
        let width = self.sample.width();
        samples.extend(frames.chunks_exact(self.len()).map(|frame| {
            let channels = frame.chunks_exact(width);
            let sum: i32 = channels
                .map(|code| i32::from(self.sample.value(code)))
                .sum();
            (sum / i32::from(self.channels.max(1))) as i16
        }));
    }
}
