// What a page says of itself is so: of a changed password, of changes that wait, of a partner that is dead, of what cannot be brought back.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { AxeBuilder } from './support/axe.mjs';
import { deliver, voiceMessage } from './support/mail.mjs';
import { manyRows, rowId } from './support/mailbox.mjs';
import { closePage, launchBrowser, line, logIn, openPage, player, row, submitLogIn } from './support/page.mjs';
import { Pair, until } from './support/pair.mjs';

describe('What My CallPilot says of itself', { timeout: 300_000 }, () => {
  let pair, browser;
  before(async () => {
    pair = await Pair.start();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await pair?.stop();
  });

  const at = (mailbox) => `${mailbox}@cp-north.example.net`;
  const rows = (page) => row(page, / from /);
  const inbox = (page) => page.getByRole('heading', { level: 1, name: 'Inbox' }).waitFor();
  const toast = (page) => page.getByRole('status', { name: 'Last action' });
  const said = (page, words) => page.getByTestId('said').getByText(words).waitFor({ state: 'attached' });
  const menu = async (page) => {
    await page.locator('button.who').click();
    return page.getByRole('dialog', { name: 'Your mailbox' });
  };
  /** No server hears the page; the page is not told that there is no network. */
  const silence = (page) => page.context().route(/\/(api|\.well-known)\//, (route) => route.abort());
  const cut = async (page) => {
    await silence(page);
    await line(page, 'offline').waitFor();
  };
  const mend = (page) => page.context().unroute(/\/(api|\.well-known)\//);

  async function open(mailbox, options) {
    const page = await openPage(browser, options);
    await logIn(page, pair.north, pair.user(mailbox));
    await rows(page).first().waitFor();
    return page;
  }

  async function openConfigure(page) {
    await page.getByRole('link', { name: 'Configure' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'Configure' }).waitFor();
  }

  /** A mailbox of its own, with one message. */
  async function newMailbox(mailbox) {
    await pair.addUser(pair.north, { mailbox, name: `Nora ${mailbox}`, password: '728194' });
    await deliver(pair.north.smtp, at(mailbox), voiceMessage({ to: at(mailbox), subject: 'Only one' }));
  }

  describe('of the own password', () => {
    const change = async (page, old, password) => {
      await page.getByLabel('Present password').fill(old);
      await page.getByLabel('New password', { exact: true }).fill(password);
      await page.getByLabel('New password again').fill(password);
      await page.getByRole('button', { name: 'Change the password' }).click();
    };

    it('after it is changed says so, and shows the inbox as before, in all tabs', async () => {
      await newMailbox('7281');
      const page = await open('7281');
      const tab = await page.context().newPage();
      await tab.goto(`${pair.north.http}/MyCallPilot/`);
      await rows(tab).first().waitFor();
      await (await menu(page)).getByRole('link', { name: 'Change password' }).click();
      await page.waitForFunction(() => document.activeElement?.id === 'password');
      await page.evaluate(() => { globalThis.samePage = document.getElementById('old-password'); });
      await change(page, '728194', '836205');
      await page.getByText('Your password is changed.', { exact: true }).waitFor();
      await said(page, 'Your password is changed. Other sessions have ended.');
      assert.ok(await page.evaluate(() => globalThis.samePage.isConnected), 'the page was made anew');
      await page.getByRole('link', { name: /^Inbox/ }).first().click();
      await row(page, 'Only one').waitFor();
      await page.getByRole('link', { name: 'Inbox 1 new' }).waitFor();
      // What came meanwhile arrives in both: their sessions go on.
      await deliver(pair.north.smtp, at('7281'), voiceMessage({ to: at('7281'), subject: 'After it' }));
      await row(page, 'After it').waitFor();
      await row(tab, 'After it').waitFor();
      await closePage(page);
    });

    it('that cannot be checked says that it was not, and keeps it in the field', async () => {
      const page = await openPage(browser);
      await page.goto(`${pair.north.http}/MyCallPilot/`);
      await page.getByText('Your server is ready').waitFor();
      await silence(page);
      await submitLogIn(page, { mailbox: '7200', password: '000000' });
      await page.getByText('Your password has not been checked.').waitFor();
      assert.equal(await page.getByLabel('Password', { exact: true }).inputValue(), '000000');
      await mend(page);
      await page.getByText('Your server is ready').waitFor();
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByText('Mailbox number or password is wrong.').waitFor();
      assert.equal(await page.getByLabel('Password', { exact: true }).inputValue(), '');
      await closePage(page);
    });
  });

  describe('of changes that wait', () => {
    it('asks before they are lost with the log-out, and staying is what Enter does', async () => {
      await newMailbox('7282');
      const page = await open('7282');
      await cut(page);
      await rows(page).first().focus();
      await page.keyboard.press('Delete');
      await toast(page).getByText('1 message moved to Deleted. Not sent yet: no connection. It goes out by itself, once.').waitFor();
      await (await menu(page)).getByRole('button', { name: 'Log out' }).click();
      const question = page.getByRole('dialog', { name: '1 change has not been sent. Log out and lose it?' });
      await question.waitFor();
      const { violations } = await new AxeBuilder(page).analyze();
      assert.deepEqual(violations, []);
      await page.waitForFunction(() => document.activeElement?.textContent === 'Stay logged in');
      await page.keyboard.press('Enter');
      await question.waitFor({ state: 'hidden' });
      await inbox(page);
      await openConfigure(page);
      await page.getByRole('button', { name: 'Remove what is kept' }).click();
      await page.getByText('1 change that waits to be sent stays here and goes out by itself.').waitFor();
      await page.getByRole('button', { name: 'Keep' }).click();
      await (await menu(page)).getByRole('button', { name: 'Log out' }).click();
      await question.getByRole('button', { name: 'Log out' }).click();
      await page.getByLabel('Mailbox number').waitFor();
      assert.equal(await page.evaluate(() => localStorage.getItem('callpilot.outbox.7282')), null);
      await mend(page);
      await closePage(page);
    });

    it('asks nothing where none waits', async () => {
      const page = await open('7200');
      await (await menu(page)).getByRole('button', { name: 'Log out' }).click();
      await page.getByLabel('Mailbox number').waitFor();
      await closePage(page);
    });
  });

  describe('of what is gone', () => {
    it('says that nothing comes back when another tab has emptied Deleted', async () => {
      await newMailbox('7283');
      const page = await open('7283');
      await rows(page).first().focus();
      await page.keyboard.press('Delete');
      await toast(page).getByText('1 message moved to Deleted.').waitFor();
      await toast(page).getByRole('button', { name: 'Undo' }).focus();
      const north = await pair.api(pair.north, '7283');
      await until('it lies in Deleted', async () => (await north('GET', '/messages?folder=deleted')).messages.length === 1);
      await north('POST', '/messages/empty-deleted', {});
      await until('it is gone', async () => (await north('GET', '/messages?folder=deleted')).messages.length === 0);
      await toast(page).getByRole('button', { name: 'Undo' }).click();
      await toast(page).getByText('1 message cannot be brought back: it was deleted for good.').waitFor();
      assert.equal(await toast(page).getByRole('button').count(), 0, 'it offers a way back again');
      assert.equal(await page.getByTestId('said').getByText('Back in Inbox.').count(), 0);
      await closePage(page);
    });
  });

  describe('of a mailbox of several pages', () => {
    const ROWS = 740;

    /** A server of a large inbox that keeps what is deleted; one message it does not move before `allowed`. */
    async function serve(page, rows) {
      const server = { allowed: false };
      const folder = (name) => rows.filter((row) => row.folder === name);
      await page.route(/\/api\/v1\/messages\?/, (route) => {
        const query = new URL(route.request().url()).searchParams;
        const before = query.get('before');
        const all = folder(query.get('folder') ?? 'inbox').filter((row) => before === null || rows.indexOf(row) > Number(before));
        const messages = all.slice(0, 500);
        const next = all.length > 500 ? String(rows.indexOf(messages.at(-1))) : null;
        const counts = { inbox: folder('inbox').length, unread: 0, sent: 0, deleted: folder('deleted').length, one_server_only: 0 };
        return route.fulfill({ json: { messages, next, as_of: Date.now(), counts } });
      });
      await page.route(/\/api\/v1\/messages\/01936f2e/, (route) => {
        const request = route.request();
        const row = rows.find((row) => request.url().includes(row.id));
        if (row === rows[3] && !server.allowed) {
          return route.fulfill({ status: 429, json: { code: 'too_many_requests', message: 'Not now.', reference: 'r' } });
        }
        const back = request.method() === 'PATCH' && request.postDataJSON().deleted === false;
        row.folder = back ? 'inbox' : 'deleted';
        return route.fulfill({ json: row });
      });
      return server;
    }

    it('shows the older ones when all that were here are deleted, and the way back stays until the work is done', async () => {
      const page = await openPage(browser);
      await page.clock.install();
      const many = manyRows(ROWS);
      const server = await serve(page, many);
      await logIn(page, pair.north, pair.user('7200'));
      await row(page, /Message number 0[.,]/).waitFor();
      await page.keyboard.press('Control+a');
      await page.getByRole('heading', { level: 1, name: '500 selected' }).waitFor();
      await page.keyboard.press('Delete');
      await toast(page).getByText('Moving 500 messages to Deleted…').waitFor();
      await row(page, /Message number 500[.,]/).waitFor();
      assert.equal(await page.getByText('Nothing here yet').count(), 0);
      await until('all but one are moved', () => many.filter((row) => row.folder === 'deleted').length === 499);
      // A minute is longer than the ten seconds of an offer.
      await page.clock.fastForward(60_000);
      await toast(page).getByText('Moving 500 messages to Deleted…').waitFor();
      server.allowed = true;
      await toast(page).getByText('500 messages moved to Deleted.').waitFor();
      await toast(page).getByRole('button', { name: 'Undo' }).click();
      await row(page, /Message number 0[.,]/).waitFor();
      await page.locator(`#row-${rowId(0)}`).waitFor();
      await closePage(page);
    });
  });

  describe('of what plays', () => {
    it('selecting does not end it, and nothing is said of a stop that was none', async () => {
      await newMailbox('7284');
      await deliver(pair.north.smtp, at('7284'), voiceMessage({ to: at('7284'), subject: 'Long one', seconds: 40 }));
      const page = await open('7284');
      await row(page, 'Long one').click();
      await player(page).getByRole('button', { name: 'Play' }).click();
      const position = async () => page.evaluate(() => document.querySelector('audio').currentTime);
      await until('it sounds', async () => (await position()) > 1.2);
      await page.evaluate(() => { globalThis.sounding = document.querySelector('audio'); });
      await page.getByRole('checkbox', { name: /^Select: .*Only one/ }).check();
      await page.getByRole('heading', { level: 1, name: '1 selected' }).waitFor();
      const goesOn = () => page.evaluate(() => globalThis.sounding.isConnected && !globalThis.sounding.paused);
      assert.ok(await goesOn(), 'selecting has ended it');
      await player(page).getByRole('button', { name: 'Pause' }).waitFor();
      await page.keyboard.press('Escape');
      await inbox(page);
      assert.ok(await goesOn(), 'ending the selection has ended it');
      assert.equal(await page.getByText(/^Goes on at/).count(), 0);
      // A message that does not sound gives its place to what is said of the selection.
      await player(page).getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('checkbox', { name: /^Select: .*Only one/ }).check();
      await page.getByRole('heading', { name: '1 message selected' }).waitFor();
      assert.equal(await player(page).count(), 0);
      await page.getByText('1 voice message; 3 seconds.').waitFor();
      await closePage(page);
    });
  });

  it('one count of what is kept stands in the line and under Configure', async () => {
    const page = await open('7200');
    await rows(page).first().focus();
    await page.keyboard.press('Delete');
    await until('Deleted is not empty', async () => (await page.getByRole('link', { name: /^Deleted \d/ }).count()) > 0);
    await openConfigure(page);
    await cut(page);
    const told = await line(page, 'offline').getByText(/Kept here/).innerText();
    const [, kept] = /Kept here: (\d+) message/.exec(told);
    await page.getByText(`Removes ${kept} messages from this browser`).waitFor();
    await mend(page);
    await closePage(page);
  });

  it('Esc in the search box leads to the list', async () => {
    const page = await open('7200');
    await page.keyboard.press('/');
    await page.waitForFunction(() => document.activeElement?.id === 'search');
    await page.keyboard.type('zzzz');
    await page.getByText(/No message fits .zzzz./).waitFor();
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.activeElement?.id.startsWith('row-'));
    await closePage(page);
  });

  it('a partner that has died is found out under Configure without a click', async () => {
    const page = await open('7200');
    await openConfigure(page);
    await page.getByText('Both servers answer this browser').waitFor();
    const ready = page.locator('.status', { hasText: 'Not connected, ready' }).locator('.sign');
    const colour = (sign) => sign.evaluate((element) => getComputedStyle(element).color);
    const calm = await colour(ready);
    // The first look of this page is over; from now on the next look by itself would be due after a minute.
    await page.getByRole('link', { name: /^Inbox/ }).first().click();
    pair.kill(pair.south);
    try {
      await openConfigure(page);
      await page.getByText('The partner does not answer this browser').waitFor({ timeout: 5_000 });
      const out = page.locator('.status', { hasText: /Not connected since \d+:\d\d/ }).locator('.sign');
      assert.notEqual(await colour(out), calm);
      await pair.restart(pair.south);
      await page.getByText('Both servers answer this browser').waitFor({ timeout: 18_000 });
    } finally {
      await pair.caughtUp();
    }
    await closePage(page);
  });
});
