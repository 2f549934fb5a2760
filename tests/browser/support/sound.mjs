// A known sound for the browser's microphone, and how like it is what came of it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Samples a second of everything that a server gives. */
export const RATE = 8_000;
const SECONDS = 8;
/** A syllable: another pitch each, so that no two places of the sound are alike. */
const SYLLABLE = 0.17;

/** The known sound at this rate: syllables of 300 to 2000 Hz, each of two pitches, swelling and fading. */
function known(rate) {
  let seed = 7;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const syllables = Array.from({ length: Math.ceil(SECONDS / SYLLABLE) }, () => [300 + random() * 900, 900 + random() * 1_100, 0.4 + random() * 0.6]);
  return Float32Array.from({ length: SECONDS * rate }, (_, n) => {
    const at = n / rate;
    const [low, high, loud] = syllables[Math.floor(at / SYLLABLE)];
    const within = (at % SYLLABLE) / SYLLABLE;
    return Math.sin(Math.PI * within) * loud * 0.25 * (Math.sin(2 * Math.PI * low * at) + 0.6 * Math.sin(2 * Math.PI * high * at));
  });
}

/** A WAV file of 16 bits, one channel. */
export function wav(samples, rate) {
  const file = Buffer.alloc(44 + 2 * samples.length);
  file.write('RIFF', 0);
  file.writeUInt32LE(36 + 2 * samples.length, 4);
  file.write('WAVEfmt ', 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(rate, 24);
  file.writeUInt32LE(2 * rate, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36);
  file.writeUInt32LE(2 * samples.length, 40);
  samples.forEach((sample, n) => file.writeInt16LE(Math.round(Math.max(-1, Math.min(1, sample)) * 32_767), 44 + 2 * n));
  return file;
}

/** The samples of a WAV file of 16 bits that a server gives. */
export function samplesOf(file) {
  return Float32Array.from({ length: (file.length - 44) / 2 }, (_, n) => file.readInt16LE(44 + 2 * n) / 32_768);
}

/** A folder with the known sound as a file, over and over what the microphone hears. */
export function knownSound() {
  const dir = mkdtempSync(join(tmpdir(), 'callpilot-sound-'));
  const file = join(dir, 'known.wav');
  writeFileSync(file, wav(known(48_000), 48_000));
  return {
    file,
    /** Arguments by which Chromium hears it. */
    args: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-audio-capture=${file}`],
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Where in the known sound these samples lie (in seconds), and how like they are to it there: 1 is the same. */
export function whereKnown(samples, step = 1) {
  const all = known(RATE);
  const loop = new Float32Array(all.length + samples.length);
  loop.set(all);
  loop.set(all.subarray(0, samples.length), all.length);
  let best = { at: 0, likeness: 0 };
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0);
  for (let shift = 0; shift < all.length; shift += step) {
    let product = 0;
    let other = 0;
    for (let n = 0; n < samples.length; n++) {
      const sample = loop[shift + n];
      product += samples[n] * sample;
      other += sample * sample;
    }
    const likeness = product / Math.sqrt(power * other);
    if (likeness > best.likeness) best = { at: shift / RATE, likeness };
  }
  return best;
}

/** How like a stretch of a recording is to the known sound, at the place that this stretch has there. */
export const stretchAt = (samples, from, seconds = 0.35) => {
  const begin = Math.round(from * RATE);
  const found = whereKnown(samples.subarray(begin, begin + Math.round(seconds * RATE)));
  return { ...found, begin: ((found.at - from) % SECONDS + SECONDS) % SECONDS };
};
