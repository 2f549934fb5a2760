//! A recording while it is made: the microphone's samples are made 8 kHz, measured, and encoded as they come. What they become is stored sound
//! (`codec::stored`): G.726, announced with an unknown number of samples, so that it may be handed on before its end is known.

use super::loudness::{Loudness, Reading};
use codec::foreign::Resampler;
use codec::g726::{self, AdpcmEncoder, NibbleOrder};
use codec::stored;
use codec::{Coding, SAMPLE_RATE_HZ, duration_ms};

/// Octets that one second of a recording has.
const OCTETS_A_SECOND: usize = SAMPLE_RATE_HZ as usize / 2;
/// Octets that are handed on together, at most.
const PIECE_MAX: usize = 256 * 1024;
const ORDER: NibbleOrder = NibbleOrder::LowFirst;
/// Samples for each of which the loudest is known: a tenth of a second.
const PEAK_SAMPLES: usize = SAMPLE_RATE_HZ as usize / 10;
/// Bars of its drawing. Until there are so many tenths of a second, the rest is drawn as silence.
const BARS: usize = 110;

/// A recording.
#[derive(Debug)]
pub struct Recording {
    /// Samples that it may have.
    samples_max: u64,
    /// Stored sound: its head, and the codes so far.
    octets: Vec<u8>,
    /// Octets that were handed on.
    handed: usize,
    encoder: AdpcmEncoder,
    /// None while it rests.
    resampler: Option<Resampler>,
    loudness: Loudness,
    /// The loudest of each tenth of a second.
    peaks: Vec<u16>,
    /// Samples that came since the last of them, and the loudest of these.
    coming: (usize, u16),
}

impl Recording {
    /// An empty one, of at most so many milliseconds.
    pub fn new(limit_ms: u64) -> Self {
        Self {
            samples_max: limit_ms * u64::from(SAMPLE_RATE_HZ) / 1_000,
            octets: stored::head(&[(Coding::Adpcm(ORDER), u64::from(stored::SAMPLES_UNKNOWN))]),
            handed: 0,
            encoder: AdpcmEncoder::new(ORDER),
            resampler: None,
            loudness: Loudness::default(),
            peaks: Vec::new(),
            coming: (0, 0),
        }
    }

    /// One that was made before and is known to whoever it is for; `None` if these octets are none. What is beyond the limit is left out.
    pub fn of(stored: &[u8], limit_ms: u64) -> Option<Self> {
        let mut recording = Self::new(limit_ms);
        let codes = stored::adpcm(stored)?;
        let codes_max = usize::try_from(recording.samples_max / 2).unwrap_or(usize::MAX);
        let codes = &codes[..codes.len().min(codes_max)];
        recording.octets.extend(codes);
        recording.handed = recording.octets.len();
        recording.measure_again();
        Some(recording)
    }

    fn codes(&self) -> &[u8] {
        stored::adpcm(&self.octets).unwrap_or_default()
    }

    /// Milliseconds that are said.
    pub fn duration_ms(&self) -> u64 {
        duration_ms(self.samples())
    }

    fn samples(&self) -> u64 {
        self.codes().len() as u64 * 2
    }

    /// Nothing is said yet.
    pub fn is_empty(&self) -> bool {
        self.codes().is_empty()
    }

    /// Its limit is reached.
    pub fn is_full(&self) -> bool {
        self.samples() + 1 >= self.samples_max
    }

    /// Begins, or goes on, with samples of this rate. False if that is a rate that no microphone has.
    pub fn go_on(&mut self, rate_hz: u32) -> bool {
        self.resampler = Resampler::new(rate_hz);
        self.loudness = Loudness::default();
        self.resampler.is_some()
    }

    /// Takes the next samples of the microphone; nothing while it rests, and nothing beyond the limit. What the meter shows comes once for each
    /// tenth of a second.
    pub fn hear(&mut self, piece: &[i16]) -> Option<Reading> {
        let mut samples = Vec::new();
        self.resampler.as_mut()?.push(piece, &mut samples);
        self.take(&samples)
    }

    /// Rests: what came is all there is, until it goes on.
    pub fn rest(&mut self) {
        if let Some(resampler) = self.resampler.take() {
            let mut samples = Vec::new();
            resampler.finish(&mut samples);
            self.take(&samples);
        }
    }

    fn take(&mut self, samples: &[i16]) -> Option<Reading> {
        let room = self.samples_max.saturating_sub(self.samples());
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let samples = &samples[..samples.len().min(room)];
        self.encoder.encode(samples, &mut self.octets);
        self.measure(samples)
    }

