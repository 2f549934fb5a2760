// Several tabs of one browser, sessions that end, and changes that wait: what one tab does, the others know; nothing that was done is lost.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { closePage, keptSounds, launchBrowser, line, logIn, openPage, player, row } from './support/page.mjs';
import { Pair, until } from './support/pair.mjs';

describe('Tabs and sessions of My CallPilot', { timeout: 300_000 }, () => {
  let pair, browser;
  before(async () => {
    pair = await Pair.start();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await pair?.stop();
  });

  const inbox = (page) => page.getByRole('heading', { level: 1, name: 'Inbox' }).waitFor();
  const form = (page) => page.getByLabel('Mailbox number');
  /** What this browser keeps of a mailbox. */
  const kept = (page) => page.evaluate(() => Object.keys(localStorage).filter((key) => /^callpilot\.(session|kept|outbox)/.test(key)).sort());
  const copied = (page) => page.waitForFunction(() => localStorage.getItem('callpilot.kept') !== null);
  const rows = (page) => row(page, / from /);

  async function open(mailbox) {
    const page = await openPage(browser);
    await logIn(page, pair.north, pair.user(mailbox));
    await rows(page).first().waitFor();
    await copied(page);
    return page;
  }

  async function secondTab(page) {
    const tab = await page.context().newPage();
    tab.problems = page.problems;
    tab.on('pageerror', (e) => page.problems.push(String(e)));
    await tab.goto(`${pair.north.http}/MyCallPilot/`);
    await inbox(tab);
    await rows(tab).first().waitFor();
    return tab;
  }

  async function logOut(page) {
    await page.locator('button.who').click();
    await page.getByRole('button', { name: 'Log out' }).click();
    await form(page).waitFor();
  }

  /** No server hears the page; the page is not told that there is no network. */
  const cut = (page) => page.context().route('**/api/**', (route) => route.abort());
  const mend = (page) => page.context().unroute('**/api/**');

  it('logging out in one tab logs out all, and nothing of the mailbox stays in the browser', async () => {
    const page = await open('7200');
    const tab = await secondTab(page);
    for (const [n, reader] of [page, tab].entries()) {
      await row(reader, /Voice message/).nth(n).click();
      await player(reader).getByRole('link', { name: 'Save the sound' }).waitFor();
    }
    await until('both sounds are kept', async () => (await keptSounds(tab)).length === 2);
    await logOut(page);
    await form(tab).waitFor({ timeout: 2_000 });
    await tab.getByText('logged out in another tab').waitFor();
    assert.deepEqual(await kept(tab), []);
    await until('no sound is kept', async () => (await keptSounds(tab)).length === 0);
    // Whoever logs in next in one of them is at work in both.
    await logIn(page, pair.north, pair.user('7216'));
    await inbox(tab);
    await tab.locator('button.who', { hasText: '7216' }).waitFor();
    await closePage(page);
  });

  it('a session that a server ends, ends in all tabs', async () => {
    const page = await open('7200');
    const tab = await secondTab(page);
    await row(page, /Voice message/).first().click();
    await until('its sound is kept', async () => (await keptSounds(tab)).length === 1);
    const north = await pair.api(pair.north, '7200');
    await north('DELETE', '/session?everywhere=true');
    await Promise.all([form(page).waitFor(), form(tab).waitFor()]);
    assert.deepEqual(await kept(tab), []);
    await until('no sound is kept', async () => (await keptSounds(tab)).length === 0);
    await closePage(page);
  });

  it('what another than a CallPilot server says of the log-in ends no session', async () => {
    const page = await open('7200');
    let asked = 0;
    const portal = (route) => {
      asked += 1;
      return route.fulfill({ status: 401, contentType: 'text/html', body: '<h1>Log in to this network</h1>' });
    };
    await page.context().route('**/api/**', portal);
    await page.reload();
    await until('the portal was asked', () => asked > 2);
    await rows(page).first().waitFor();
    await page.context().unroute('**/api/**', portal);
    await line(page, 'primary').waitFor();
    assert.equal(await form(page).count(), 0);
    await closePage(page);
  });

  it('a change that waits is seen in all tabs, outlives a reload in any of them, and is made once a server answers', async () => {
    const page = await open('7200');
    const tab = await secondTab(page);
    const subject = (await rows(page).first().getAttribute('aria-label'));
    await cut(page);
    await rows(page).first().focus();
    await page.keyboard.press('Delete');
    await row(page, subject).waitFor({ state: 'detached' });
    await row(tab, subject).waitFor({ state: 'detached' });
    // The other tab writes what it keeps, and is loaded anew.
    await rows(tab).first().focus();
    await tab.keyboard.press('Delete');
    await tab.reload();
    await inbox(tab);
    await rows(tab).first().waitFor();
    assert.equal(await row(tab, subject).count(), 0, 'it came back');
    await page.close();
    await mend(tab);
    const north = await pair.api(pair.north, '7200');
    await until('both are in Deleted', async () => (await north('GET', '/messages?folder=deleted')).messages.length >= 2);
    await until('nothing waits', async () => {
      const waiting = await tab.evaluate(() => localStorage.getItem('callpilot.outbox.7200'));
      return waiting === null || waiting === '[]';
    });
    await closePage(tab);
  });

  for (const status of [429, 500, 503, 507]) {
    it(`a change that is refused for the moment (${status}) waits and is made`, async () => {
      const page = await open('7200');
      const code = { 429: 'too_many_requests', 500: 'internal', 503: 'unavailable', 507: 'no_room' }[status];
      let refused = 0;
      const refuse = (route) => {
        if (route.request().method() === 'GET') return route.continue();
        refused += 1;
        return route.fulfill({ status, json: { code, message: 'Not now.', reference: 'r' } });
      };
      await page.context().route('**/api/v1/messages/**', refuse);
      const name = await rows(page).first().getAttribute('aria-label');
      await rows(page).first().focus();
      await page.keyboard.press('Delete');
      await until('it was refused', () => refused > 0);
      await row(page, name).waitFor({ state: 'detached' });
      await page.context().unroute('**/api/v1/messages/**', refuse);
      await until('it is made', async () => (await page.evaluate(() => localStorage.getItem('callpilot.outbox.7200'))) === '[]');
      assert.equal(await row(page, name).count(), 0);
      await closePage(page);
    });
  }
});
