// Addresses: each page and each open message has one, and the browser's own Back, Forward, reload and links do what readers expect.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { closePage, launchBrowser, logIn, openPage, player, row, submitLogIn } from './support/page.mjs';
import { Pair } from './support/pair.mjs';

describe('Addresses of My CallPilot', { timeout: 300_000 }, () => {
  let pair, browser;
  before(async () => {
    pair = await Pair.start();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await pair?.stop();
  });

  const at = (path) => `${pair.north.http}/MyCallPilot${path}`;
  const heading = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor();
  const titled = (page, words) => page.waitForFunction((words) => document.title === words, words);
  const opened = (page, subject) => page.getByRole('heading', { level: 2, name: subject, exact: true }).waitFor();

  async function open(options) {
    const page = await openPage(browser, options);
    await logIn(page, pair.north, pair.user('7200'));
    await row(page, / from /).first().waitFor();
    return page;
  }

  /** What the mailbox holds, newest first, and what the page calls each. */
  async function inbox() {
    const north = await pair.api(pair.north, '7200');
    const { messages } = await north('GET', '/messages');
    return messages.filter((message) => message.subject && message.kind === 'voice');
  }

  it('the address and the title follow each page and each open message', async () => {
    const page = await open();
    await page.waitForURL(at('/inbox'));
    assert.match(await page.title(), /^Inbox( \(\d+ new\))? · My CallPilot$/);
    const [{ id, subject }] = await inbox();
    await page.locator(`#row-${id}`).click();
    await page.waitForURL(at(`/inbox/${id}`));
    await titled(page, `${subject} · Inbox · My CallPilot`);
    for (const [link, path, title] of [
      ['Deleted', '/deleted', 'Deleted · My CallPilot'],
      ['Useful Information', '/information', 'Useful Information · My CallPilot'],
      ['Configure', '/configure', 'Configure · My CallPilot'],
    ]) {
      await page.getByRole('link', { name: link }).first().click();
      await page.waitForURL(at(path));
      await titled(page, title);
      await heading(page, link);
    }
    await closePage(page);
  });

  it('Back and Forward stay inside the page and show what was there', async () => {
    const page = await open();
    // A page that was loaded anew would not know this.
    await page.evaluate(() => { globalThis.sameDocument = true; });
    const [first, second] = await inbox();
    await page.locator(`#row-${first.id}`).click();
    await opened(page, first.subject);
    await page.locator(`#row-${second.id}`).click();
    await opened(page, second.subject);
    await page.getByRole('link', { name: 'Configure' }).first().click();
    await heading(page, 'Configure');
    await page.goBack();
    await page.waitForURL(at(`/inbox/${second.id}`));
    await opened(page, second.subject);
    await page.goBack();
    await opened(page, first.subject);
    await page.goBack();
    await page.waitForURL(at('/inbox'));
    await page.getByText('No message open').waitFor();
    await page.goForward();
    await page.goForward();
    await page.goForward();
    await page.waitForURL(at('/configure'));
    await heading(page, 'Configure');
    assert.equal(await page.evaluate(() => globalThis.sameDocument), true, 'the page was loaded anew');
    await closePage(page);
  });

  it('in a narrow window Back leads from the message to the row one came from', async () => {
    const page = await open({ viewport: { width: 390, height: 800 } });
    const [{ id, subject }] = await inbox();
    await page.locator(`#row-${id}`).click();
    await opened(page, subject);
    await page.waitForFunction(() => document.activeElement?.id === 'subject');
    await page.goBack();
    await page.waitForFunction((id) => document.activeElement?.id === `row-${id}`, id);
    await closePage(page);
  });

  it('a reload shows the same page and the same message', async () => {
    const page = await open();
    const [, { id, subject }] = await inbox();
    await page.locator(`#row-${id}`).click();
    await opened(page, subject);
    await page.reload();
    await opened(page, subject);
    await player(page).first().waitFor();
    assert.equal(page.url(), at(`/inbox/${id}`));
    await page.goto(at('/deleted'));
    await page.reload();
    await heading(page, 'Deleted');
    await closePage(page);
  });

  it('a link to a message shows it after the log-in', async () => {
    const [, , { id, subject }] = await inbox();
    const page = await openPage(browser);
    await page.goto(at(`/inbox/${id}`));
    await titled(page, 'Log in · My CallPilot');
    await submitLogIn(page, pair.user('7200'));
    await opened(page, subject);
    assert.equal(page.url(), at(`/inbox/${id}`));
    await closePage(page);
  });

  it('a row is a link: it opens in a window of its own', async () => {
    const page = await open();
    const [{ id, subject }] = await inbox();
    const [other] = await Promise.all([
      page.context().waitForEvent('page'),
      page.locator(`#row-${id}`).click({ modifiers: ['Control'] }),
    ]);
    await other.waitForURL(at(`/inbox/${id}`));
    await opened(other, subject);
    assert.equal(page.url(), at('/inbox'), 'the first window went along');
    await closePage(page);
  });

  it('the base alone is the inbox, and no step back leads to it', async () => {
    const page = await openPage(browser);
    await page.goto('about:blank');
    await page.goto(at('/'));
    await submitLogIn(page, pair.user('7200'));
    await page.waitForURL(at('/inbox'));
    await page.goBack();
    await page.waitForURL('about:blank');
    await closePage(page);
  });

  it('an address without a page says so and leads to the inbox', async () => {
    const page = await open();
    for (const path of ['/lamp', '/inbox/7200', '/configure/of/what']) {
      await page.goto(at(path));
      await heading(page, 'There is no page at this address');
      await titled(page, 'No such page · My CallPilot');
      await page.getByText(`/MyCallPilot${path}`).waitFor();
      assert.equal(page.url(), at(path));
    }
    await page.getByRole('link', { name: 'To the inbox' }).click();
    await heading(page, 'Inbox');
    await closePage(page);
  });

  it('the address of a message that is gone says so', async () => {
    const page = await open();
    await page.goto(at('/inbox/01936f2e-8d3c-7a10-9c41-2f6f0c5d7e90'));
    await page.getByText('This message is not on this server.').waitFor();
    await page.getByRole('heading', { level: 2, name: 'No such message' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Delete' }).count(), 0, 'it offers to delete what is not there');
    await closePage(page);
  });

  it('Back does not lead to a message that was deleted', async () => {
    const page = await open();
    const messages = await inbox();
    const [first, last] = [messages[0], messages.at(-1)];
    await page.locator(`#row-${first.id}`).click();
    await opened(page, first.subject);
    await page.locator(`#row-${last.id}`).click();
    await opened(page, last.subject);
    await page.getByRole('button', { name: 'Delete' }).first().click();
    await page.waitForURL(at('/inbox'));
    await page.goBack();
    await opened(page, first.subject);
    await closePage(page);
  });

  it('logging out leaves no message in the address', async () => {
    const page = await open();
    const [{ id, subject }] = await inbox();
    await page.locator(`#row-${id}`).click();
    await opened(page, subject);
    await page.getByRole('button', { name: /7200/ }).click();
    await page.getByText('Log out').first().click();
    await page.getByLabel('Mailbox number').waitFor();
    await page.waitForURL(at('/inbox'));
    await closePage(page);
  });

  it('works where a script beside it has taken pushState and replaceState away', async () => {
    const page = await openPage(browser);
    await page.addInitScript(() => {
      history.pushState = null;
      history.replaceState = null;
    });
    await logIn(page, pair.north, pair.user('7200'));
    assert.equal(await page.evaluate(() => history.pushState ?? history.replaceState), null);
    await page.waitForURL(at('/inbox'));
    await page.getByRole('link', { name: 'Configure' }).first().click();
    await page.waitForURL(at('/configure'));
    await heading(page, 'Configure');
    await page.goBack();
    await heading(page, 'Inbox');
    await closePage(page);
  });
});
