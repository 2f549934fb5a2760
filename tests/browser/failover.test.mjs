// A server dies while somebody works: the open page goes on, and goes back by itself.
//
// The limits are the promises: 5 s when idle, 2 s from the next action, 5 s when the server takes connections but says nothing.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { deliver, voiceMessage } from './support/mail.mjs';
import { launchBrowser, line, logIn, openPage, player, row, submitLogIn, workerReady } from './support/page.mjs';
import { Pair, until } from './support/pair.mjs';

const IDLE = 5_000;
const ACTION = 2_000;
const HANG = 5_000;

describe('My CallPilot when a server dies', { timeout: 600_000 }, () => {
  let pair, browser, page, alive;
  const at = '7200@cp-north.example.net';

  before(async () => {
    pair = await Pair.start();
    browser = await launchBrowser();
    alive = true;
  });
  afterEach(async () => {
    const ended = page;
    page = undefined;
    await ended?.context().close();
    if (!alive) {
      await pair.restart(pair.north);
      alive = true;
    }
    await pair.caughtUp();
    assert.deepEqual(ended?.problems ?? [], []);
  });
  after(async () => {
    await browser?.close();
    await pair?.stop();
  });

  /** Logs in on the primary and waits until all that a failover needs is there: partner known, page kept. */
  async function atWork() {
    page = await openPage(browser);
    await logIn(page, pair.north, pair.user('7200'));
    await line(page, 'primary').waitFor();
    await row(page, / from /).first().waitFor();
    await workerReady(page);
    return page;
  }

  function killPrimary() {
    alive = false;
    pair.kill(pair.north);
  }

  it('an idle page goes on against the partner: same session, same inbox, sound, no click', async () => {
    await atWork();
    const before = await page.getByRole('link', { name: /message from/ }).allInnerTexts();
    killPrimary();
    await line(page, 'partner').waitFor({ timeout: IDLE });
    await page.getByText('Working on the partner server').first().waitFor();
    assert.deepEqual(await page.getByRole('link', { name: /message from/ }).allInnerTexts(), before);
    assert.equal(await page.getByLabel('Password', { exact: true }).count(), 0);
    await row(page, /Voice message/).first().click();
    await player(page).getByRole('button', { name: 'Play' }).click();
    await until('sound from the partner', async () => Number(await player(page).getByRole('slider').inputValue()) > 0);
  });

  it('whoever logs out while the line still tells of the change finds a page that works', async () => {
    await atWork();
    killPrimary();
    await line(page, 'partner').waitFor({ timeout: IDLE });
    await page.locator('button.who').click();
    await page.getByRole('button', { name: 'Log out' }).click();
    // A timer of the line ends while nobody is logged in, and must find nothing of the frame. A page error is a failure (afterEach).
    await submitLogIn(page, pair.user('7200'));
    await page.getByRole('heading', { level: 1, name: 'Inbox' }).waitFor();
    await row(page, / from /).first().waitFor();
  });

  it('the next action after a kill is answered by the partner', async () => {
    await atWork();
    killPrimary();
    await row(page, /Voice message/).nth(1).click();
    await page.getByRole('button', { name: 'Delete' }).first().waitFor({ timeout: ACTION });
    await player(page).getByRole('button', { name: 'Play' }).click();
    await until('sound from the partner', async () => Number(await player(page).getByRole('slider').inputValue()) > 0, ACTION);
    await line(page, 'partner').waitFor({ timeout: IDLE });
  });

  it('a server that takes connections and says nothing is left', async () => {
    await atWork();
    pair.hang(pair.north);
    try {
      await row(page, /Voice message/).nth(2).click();
      await line(page, 'partner').waitFor({ timeout: HANG });
      await player(page).getByRole('button', { name: 'Play' }).click();
      await until('sound from the partner', async () => Number(await player(page).getByRole('slider').inputValue()) > 0);
    } finally {
      pair.resume(pair.north);
    }
    await line(page, 'primary').waitFor({ timeout: 60_000 });
  });

  it('a page reloaded while its server is dead opens and reaches the partner, with the message that was open', async () => {
    await atWork();
    await row(page, /Voice message/).first().click();
    await player(page).waitFor();
    const [address, title] = [page.url(), await page.title()];
    killPrimary();
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Inbox' }).waitFor();
    await line(page, 'partner').waitFor({ timeout: 10_000 });
    await row(page, /message from/).first().waitFor();
    await player(page).waitFor();
    assert.deepEqual([page.url(), await page.title()], [address, title]);
  });

  it('goes back when the primary is back and has caught up, but not in the middle of a playback', async () => {
    await atWork();
    killPrimary();
    await line(page, 'partner').waitFor({ timeout: IDLE });
    const subject = `Long ${crypto.randomUUID().slice(0, 8)}`;
    await deliver(pair.south.smtp, at, voiceMessage({ to: at, subject, seconds: 30 }));
    await row(page, subject).click();
    await player(page).getByRole('button', { name: 'Play' }).click();
    await player(page).getByRole('button', { name: 'Pause' }).waitFor();
    await pair.restart(pair.north);
    alive = true;
    await pair.caughtUp();
    await line(page, 'returning').getByText(/when this message has ended/).waitFor({ timeout: 20_000 });
    await player(page).getByRole('button', { name: 'Pause' }).click();
    await line(page, 'primary').waitFor({ timeout: 30_000 });
    await row(page, subject).waitFor();
  });

  it('what was deleted during the outage stays deleted when the primary returns', async () => {
    await atWork();
    const subject = `Unwanted ${crypto.randomUUID().slice(0, 8)}`;
    await deliver(pair.north.smtp, at, voiceMessage({ to: at, subject }));
    await row(page, subject).waitFor();
    await pair.caughtUp();
    killPrimary();
    await line(page, 'partner').waitFor({ timeout: IDLE });
    await row(page, subject).click();
    await page.getByRole('button', { name: 'Delete' }).first().click();
    await row(page, subject).waitFor({ state: 'detached' });
    await until('the partner has it in Deleted', async () => {
      const south = await pair.api(pair.south, '7200');
      return (await south('GET', '/messages?folder=deleted')).messages.some((m) => m.subject === subject);
    });
    await pair.restart(pair.north);
    alive = true;
    await pair.caughtUp();
    await line(page, 'primary').waitFor({ timeout: 60_000 });
    const north = await pair.api(pair.north, '7200');
    const inbox = await north('GET', '/messages');
    assert.ok(!inbox.messages.some((m) => m.subject === subject), 'it is back in the inbox');
    const deleted = await north('GET', '/messages?folder=deleted');
    assert.ok(deleted.messages.some((m) => m.subject === subject), 'it is not in Deleted');
    assert.equal(await row(page, subject).count(), 0);
  });

  it('keeps showing what it has when both are gone, says so, and goes on when one returns', async () => {
    await atWork();
    killPrimary();
    await line(page, 'partner').waitFor({ timeout: IDLE });
    pair.kill(pair.south);
    await line(page, 'offline').waitFor({ timeout: 20_000 });
    await page.getByText(/Kept copy shown/).first().waitFor();
    assert.ok((await row(page, /message from/).count()) > 0, 'the list was blanked');
    // On a phone, too, all of it can be read, also where it is the computer that has no network.
    for (const [offline, words] of [[false, 'No connection.'], [true, 'This computer is offline.']]) {
      await page.context().setOffline(offline);
      const told = line(page, 'offline').locator('b', { hasText: words });
      for (const width of [390, 360, 320]) {
        await page.setViewportSize({ width, height: 800 });
        await told.waitFor();
        const [shown, whole] = await told.evaluate((told) => [told.clientHeight, told.scrollHeight]);
        assert.ok(whole <= shown, `${words} is cut at ${width} px: ${whole} of ${shown}`);
      }
      await page.getByRole('button', { name: 'Try now' }).waitFor();
    }
    await page.context().setOffline(false);
    await pair.restart(pair.south);
    await line(page, 'partner').waitFor({ timeout: 90_000 });
  });
});