    fn measure(&mut self, samples: &[i16]) -> Option<Reading> {
        let mut reading = None;
        for sample in samples {
            let (came, loudest) = self.coming;
            self.coming = (came + 1, loudest.max(sample.unsigned_abs()));
            if came + 1 == PEAK_SAMPLES {
                self.peaks.push(self.coming.1);
                reading = Some(self.loudness.take(self.coming.1));
                self.coming = (0, 0);
            }
        }
        reading
    }

    fn measure_again(&mut self) {
        (self.peaks, self.coming) = (Vec::new(), (0, 0));
        let samples = self.decoded();
        self.measure(&samples);
    }

    /// Leaves out all behind this place, and is another recording from then on: all of it is to be handed on anew.
    pub fn cut(&mut self, at_ms: u64) {
        self.resampler = None;
        let codes = usize::try_from(at_ms).unwrap_or(usize::MAX);
        let codes = codes.saturating_mul(OCTETS_A_SECOND / 1_000);
        let head = self.octets.len() - self.codes().len();
        self.octets.truncate(head.saturating_add(codes));
        self.encoder = AdpcmEncoder::behind(self.codes(), ORDER);
        self.handed = 0;
        self.measure_again();
    }

    /// What has come and was not handed on, if it is a second or if `all` of it is wanted: where it belongs, and the octets. Called until there
    /// is nothing.
    pub fn hand_on(&mut self, all: bool) -> Option<(u64, &[u8])> {
        let from = self.handed;
        let new = self.octets.len() - from;
        if new == 0 || (!all && new < OCTETS_A_SECOND) {
            return None;
        }
        self.handed += new.min(PIECE_MAX);
        Some((from as u64, &self.octets[from..self.handed]))
    }

    /// All of it: stored sound.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Its samples at 8 kHz, to listen to.
    pub fn decoded(&self) -> Vec<i16> {
        g726::decode(self.codes(), ORDER)
    }

