// Sound that was loaded once is kept in the browser: it plays after a reload also while no server answers, and goes with its message and its session.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { deliver, voiceMessage } from './support/mail.mjs';
import { closePage, keptSounds, launchBrowser, line, logIn, openPage, player, row, workerReady } from './support/page.mjs';
import { Pair, until } from './support/pair.mjs';

describe('Kept sound', { timeout: 300_000 }, () => {
  let pair, browser;
  before(async () => {
    pair = await Pair.start();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await pair?.stop();
  });
  const at = '7207@cp-north.example.net';
  const position = async (page) => Number(await player(page).getByRole('slider').inputValue());

  /** A page with a message of this subject that is open, and whose sound is here and kept. */
  async function open(subject) {
    await deliver(pair.north.smtp, at, voiceMessage({ to: at, subject, seconds: 8 }));
    const page = await openPage(browser);
    await logIn(page, pair.north, pair.user('7207'));
    await row(page, subject).click();
    await player(page).getByRole('link', { name: 'Save the sound' }).waitFor();
    await until('it is kept', async () => (await keptSounds(page)).length === 1);
    await page.waitForFunction((subject) => localStorage.getItem('callpilot.kept')?.includes(subject), subject);
    return page;
  }

  it('goes when its message is destroyed, here or elsewhere', async () => {
    const subject = `Destroyed ${crypto.randomUUID().slice(0, 8)}`;
    const page = await open(subject);
    const north = await pair.api(pair.north, '7207');
    const { messages } = await north('GET', '/messages');
    const { id } = messages.find((message) => message.subject === subject);
    await north('DELETE', `/messages/${id}`);
    await page.getByRole('link', { name: /^Deleted/ }).first().click();
    await row(page, subject).waitFor();
    assert.equal((await keptSounds(page)).length, 1, 'in Deleted it can still be heard');
    await north('DELETE', `/messages/${id}?folder=deleted`);
    await row(page, subject).waitFor({ state: 'detached' });
    await until('its sound is gone', async () => (await keptSounds(page)).length === 0);
    await closePage(page);
  });

  it('plays after a reload while both servers are away, and the page says that it is kept', async () => {
    const subject = `Kept ${crypto.randomUUID().slice(0, 8)}`;
    const page = await open(subject);
    await workerReady(page);
    await pair.caughtUp();
    pair.kill(pair.north);
    pair.kill(pair.south);
    await page.reload();
    await line(page, 'offline').waitFor({ timeout: 60_000 });
    await player(page).getByText('is kept in this browser').waitFor();
    await page.getByText(/Kept in this browser: \d+ messages, the sound of 1\./).waitFor();
    await player(page).getByRole('button', { name: 'Play' }).click();
    await until('it sounds', async () => (await position(page)) > 0);
    await player(page).getByRole('slider').fill('7500');
    await until('it has ended', async () => (await player(page).getByRole('button', { name: 'Play' }).count()) > 0);
    await closePage(page);
  });
});
