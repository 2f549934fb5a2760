// A foreign VPIM system: builds a voice message and hands it over by SMTP.

import { execFileSync } from 'node:child_process';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';

/** Seconds of a tone as G.726 at 32 kbit/s, made by ffmpeg. */
export function tone(seconds, hertz = 440) {
  return execFileSync('ffmpeg', [
    '-loglevel', 'error', '-f', 'lavfi', '-i', `sine=frequency=${hertz}:duration=${seconds}`,
    '-ar', '8000', '-ac', '1', '-c:a', 'g726le', '-code_size', '4', '-f', 'g726le', '-',
  ], { maxBuffer: 1 << 24 });
}

/** Seconds of a tone as a WAV file of 16 bits. */
export function wave(seconds, hertz = 440) {
  return execFileSync('ffmpeg', [
    '-loglevel', 'error', '-f', 'lavfi', '-i', `sine=frequency=${hertz}:duration=${seconds}`, '-ar', '16000', '-ac', '1', '-f', 'wav', '-',
  ], { maxBuffer: 1 << 24 });
}

/** A VPIM v2 message (RFC 3801). */
export function voiceMessage({ from = 'Mira Tandell <7290@pbx.example.org>', to, subject, seconds = 3, urgent = false }) {
  const sound = tone(seconds).toString('base64').replace(/.{76}/g, '$&\r\n');
  return [
    `From: ${from}`,
    `To: ${to}`,
    `Subject: ${subject}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${crypto.randomUUID()}@pbx.example.org>`,
    ...(urgent ? ['Importance: High'] : []),
    'MIME-Version: 1.0 (Voice 2.0)',
    'Content-Type: multipart/voice-message; version=2.0; boundary="=_part"',
    '',
    '--=_part',
    'Content-Type: audio/32KADPCM',
    'Content-Transfer-Encoding: base64',
    'Content-Disposition: inline; voice=Voice-Message; filename=message.726',
    `Content-Duration: ${seconds}`,
    '',
    sound,
    '--=_part--',
    '',
  ].join('\r\n');
}

/** Delivers a message; resolves with the reply to its end. */
export async function deliver(smtp, to, message) {
  const { hostname, port } = new URL(smtp.includes('://') ? smtp : `smtp://${smtp}`);
  const socket = createConnection({ host: hostname, port: Number(port) });
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const reply = async () => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error('the server hung up');
      if (value[3] !== '-') return value;
    }
  };
  const say = async (line, expected) => {
    socket.write(`${line}\r\n`);
    const answer = await reply();
    if (!answer.startsWith(expected)) throw new Error(`${line.slice(0, 60)}: ${answer}`);
    return answer;
  };
  try {
    await reply();
    await say('EHLO pbx.example.org', '250');
    await say('MAIL FROM:<7290@pbx.example.org>', '250');
    await say(`RCPT TO:<${to}>`, '250');
    await say('DATA', '354');
    const answer = await say(`${message.replace(/^\./gm, '..')}\r\n.`, '250');
    await say('QUIT', '221');
    return answer;
  } finally {
    socket.destroy();
  }
}