    /// Its shape as bars, each 0 to 1, the loudest full.
    pub fn bars(&self) -> Vec<f32> {
        let places = self.peaks.len().max(BARS);
        let of = |bar: usize| {
            let stretch = bar * places / BARS..(bar + 1) * places / BARS;
            let peaks = self.peaks.iter().skip(stretch.start).take(stretch.len());
            peaks.copied().max().unwrap_or(0)
        };
        let bars: Vec<u16> = (0..BARS).map(of).collect();
        // Hiss is not drawn as speech.
        let loudest = bars.iter().copied().fold(655, u16::max);
        let part = |bar: u16| f32::from(bar) / f32::from(loudest);
        bars.into_iter().map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone of 440 Hz.
    fn tone(rate_hz: u32, seconds: u32) -> Vec<i16> {
        let sample = |n: u32| {
            let turn = f64::from(n) / f64::from(rate_hz) * 440.0 * std::f64::consts::TAU;
            (turn.sin() * 8_000.0) as i16
        };
        (0..rate_hz * seconds).map(sample).collect()
    }

    fn recorded(seconds: u32) -> Recording {
        let mut recording = Recording::new(300_000);
        assert!(recording.go_on(48_000));
        for piece in tone(48_000, seconds).chunks(1_024) {
            recording.hear(piece);
        }
        recording.rest();
        recording
    }

    /// How alike two sounds are, 0 to 1, where one lies up to `shift` samples behind the other.
    fn likeness(one: &[i16], other: &[i16], shift: usize) -> f64 {
        let at = |shift: usize| {
            let pairs = one.iter().zip(&other[shift..]);
            let (mut product, mut a, mut b) = (0.0, 0.0, 0.0);
            for (x, y) in pairs.map(|(x, y)| (f64::from(*x), f64::from(*y))) {
                product += x * y;
                a += x * x;
                b += y * y;
            }
            product / (a * b).sqrt()
        };
        (0..shift).map(at).fold(0.0, f64::max)
    }

    #[test]
    fn what_is_said_is_as_long_and_sounds_as_it_did() {
        let recording = recorded(3);
        assert_eq!(recording.duration_ms(), 3_000);
        let heard = recording.decoded();
        assert!(likeness(&heard, &tone(8_000, 3), 20) > 0.99);
        assert!(
            recording
                .octets()
                .starts_with(b"CPS1\x01\0\x01\xff\xff\xff\xff")
        );
    }

    #[test]
    fn what_a_telephone_cannot_carry_does_not_fold_down_upon_speech() {
        let mut recording = Recording::new(300_000);
        recording.go_on(48_000);
        let shrill = |n: u32| (f64::from(n) / 48_000.0 * 7_000.0 * std::f64::consts::TAU).sin();
        let shrill: Vec<i16> = (0..96_000).map(|n| (shrill(n) * 16_000.0) as i16).collect();
        recording.hear(&shrill);
        recording.rest();
        // It begins and ends with a click, which has all pitches.
        let steady = &recording.decoded()[400..15_600];
        let loudest = steady.iter().map(|sample| sample.unsigned_abs()).max();
        assert!(loudest < Some(40), "{loudest:?}");
    }

    #[test]
    fn it_is_handed_on_second_by_second_and_whole() {
        let mut recording = Recording::new(300_000);
        recording.go_on(48_000);
        let (mut whole, mut times) = (Vec::<u8>::new(), 0);
        for piece in tone(48_000, 3).chunks(1_024) {
            recording.hear(piece);
            while let Some((offset, octets)) = recording.hand_on(false) {
                assert_eq!(offset, whole.len() as u64);
                assert!((4_000..4_200).contains(&octets.len()));
                whole.extend(octets);
                times += 1;
            }
        }
        assert_eq!(times, 2, "the third second is not whole yet");
        recording.rest();
        let (offset, last) = recording.hand_on(true).unwrap();
        assert_eq!(offset, whole.len() as u64);
        whole.extend(last);
        assert_eq!(whole, recording.octets());
        assert_eq!(recording.hand_on(true), None);
    }

    #[test]
    fn it_goes_on_after_a_rest_as_if_there_had_been_none() {
        let mut recording = recorded(1);
        assert_eq!(recording.hear(&[9_000; 48_000]), None, "it rests");
        assert_eq!(recording.duration_ms(), 1_000);
        recording.go_on(44_100);
        recording.hear(&tone(44_100, 2));
        recording.rest();
        assert_eq!(recording.duration_ms(), 3_000);
        let heard = recording.decoded();
        assert!(likeness(&heard[8_200..], &tone(8_000, 3), 20) > 0.98);
    }

    #[test]
    fn whoever_records_again_from_a_place_keeps_what_was_before_and_hands_it_on_anew() {
        let mut recording = recorded(3);
        while recording.hand_on(true).is_some() {}
        let before = recording.decoded();
        recording.cut(1_500);
        assert_eq!(recording.duration_ms(), 1_500);
        recording.go_on(48_000);
        recording.hear(&tone(48_000, 1));
        recording.rest();
        let after = recording.decoded();
        assert_eq!(recording.duration_ms(), 2_500);
        assert_eq!(after[..12_000], before[..12_000]);
        assert!(likeness(&after[12_200..], &tone(8_000, 3), 20) > 0.98);
        assert_eq!(recording.hand_on(true).map(|(offset, _)| offset), Some(0));
        recording.cut(99_999);
        assert_eq!(recording.duration_ms(), 2_500);
    }

    #[test]
    fn it_ends_at_its_limit_and_loses_nothing_of_what_was_before() {
        let mut recording = Recording::new(1_000);
        recording.go_on(48_000);
        for piece in tone(48_000, 2).chunks(1_024) {
            recording.hear(piece);
        }
        assert!(recording.is_full());
        recording.rest();
        assert_eq!(recording.duration_ms(), 1_000);
        let long = recorded(3);
        let opened = Recording::of(long.octets(), 2_000).unwrap();
        assert_eq!((opened.duration_ms(), opened.is_full()), (2_000, true));
    }

    #[test]
    fn what_was_made_before_is_opened_as_it_was() {
        let made = recorded(3);
        let mut opened = Recording::of(made.octets(), 300_000).unwrap();
        assert_eq!(opened.octets(), made.octets());
        let bars = opened.bars().into_iter().zip(made.bars());
        assert!(
            bars.into_iter()
                .all(|(one, other)| (one - other).abs() < 0.1)
        );
        assert_eq!(opened.hand_on(true), None, "it is known already");
        assert!(Recording::of(b"RIFF", 300_000).is_none());
    }

    #[test]
    fn its_drawing_grows_from_the_left() {
        let bars = recorded(3).bars();
        assert_eq!(bars.len(), BARS);
        assert!(bars[..29].iter().all(|bar| *bar > 0.9));
        assert!(bars[30..].iter().all(|bar| *bar == 0.0));
        let long = recorded(22).bars();
        assert!(long.iter().all(|bar| *bar > 0.9));
    }
}
