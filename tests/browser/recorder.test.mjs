// The recorder of My CallPilot with a microphone that hears a known sound: what is said is kept, and comes back as it was.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { AxeBuilder } from './support/axe.mjs';
import { closePage, launchBrowser, line, logIn, openPage, workerReady } from './support/page.mjs';
import { Pair, until } from './support/pair.mjs';
import { knownSound, RATE, samplesOf, stretchAt } from './support/sound.mjs';

describe('The recorder', { timeout: 600_000 }, () => {
  let pair, browser, sound;
  before(async () => {
    sound = knownSound();
    pair = await Pair.start();
    browser = await launchBrowser({ args: sound.args });
  });
  after(async () => {
    await browser?.close();
    await pair?.stop();
    sound?.remove();
  });

  const recorder = (page) => page.getByRole('group', { name: 'Recorder' });
  // What the round button does, the one below does, too.
  const press = (page, name) => recorder(page).getByRole('button', { name, exact: true }).last().click();
  const timer = (page) => page.getByRole('timer', { name: 'Recorded time' });
  const told = (page, words) => page.locator('.told', { hasText: words }).waitFor();
  /** What is recorded is at least as long as this. */
  const recorded = (page, clock) => until(`${clock} is recorded`, async () => (await timer(page).textContent()) >= clock);

  async function open(slot, mailbox = '7200') {
    const page = await openPage(browser);
    await logIn(page, pair.north, pair.user(mailbox));
    await page.getByRole('link', { name: 'CallPilot Features' }).click();
    await choose(page, slot);
    return page;
  }

  async function choose(page, slot) {
    await page.getByRole('group', { name: slot, exact: true }).getByRole('button', { name: 'Record' }).click();
    await recorder(page).waitFor();
  }

  /** The sound of a greeting as a server gives it. */
  async function greeting(server, slot, mailbox = '7200') {
    const { password } = pair.user(mailbox);
    const session = await fetch(`${server.http}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ mailbox, password }),
    });
    const { token } = await session.json();
    const answer = await fetch(`${server.http}/api/v1/greetings/${slot}`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(answer.status, 200);
    return samplesOf(Buffer.from(await answer.arrayBuffer()));
  }

  /** It is what the microphone heard, from its first second to its last, and nothing in between is left out. */
  function isAsHeard(samples, from = 0.3, to = samples.length / RATE) {
    const stretches = [from, (from + to) / 2 - 0.2, to - 0.6].map((at) => stretchAt(samples, at));
    for (const { likeness, begin } of stretches) {
      assert.ok(likeness > 0.9, `likeness ${likeness}`);
      assert.ok(Math.abs(begin - stretches[0].begin) < 0.15, `begins at ${begin}, ${stretches[0].begin}`);
    }
    return stretches[0];
  }

  it('what is said into it is saved on both servers and sounds as it did', async () => {
    const page = await open('External');
    await press(page, 'Record');
    await page.getByText('Level: good').waitFor();
    await recorded(page, '0:03');
    await press(page, 'Stop and listen');
    await page.getByRole('slider', { name: 'Position: the recording' }).waitFor();
    await press(page, 'Save: callers hear this');
    await told(page, 'External greeting saved.');
    for (const server of [pair.north, pair.south]) {
      const samples = await greeting(server, 'external');
      assert.ok(samples.length > 3 * RATE, `${samples.length} samples`);
      isAsHeard(samples);
    }
    await closePage(page);
  });

  it('pauses and goes on, by key too, and nothing before or after is lost', async () => {
    const page = await open('Internal');
    await recorder(page).getByRole('button', { name: 'Record', exact: true }).first().focus();
    await page.keyboard.press('r');
    await recorded(page, '0:02');
    await page.keyboard.press('r');
    await page.getByRole('button', { name: 'Go on', exact: true }).waitFor();
    const paused = await timer(page).textContent();
    await page.keyboard.press('r');
    await recorded(page, '0:04');
    assert.ok(paused < '0:04', paused);
    await press(page, 'Pause');
    await press(page, 'Save: callers hear this');
    await told(page, 'Internal greeting saved.');
    const samples = await greeting(pair.north, 'internal');
    isAsHeard(samples, 0.3, 2);
    isAsHeard(samples, samples.length / RATE - 1.6);
    await closePage(page);
  });

  it('records again from where one listened, keeping what was before', async () => {
    const page = await open('External');
    await press(page, 'Record');
    await recorded(page, '0:03');
    await press(page, 'Stop and listen');
    const position = page.getByRole('slider', { name: 'Position: the recording' });
    await position.waitFor();
    await until('the sound is ready', async () => Number(await position.getAttribute('max')) > 3_000);
    await position.evaluate((slider) => {
      slider.value = 1_500;
      slider.dispatchEvent(new Event('input', { bubbles: true }));
    });
    await press(page, 'Record from 0:01');
    await page.getByRole('button', { name: 'Pause', exact: true }).waitFor();
    await recorded(page, '0:03');
    await press(page, 'Pause');
    await press(page, 'Save: callers hear this');
    await told(page, 'External greeting saved.');
    const samples = await greeting(pair.north, 'external');
    const first = isAsHeard(samples, 0.3, 1.5);
    const second = isAsHeard(samples, 1.6);
    assert.notEqual(first.begin.toFixed(1), second.begin.toFixed(1), 'it was said later');
    await closePage(page);
  });

  it('a server that dies while one speaks takes nothing along, and the partner takes what was said', async () => {
    const page = await open('External');
    await workerReady(page);
    await press(page, 'Record');
    await recorded(page, '0:01');
    pair.kill(pair.north);
    await line(page, 'partner').waitFor({ timeout: 20_000 });
    await recorded(page, '0:04');
    await press(page, 'Stop and listen');
    await press(page, 'Save: callers hear this');
    await told(page, 'External greeting saved.');
    isAsHeard(await greeting(pair.south, 'external'));
    await pair.restart(pair.north);
    await pair.caughtUp();
    isAsHeard(await greeting(pair.north, 'external'));
    await closePage(page);
  });

  it('while no server answers nothing is lost: it stays in the browser, also over a reload, and is saved later', async () => {
    const page = await open('Recorded name');
    await page.context().route('**/api/**', (route) => route.abort());
    await press(page, 'Record');
    await recorded(page, '0:02');
    await press(page, 'Pause');
    await press(page, 'Save');
    await told(page, 'Not saved: no server answers.');
    await press(page, 'Go on');
    await recorded(page, '0:04');
    // Whoever leaves while speaking keeps what was said.
    await page.reload();
    await page.context().unroute('**/api/**');
    await page.getByRole('heading', { level: 1, name: 'Greetings' }).waitFor();
    await choose(page, 'Recorded name');
    await page.getByRole('button', { name: 'Go on', exact: true }).waitFor();
    assert.ok((await timer(page).textContent()) >= '0:03');
    await press(page, 'Save');
    await told(page, 'Recorded name saved.');
    await closePage(page);
  });

  it('whoever discards is asked with the length, and whoever logs out leaves nothing behind', async () => {
    const page = await open('External', '7216');
    await press(page, 'Record');
    await recorded(page, '0:01');
    await press(page, 'Discard');
    const question = page.getByRole('dialog', { name: /^Discard 0:0\d\?$/ });
    await question.getByRole('button', { name: 'Keep' }).click();
    await page.getByRole('button', { name: 'Go on', exact: true }).waitFor();
    const kept = () => page.evaluate(() => new Promise((done, fail) => {
      const opening = indexedDB.open('callpilot.recordings');
      opening.onerror = () => fail(opening.error);
      opening.onupgradeneeded = () => opening.result.createObjectStore('bytes');
      opening.onsuccess = () => {
        const keys = opening.result.transaction('bytes').objectStore('bytes').getAllKeys();
        keys.onsuccess = () => {
          opening.result.close();
          done(keys.result);
        };
      };
    }));
    await until('it is kept', async () => (await kept()).length === 1);
    await press(page, 'Discard');
    await question.getByRole('button', { name: /^Discard 0:0\d$/ }).click();
    await until('it is gone', async () => (await kept()).length === 0);
    assert.equal(await timer(page).textContent(), '0:00');
    await press(page, 'Record');
    await until('it is kept', async () => (await kept()).length === 1);
    await page.locator('button.who').click();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Mailbox number').waitFor();
    await until('nothing is left', async () => (await kept()).length === 0);
    await closePage(page);
  });

  it('a microphone that cannot be had is told with what to do, and one may upload instead', async () => {
    const page = await open('Internal', '7216');
    const reasons = [
      ['NotAllowedError', 'The microphone is blocked.', 'Allow it beside the address'],
      ['NotFoundError', 'No microphone is connected.', 'Connect one'],
      ['NotReadableError', 'Another program uses the microphone.', 'End the call'],
    ];
    for (const [name, what, then] of reasons) {
      await page.evaluate((name) => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', name));
      }, name);
      await press(page, 'Record');
      await recorder(page).getByRole('status').getByText(what).waitFor();
      await recorder(page).getByText(then).waitFor();
    }
    await page.evaluate(() => Object.defineProperty(navigator, 'mediaDevices', { value: undefined }));
    await press(page, 'Record');
    await recorder(page).getByText('The address has to begin with https.').waitFor();

    const bring = (name, buffer) => page.getByLabel('File of sound').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
    await bring('notes.txt', Buffer.from('no sound at all'));
    await recorder(page).getByText('This cannot be taken as a greeting').waitFor();
    await bring('all.wav', Buffer.alloc(6 << 20));
    await recorder(page).getByText('This file is too large: 5 minutes of sound are the most.').waitFor();
    const mp3 = new URL('../vectors/sound/mpeg1-tagged.mp3', import.meta.url);
    await bring('welcome.mp3', readFileSync(mp3));
    await told(page, 'Internal greeting saved.');
    assert.ok((await greeting(pair.south, 'internal', '7216')).length > RATE);
    await closePage(page);
  });

  it('an upload can be stopped, and then nothing has changed', async () => {
    const page = await open('Internal', '7216');
    const bring = (name, buffer) => page.getByLabel('File of sound').setInputFiles({ name, mimeType: 'audio/wav', buffer });
    await bring('short.wav', readFileSync(new URL('../vectors/sound/speech.wav', import.meta.url)));
    await told(page, 'Internal greeting saved.');
    const before = (await greeting(pair.north, 'internal', '7216')).length;
    await choose(page, 'Internal');
    await page.context().route('**/api/v1/greetings/internal*', () => {});
    await bring('long.wav', readFileSync(sound.file));
    await page.getByRole('progressbar', { name: 'Uploading long.wav' }).waitFor();
    await press(page, 'Stop');
    await page.getByRole('progressbar').waitFor({ state: 'detached' });
    await page.context().unroute('**/api/v1/greetings/internal*');
    assert.equal((await greeting(pair.north, 'internal', '7216')).length, before);
    await closePage(page);
  });

  it('who is not heard is told, and a reader of the screen hears what happens', async () => {
    const page = await open('External', '7216');
    // The microphone gives silence.
    await page.evaluate(() => {
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wanted) => {
        const stream = await ask(wanted);
        for (const track of stream.getTracks()) track.enabled = false;
        return stream;
      };
    });
    await press(page, 'Record');
    await page.locator('[data-testid=said]', { hasText: 'Recording.' }).waitFor();
    await recorder(page).getByRole('status').getByText('Nothing is heard.').waitFor();
    assert.equal(await page.getByRole('meter', { name: 'Level' }).getAttribute('aria-valuetext'), 'nothing is heard');
    await press(page, 'Pause');
    await page.locator('[data-testid=said]', { hasText: 'Paused at' }).waitFor();
    await closePage(page);
  });

  for (const [width, colorScheme] of [[1280, 'light'], [390, 'dark']]) {
    it(`nothing of it breaks a rule of accessibility at ${width} px`, async () => {
      const page = await openPage(browser, { viewport: { width, height: 900 }, colorScheme });
      await logIn(page, pair.north, pair.user('7216'));
      await page.goto(`${pair.north.http}/MyCallPilot/features/greetings`);
      await page.getByRole('heading', { level: 1, name: 'Greetings' }).waitFor();
      const check = async (what) => {
        const shots = process.env.CALLPILOT_SHOTS;
        if (shots) await page.screenshot({ path: `${shots}/greetings-${what}-${width}-${colorScheme}.png`, fullPage: true });
        const { violations } = await new AxeBuilder(page).analyze();
        assert.deepEqual(violations, [], what);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(wide <= 0, `${what}: ${wide} px too wide`);
      };
      await page.getByText('Not recorded.').first().waitFor();
      await check('list');
      await (width < 500
        ? page.getByRole('group', { name: 'Temporary', exact: true }).getByRole('button', { name: 'Change' }).click().then(() => page.getByRole('button', { name: 'Record again' }).click())
        : choose(page, 'Temporary'));
      await recorder(page).waitFor();
      await check('ready');
      await press(page, 'Record');
      await recorded(page, '0:02');
      await check('recording');
      await press(page, 'Pause');
      await page.getByRole('button', { name: 'Go on', exact: true }).waitFor();
      await check('paused');
      await press(page, 'Listen');
      await page.getByRole('slider', { name: 'Position: the recording' }).waitFor();
      await check('listen');
      await press(page, 'Save: callers hear this');
      await page.getByLabel('Switches itself off').waitFor();
      await check('ends');
      await closePage(page);
    });
  }
});
