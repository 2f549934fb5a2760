// Composing: what is written is kept as it is written, here and on the servers, and goes out once, whatever ends in between.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { AxeBuilder } from './support/axe.mjs';
import { deliver, voiceMessage, wave } from './support/mail.mjs';
import { closePage, launchBrowser, line, logIn, openPage, row, workerReady } from './support/page.mjs';
import { Pair, until } from './support/pair.mjs';
import { knownSound, RATE, samplesOf, stretchAt } from './support/sound.mjs';

const WRITER = '7270';
const READER = '7271';
const THIRD = '7272';

describe('Composing', { timeout: 300_000 }, () => {
  let pair, browser, sound;
  before(async () => {
    sound = knownSound();
    pair = await Pair.start();
    browser = await launchBrowser({ args: sound.args });
    for (const [mailbox, name] of [[WRITER, 'Wren Ashby'], [READER, 'Runa Solberg'], [THIRD, 'Tove Lindqvist']]) {
      await pair.addUser(pair.north, { mailbox, name, password: '728194' });
    }
  });
  after(async () => {
    await browser?.close();
    await pair?.stop();
    sound?.remove();
  });

  const to = (page) => page.getByRole('combobox', { name: 'Addresses' });
  const subject = (page) => page.getByLabel('Subject');
  const text = (page) => page.getByLabel('Text', { exact: true });
  const send = (page) => page.getByRole('button', { name: /^Send/ });
  const heading = (page, name) => page.getByRole('heading', { level: 1, name });
  const onServers = (page) => page.getByText(/^Draft kept on the servers/).waitFor();
  /** No server hears the page. */
  const cut = async (page) => {
    await page.context().route(/\/(api|\.well-known)\//, (route) => route.abort());
    await line(page, 'offline').waitFor();
  };
  const mend = (page) => page.context().unroute(/\/(api|\.well-known)\//);

  async function open(mailbox = WRITER, server = pair.north, options) {
    const page = await openPage(browser, options);
    await logIn(page, server, pair.user(mailbox));
    return page;
  }

  async function compose(page, { address = READER, about }) {
    await page.getByRole('link', { name: 'Compose' }).first().click();
    await heading(page, 'New message').waitFor();
    await to(page).fill(address);
    await to(page).press('Enter');
    await subject(page).fill(about);
  }

  /** The messages of a mailbox with this subject, on a server. */
  async function found(server, mailbox, about, folder = 'inbox') {
    const api = await pair.api(server, mailbox);
    const { messages } = await api('GET', `/messages?folder=${folder}`);
    return messages.filter((message) => message.subject === about);
  }

  it('sends what is written to those who are reached, and says at the address who is not', async () => {
    const page = await open();
    await compose(page, { about: 'Rota' });
    await page.getByText('Runa Solberg, 7271').waitFor();
    await to(page).fill('79999');
    await to(page).press('Enter');
    await page.getByText('There is no mailbox 79999 on these servers.').waitFor();
    await page.getByText('1 address is wrong and will be left out.').waitFor();
    await send(page).click();
    await page.getByText('Nothing is said yet').first().waitFor();
    assert.ok(await text(page).evaluate((field) => field === document.activeElement), 'one is led to the text');
    await text(page).fill('The late shift is yours.');
    await page.getByRole('button', { name: 'Send to 1 address' }).click();
    await heading(page, 'Sent').waitFor();
    await row(page, /to Runa Solberg\. Rota/).waitFor();
    await page.getByRole('status', { name: 'Last action' }).getByText('Sent.').waitFor();
    for (const server of [pair.north, pair.south]) {
      await until('it has come on both servers', async () => (await found(server, READER, 'Rota')).length === 1);
    }
    await row(page, /Rota/).click();
    await page.getByText('The late shift is yours.').waitFor();
    await page.getByRole('link', { name: 'Drafts' }).click();
    await page.getByText('No drafts').waitFor();
    await closePage(page);
  });

  it('loses nothing that was typed when the page ends at once, and goes on with it on another device', async () => {
    const page = await open();
    await compose(page, { about: 'Unfinished' });
    await text(page).fill('Half a thought');
    await until('this browser has it', () => page.evaluate(() => localStorage.getItem('callpilot.composing')));
    await page.reload();
    await until('it is there again', async () => await text(page).inputValue() === 'Half a thought');
    await page.getByText('Runa Solberg, 7271').waitFor();
    await onServers(page);

    const phone = await open(WRITER, pair.south, { viewport: { width: 390, height: 800 } });
    await phone.goto(`${pair.south.http}/MyCallPilot/drafts`);
    await phone.getByRole('link', { name: /Runa Solberg.*Unfinished/s }).click();
    await until('it is there', async () => await text(phone).inputValue() === 'Half a thought');
    await text(phone).fill('Half a thought, and the other half');
    // Live, without a reload; what is not being changed here follows.
    await until('the first device follows', async () => await text(page).inputValue() === 'Half a thought, and the other half');
    await send(phone).click();
    await heading(phone, 'Sent').waitFor();
    await page.getByText('It was sent or discarded on another device.').waitFor();
    await until('it has come once', async () => (await found(pair.north, READER, 'Unfinished')).length === 1);
    await closePage(phone);
    await closePage(page);
  });

  it('sends a file of sound on the partner when the home dies in the middle, once', async () => {
    const page = await open();
    await compose(page, { about: 'By sound' });
    await page.getByTestId('files').setInputFiles([
      { name: 'note.wav', mimeType: 'audio/wav', buffer: wave(4) },
      { name: 'rota.docx', mimeType: 'application/msword', buffer: Buffer.from('x') },
    ]);
    await page.getByText('Only sound and fax pages (TIFF) can be sent.').waitFor();
    await page.getByText(/note\.wav/).waitFor();
    pair.kill(pair.north);
    await send(page).click();
    await heading(page, 'Sent').waitFor({ timeout: 40_000 });
    await until('it has come on the partner', async () => (await found(pair.south, READER, 'By sound')).length === 1);
    await pair.restart(pair.north);
    await pair.caughtUp();
    for (const server of [pair.north, pair.south]) {
      const [message, ...more] = await found(server, READER, 'By sound');
      assert.deepEqual(more, [], 'it is there once');
      assert.ok(Math.abs(message.duration_ms - 4_000) < 50, `${message.duration_ms} ms`);
      assert.equal((await found(server, WRITER, 'By sound', 'sent')).length, 1);
    }
    await closePage(page);
  });

  it('is spoken: what was said before and after the home died, and after a reload, is heard as it was', async () => {
    const page = await open();
    await compose(page, { about: 'Spoken' });
    const recorder = page.getByRole('group', { name: 'Recorder' });
    const press = (name) => recorder.getByRole('button', { name, exact: true }).last().click();
    const recorded = (clock) => until(`${clock} is recorded`, async () => (
      (await page.getByRole('timer', { name: 'Recorded time' }).textContent()) >= clock
    ));
    await workerReady(page);
    await press('Record');
    await recorded('0:01');
    pair.kill(pair.north);
    await line(page, 'partner').waitFor({ timeout: 20_000 });
    await recorded('0:03');
    // It is kept each second: of what was said before the page ends at once, at most the last one is missing.
    await page.reload();
    await recorder.getByRole('button', { name: 'Go on', exact: true }).last().waitFor();
    const before = await page.getByRole('timer', { name: 'Recorded time' }).textContent();
    assert.ok(before >= '0:02', before);
    await send(page).click();
    await heading(page, 'Sent').waitFor({ timeout: 40_000 });
    await pair.restart(pair.north);
    await pair.caughtUp();
    for (const server of [pair.north, pair.south]) {
      const [message, ...more] = await found(server, READER, 'Spoken');
      assert.deepEqual(more, [], 'it is there once');
      const { password } = pair.user(READER);
      const session = await fetch(`${server.http}/api/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ mailbox: READER, password }),
      });
      const { token } = await session.json();
      const answer = await fetch(`${server.http}/api/v1/messages/${message.id}/audio`, { headers: { authorization: `Bearer ${token}`, accept: 'audio/wav' } });
      const samples = samplesOf(Buffer.from(await answer.arrayBuffer()));
      assert.ok(samples.length >= 2 * RATE, `${samples.length / RATE} s`);
      const [first, last] = [stretchAt(samples, 0.4), stretchAt(samples, samples.length / RATE - 0.8)];
      assert.ok(first.likeness > 0.9 && last.likeness > 0.9, `${first.likeness}, ${last.likeness}`);
      // Nothing in between is left out or doubled.
      assert.ok(Math.abs(first.begin - last.begin) < 0.15, `${first.begin}, ${last.begin}`);
    }
    await closePage(page);
  });

  it('keeps what is sent without a connection, over a reload, and sends it once when there is one', async () => {
    const page = await open();
    await compose(page, { about: 'From the train' });
    await text(page).fill('In the tunnel');
    await onServers(page);
    await cut(page);
    await text(page).fill('In the long tunnel');
    await send(page).click();
    await page.getByText('It goes out by itself, once, when a server answers.').waitFor();
    await page.getByRole('link', { name: 'Drafts' }).click();
    await page.getByText('Being sent').waitFor();
    assert.equal((await found(pair.north, READER, 'From the train')).length, 0);
    await page.reload();
    await page.getByText('Being sent').waitFor();
    await mend(page);
    await until('it has come', async () => (await found(pair.north, READER, 'From the train')).length === 1);
    await page.getByText('No drafts').waitFor();
    const api = await pair.api(pair.north, READER);
    const [message] = await found(pair.north, READER, 'From the train');
    const { parts } = await api('GET', `/messages/${message.id}`);
    assert.match(JSON.stringify(parts), /In the long tunnel/);
    await closePage(page);
  });

  it('answers, answers all and forwards, and keeps what is private', async () => {
    const address = `${WRITER}@cp-north.example.net`;
    await deliver(pair.north.smtp, address, voiceMessage({ to: address, subject: 'Question', seconds: 2 }));
    const reader = await pair.api(pair.north, READER);
    const page = await open();
    await row(page, /Question/).click();
    await page.getByRole('link', { name: 'Forward' }).click();
    await heading(page, 'Forward').waitFor();
    assert.equal(await subject(page).inputValue(), 'Fwd: Question');
    await to(page).fill('Runa');
    await page.getByRole('option', { name: /Runa Solberg/ }).waitFor();
    await to(page).press('Enter');
    await send(page).click();
    await heading(page, 'Sent').waitFor();
    const [forwarded] = await until('it has come', async () => {
      const messages = await found(pair.north, READER, 'Fwd: Question');
      return messages.length === 1 && messages;
    });
    assert.ok(Math.abs(forwarded.duration_ms - 2_000) < 50, 'with its sound');

    // The one who got it answers; the answer is private and cannot be passed on.
    const other = await open(READER);
    await row(other, /Fwd: Question/).click();
    await other.getByRole('link', { name: 'Reply', exact: true }).click();
    await heading(other, 'Reply').waitFor();
    await other.getByText('Wren Ashby, 7270').waitFor();
    await text(other).fill('For you alone');
    await other.getByLabel('Private').check();
    await other.getByLabel('Urgent').check();
    await other.keyboard.press('Control+Enter');
    await heading(other, 'Sent').waitFor();
    await closePage(other);
    await page.getByRole('link', { name: 'Inbox' }).first().click();
    await row(page, /Re: Fwd: Question, urgent, private/).click();
    assert.equal(await page.getByRole('button', { name: 'Forward' }).getAttribute('aria-disabled'), 'true');
    assert.equal(await page.getByRole('link', { name: 'Forward' }).count(), 0);
    assert.ok((await reader('GET', '/messages?folder=sent')).messages.some((message) => message.private));
    await closePage(page);
  });

  it('goes on as a new message with what was discarded elsewhere while one was at it', async () => {
    const page = await open();
    await compose(page, { about: 'Not this one' });
    await onServers(page);
    const api = await pair.api(pair.north, WRITER);
    const draft = (await api('GET', '/drafts')).find((draft) => draft.subject === 'Not this one');
    await api('DELETE', `/drafts/${draft.id}`);
    await page.getByRole('button', { name: 'Go on with it as a new message' }).click();
    await until('it can be changed again', async () => subject(page).isEnabled());
    assert.equal(await subject(page).inputValue(), 'Not this one');
    await onServers(page);
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
    await heading(page, 'Inbox').waitFor();
    await until('servers have forgotten it', async () => !(await api('GET', '/drafts')).length);
    await closePage(page);
  });

  for (const viewport of [{ width: 1280, height: 900 }, { width: 390, height: 800 }]) {
    it(`can be used by everybody at ${viewport.width} px`, async () => {
      // What fades would be measured on its way from one scheme to the other.
      const page = await open(WRITER, pair.north, { viewport, reducedMotion: 'reduce' });
      await page.getByRole('link', { name: 'Compose' }).filter({ visible: true }).first().click();
      await heading(page, 'New message').waitFor();
      await to(page).fill('79998');
      await to(page).press('Enter');
      await page.getByText('There is no mailbox 79998').waitFor();
      await page.getByTestId('files').setInputFiles([{ name: 'note.wav', mimeType: 'audio/wav', buffer: wave(1) }]);
      await page.getByText(/note\.wav/).waitFor();
      const wide = () => document.documentElement.scrollWidth > innerWidth;
      assert.equal(await page.evaluate(wide), false, 'nothing sticks out');
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        const { violations } = await new AxeBuilder(page).analyze();
        assert.deepEqual(violations, []);
      }
      await page.getByRole('button', { name: 'Save as draft' }).click();
      await heading(page, 'Drafts').waitFor();
      await page.getByRole('link', { name: /79998/ }).waitFor();
      const { violations } = await new AxeBuilder(page).analyze();
      assert.deepEqual(violations, []);
      await page.getByRole('button', { name: 'Discard' }).first().click();
      await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
      await page.getByText('No drafts').waitFor();
      await closePage(page);
    });
  }
});
