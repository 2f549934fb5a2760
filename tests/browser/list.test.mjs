// A mailbox of thousands: only the rows near what can be seen are in the page, and all that one does with a list works across them.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { AxeBuilder } from './support/axe.mjs';
import { deliver, voiceMessage } from './support/mail.mjs';
import { manyRows, PAGE, rowId, serveInbox } from './support/mailbox.mjs';
import { closePage, launchBrowser, logIn, openPage, row } from './support/page.mjs';
import { Pair, until } from './support/pair.mjs';

const ROWS = 2_000;
/** Rows that a window of 900 pixels shows, and those that are drawn beyond. */
const DRAWN_MAX = 60;

describe('A long list', { timeout: 300_000 }, () => {
  let pair, browser;
  before(async () => {
    pair = await Pair.start();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await pair?.stop();
  });

  const drawn = (page) => page.locator('.list .row').count();
  /** The row of a message. */
  const message = (page, n) => row(page, new RegExp(`Message number ${n}[.,]`));
  const focused = (page, n) => page.waitForFunction((id) => document.activeElement?.id === id, `row-${rowId(n)}`);
  const older = (page) => page.getByRole('button', { name: 'Show older messages' });
  const place = (page, n) => message(page, n).evaluate((link) => Math.round(link.getBoundingClientRect().top));
  const scrolled = (page) => page.locator('.list__body').evaluate((body) => body.scrollTop);

  async function open(options, rows = manyRows(ROWS)) {
    const page = await openPage(browser, options);
    const inbox = await serveInbox(page, rows);
    await logIn(page, pair.north, pair.user('7200'));
    await message(page, 0).waitFor();
    return Object.assign(page, { inbox });
  }

  /** Reads all pages of the list. */
  async function readAll(page) {
    // The row that each page begins with, and not what has been asked for by now: the click is over before the page asks.
    for (let first = PAGE; await older(page).count(); first += PAGE) {
      await older(page).click();
      await focused(page, first);
    }
    await page.keyboard.press('Home');
    await focused(page, 0);
  }

  it('has few rows in the page, and each says its place among all', async () => {
    const page = await open();
    assert.ok((await drawn(page)) <= DRAWN_MAX, `${await drawn(page)} rows`);
    await readAll(page);
    await page.keyboard.press('End');
    await focused(page, ROWS - 1);
    await message(page, ROWS - 20).waitFor();
    assert.ok((await drawn(page)) <= DRAWN_MAX, `${await drawn(page)} rows`);
    const last = page.locator('.row', { has: page.locator(':focus') });
    const [number, size] = [await last.getAttribute('aria-posinset'), await last.getAttribute('aria-setsize')];
    assert.equal(number, size, 'the last of its day');
    const { violations } = await new AxeBuilder(page).analyze();
    assert.deepEqual(violations, []);
    await closePage(page);
  });

  it('is walked through by keys, beyond what is drawn, and selected as a whole', async () => {
    const page = await open();
    await readAll(page);
    for (let n = 1; n <= 50; n += 1) {
      await page.keyboard.press('ArrowDown');
      await focused(page, n);
    }
    for (let n = 49; n >= 30; n -= 1) {
      await page.keyboard.press('k');
      await focused(page, n);
    }
    await page.keyboard.press('End');
    await focused(page, ROWS - 1);
    await page.keyboard.press('Shift+ArrowUp');
    await page.getByRole('heading', { level: 1, name: '2 selected' }).waitFor();
    await page.keyboard.press('Escape');
    // From the last row to the first, over all that is not drawn.
    await page.locator('.row', { has: page.locator(':focus') }).getByRole('checkbox').click();
    await page.locator('.list__body').evaluate((body) => body.scrollTo(0, 0));
    await page.getByRole('checkbox', { name: /Message number 0$/ }).click({ modifiers: ['Shift'] });
    await page.getByRole('heading', { level: 1, name: /^\d+ selected/ }).waitFor();
    const selected = Number.parseInt(await page.getByRole('heading', { level: 1 }).innerText(), 10);
    assert.ok(selected >= ROWS - 1, `${selected} selected`);
    await page.keyboard.press('Control+a');
    await page.getByRole('heading', { level: 1, name: `${ROWS} selected` }).waitFor();
    await closePage(page);
  });

  it('keeps the focus on a row that is scrolled out of sight, and goes on from there', async () => {
    const page = await open();
    await message(page, 2).focus();
    await page.locator('.list__body').evaluate((body) => body.scrollTo(0, 15_000));
    await message(page, 280).waitFor();
    assert.equal(await message(page, 20).count(), 0, 'far rows are still drawn');
    await focused(page, 2);
    await page.keyboard.press('ArrowDown');
    await focused(page, 3);
    await until('it is in sight', async () => (await scrolled(page)) < 500);
    await closePage(page);
  });

  it('stays where one reads when a message comes above, and when one comes back to it', async () => {
    const page = await open();
    await page.locator('.list__body').evaluate((body) => body.scrollTo(0, 12_000));
    await message(page, 220).waitFor();
    const before = await place(page, 220);
    const at = '7200@cp-north.example.net';
    await deliver(pair.north.smtp, at, voiceMessage({ to: at, subject: 'Just come' }));
    await page.getByText('New voice message from Mira Tandell').waitFor({ state: 'attached' });
    await until('it stays in its place', async () => Math.abs((await place(page, 220)) - before) <= 1);
    await page.getByRole('link', { name: 'Configure' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'Configure' }).waitFor();
    await page.goBack();
    await message(page, 220).waitFor();
    await until('it is in its place again', async () => Math.abs((await place(page, 220)) - before) <= 1);
    await closePage(page);
  });

  for (const viewport of [{ width: 390, height: 800 }, { width: 640, height: 400 }]) {
    it(`is drawn where it is seen at ${viewport.width} by ${viewport.height} px, where a message takes the list's place`, async () => {
      const page = await open({ viewport });
      const body = page.locator('.list__body');
      // In a low window the whole page scrolls.
      await body.evaluate((body) => (body.scrollHeight > body.clientHeight ? body : document.scrollingElement).scrollTo(0, 9_000));
      const seen = message(page, 140);
      await seen.waitFor();
      assert.ok((await drawn(page)) <= DRAWN_MAX);
      await seen.click();
      await page.getByRole('heading', { level: 2, name: 'Message number 140', exact: true }).waitFor();
      await page.goBack();
      await focused(page, 140);
      await closePage(page);
    });
  }
});
