// The focus stays in the page: whoever works by the keyboard or by ear never begins again at the top.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { manyRows, rowId, serveInbox } from './support/mailbox.mjs';
import { closePage, launchBrowser, logIn, openPage, player, row } from './support/page.mjs';
import { Pair, until } from './support/pair.mjs';

describe('The focus in My CallPilot', { timeout: 300_000 }, () => {
  let pair, browser;
  before(async () => {
    pair = await Pair.start();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await pair?.stop();
  });

  const rows = (page) => row(page, / from /);
  const onRow = (page, name) => page.waitForFunction((name) => document.activeElement?.getAttribute('aria-label') === name, name);
  const onId = (page, id) => page.waitForFunction((id) => document.activeElement?.id === id, id);
  const name = (page, n) => rows(page).nth(n).getAttribute('aria-label');

  async function open(options) {
    const page = await openPage(browser, options);
    await logIn(page, pair.north, pair.user('7200'));
    await rows(page).first().waitFor();
    return page;
  }

  it('goes to the next row when one is deleted, and to the one that is back after Undo, by key or by button', async () => {
    const page = await open();
    const [gone, next] = [await name(page, 1), await name(page, 2)];
    for (const undo of [() => page.keyboard.press('Control+z'), () => page.getByRole('button', { name: 'Undo' }).press('Enter')]) {
      await row(page, gone).focus();
      await page.keyboard.press('Delete');
      await row(page, gone).waitFor({ state: 'detached' });
      await onRow(page, next);
      await undo();
      await row(page, gone).waitFor();
      await onRow(page, gone);
    }
    await closePage(page);
  });

  it('goes to the next row when the last, or an open message, is deleted by its button', async () => {
    const page = await open();
    const [gone, next] = [await name(page, 0), await name(page, 1)];
    await row(page, gone).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).press('Enter');
    await onRow(page, next);
    await page.keyboard.press('Control+z');
    await onRow(page, gone);
    await closePage(page);
  });

  it('stays in the list when Esc or a button clears the selection, and beside what can be done when all are selected', async () => {
    const page = await open();
    const first = await name(page, 0);
    for (const clear of [() => page.keyboard.press('Escape'), () => page.keyboard.press('Enter')]) {
      await row(page, first).focus();
      await page.keyboard.press('x');
      await page.getByRole('button', { name: 'Clear the selection' }).focus();
      await clear();
      await page.getByRole('heading', { level: 1, name: 'Inbox' }).waitFor();
      await onRow(page, first);
    }
    await page.keyboard.press('x');
    await page.getByRole('button', { name: 'Select all' }).press('Enter');
    await onId(page, 'heading');
    await page.keyboard.press('Escape');
    await closePage(page);
  });

  it('goes to a row when the search is closed or cleared', async () => {
    const page = await open();
    const first = await name(page, 0);
    const search = async (words) => {
      await page.keyboard.press('/');
      await page.waitForFunction(() => document.activeElement?.id === 'search');
      await page.keyboard.type(words);
    };
    await search('the');
    await page.keyboard.press('Escape');
    await onRow(page, first);
    await search('zzzz');
    await page.getByRole('button', { name: /^Clear the search/ }).press('Enter');
    await onRow(page, first);
    await closePage(page);
  });

  it('goes to the first of the older messages, also where no more are left', async () => {
    const page = await openPage(browser);
    await serveInbox(page, manyRows(1_100));
    await logIn(page, pair.north, pair.user('7200'));
    const older = page.getByRole('button', { name: 'Show older messages' });
    for (const first of [500, 1_000]) {
      await older.press('Enter');
      await onId(page, `row-${rowId(first)}`);
    }
    assert.equal(await older.count(), 0);
    await closePage(page);
  });

  it('goes to the log-in form after a log-out, and to the heading of each page one goes to', async () => {
    const page = await open();
    for (const link of ['Deleted', 'Useful Information', 'Configure', 'Inbox']) {
      await page.getByRole('link', { name: link }).first().press('Enter');
      await page.getByRole('heading', { level: 1, name: link }).waitFor();
      await page.waitForFunction((words) => document.activeElement?.tagName === 'H1' && document.activeElement.innerText === words, link);
    }
    await page.locator('button.who').press('Enter');
    await page.getByRole('button', { name: 'Log out' }).press('Enter');
    await onId(page, 'mailbox');
    await closePage(page);
  });

  it('goes to the next row when another device deletes the message that has it', async () => {
    const page = await open();
    const [gone, next] = [await name(page, 1), await name(page, 2)];
    await row(page, gone).focus();
    const id = (await row(page, gone).getAttribute('id')).replace('row-', '');
    const north = await pair.api(pair.north, '7200');
    await north('DELETE', `/messages/${id}`);
    await row(page, gone).waitFor({ state: 'detached' });
    await onRow(page, next);
    await closePage(page);
  });

  it('is not taken from whoever has put it away by a click beside everything', async () => {
    const page = await open();
    await rows(page).first().focus();
    await page.locator('.side').click({ position: { x: 100, y: 500 } });
    const before = await rows(page).count();
    const id = (await rows(page).nth(0).getAttribute('id')).replace('row-', '');
    const north = await pair.api(pair.north, '7200');
    await north('DELETE', `/messages/${id}`);
    await until('it has gone', async () => (await rows(page).count()) === before - 1);
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'BODY');
    await closePage(page);
  });

  it('is seen in forced colours, with the selection, the present page, the speed and what was heard', async () => {
    const page = await open({ forcedColors: 'active' });
    const style = (locator, property) => locator.evaluate((element, property) => getComputedStyle(element)[property], property);
    const differ = async (what, property, one, other) => assert.notEqual(await style(one, property), await style(other, property), what);
    const tab = (words) => page.locator('.tabs').getByRole('link', { name: words });
    await differ('the present page', 'borderBottomColor', tab('CallPilot Messages'), tab('Useful Information'));
    await row(page, /Voice message/).first().click();
    await player(page).waitFor();
    await differ('the open message', 'outlineStyle', page.locator('.row--open'), page.locator('.row').last());
    await differ('the chosen speed', 'backgroundColor', page.locator('.seg label').first(), page.locator('.seg label').last());
    await differ('what was heard', 'color', page.locator('.player .heard').first(), page.locator('.player .wave').first());
    assert.equal(await style(page.locator('.play').first(), 'borderTopStyle'), 'solid');
    await rows(page).nth(1).focus();
    await page.keyboard.press('x');
    await differ('the selection', 'outlineStyle', page.locator('.row--picked'), page.locator('.row').last());
    await closePage(page);
  });
});
