// Personal lists of My CallPilot: made, changed and deleted, on both servers, and with a server less.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { AxeBuilder } from './support/axe.mjs';
import { closePage, launchBrowser, line, logIn, openPage, workerReady } from './support/page.mjs';
import { Pair, until } from './support/pair.mjs';

describe('Personal lists', { timeout: 300_000 }, () => {
  let pair, browser;
  before(async () => {
    pair = await Pair.start();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await pair?.stop();
  });

  const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
  const saved = (page) => page.locator('.badge', { hasText: /^Saved$/ }).waitFor();

  async function open(mailbox = '7200', options = {}) {
    const page = await openPage(browser, options);
    await logIn(page, pair.north, pair.user(mailbox));
    await page.goto(`${pair.north.http}/MyCallPilot/features/lists`);
    await page.getByRole('heading', { level: 1, name: 'Personal lists' }).waitFor();
    await page.getByText('of at most 99 lists').waitFor();
    return page;
  }

  async function make(page, title) {
    await press(page, 'New list');
    await page.getByLabel('Name', { exact: true }).fill(title);
    await press(page, 'Create the list');
    await page.getByRole('heading', { level: 2, name: title }).waitFor();
    await saved(page);
  }

  async function add(page, typed) {
    await page.getByLabel('Add an address').fill(typed);
    await page.keyboard.press('Enter');
  }

  /** The lists of a mailbox as a server has them, by their titles. */
  async function lists(server, mailbox = '7200') {
    const all = await (await pair.api(server, mailbox))('GET', '/lists');
    return Object.fromEntries(all.map(({ title, addresses }) => [title, addresses]));
  }

  const both = async (what, state, mailbox) => {
    for (const server of [pair.north, pair.south]) {
      await until(`${what} on ${server.name}`, async () => state(await lists(server, mailbox)));
    }
  };

  it('a list is made, filled, renamed and thinned out, on both servers', async () => {
    const page = await open();
    await make(page, 'Night shift');
    await add(page, '7216, 7290@pbx.example.org');
    await page.getByRole('heading', { name: '2 addresses' }).waitFor();
    await add(page, '79999');
    await page.getByText('1 address reaches nobody.').waitFor();
    await add(page, '7216');
    await page.getByText('7216 is on the list already.').waitFor();
    await both('three addresses', (all) => all['Night shift']?.length === 3);
    await page.getByRole('button', { name: 'Take out 79999' }).click();
    await page.getByRole('heading', { name: '2 addresses' }).waitFor();
    const title = page.getByLabel('Name', { exact: true });
    await title.fill('Late shift');
    await title.blur();
    await both('the new name', (all) => all['Late shift']?.length === 2 && !('Night shift' in all));
    await closePage(page);
  });

  it('a number that is taken is told with whose it is', async () => {
    const page = await open('7216');
    await make(page, 'Warehouse');
    await press(page, 'New list');
    assert.equal(await page.getByLabel('On the telephone').inputValue(), '2');
    await page.getByLabel('On the telephone').fill('1');
    await press(page, 'Create the list');
    await page.getByRole('alert').getByText('1 is Warehouse. The next free number is 2.').waitFor();
    await press(page, 'Cancel');
    await closePage(page);
  });

  it('a deleted list can be brought back as it was', async () => {
    const page = await open('7216');
    await make(page, 'Early lorries');
    await add(page, '7200');
    await both('the list', (all) => all['Early lorries']?.length === 1, '7216');
    await page.getByRole('group', { name: 'Early lorries' }).getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Early lorries deleted, 1 address.').waitFor();
    await both('its absence', (all) => !('Early lorries' in all), '7216');
    await press(page, 'Undo');
    await both('the list again', (all) => all['Early lorries']?.[0] === '7200', '7216');
    await closePage(page);
  });

  it('a change while a server dies goes to the partner, and one while none answers waits and loses nothing', async () => {
    const page = await open();
    await workerReady(page);
    await make(page, 'On call');
    pair.kill(pair.north);
    await add(page, '7216');
    await line(page, 'partner').waitFor({ timeout: 20_000 });
    await until('the partner has it', async () => (await lists(pair.south))['On call']?.length === 1);
    await page.context().route('**/api/**', (route) => route.abort());
    await add(page, '7231');
    await page.locator('.told', { hasText: 'Not saved yet: no server answers.' }).waitFor();
    await page.getByRole('heading', { name: '2 addresses' }).waitFor();
    // Whoever goes elsewhere meanwhile loses nothing.
    await page.getByRole('link', { name: 'Preferences' }).click();
    await page.getByRole('heading', { level: 1, name: 'Preferences' }).waitFor();
    await page.getByRole('link', { name: 'Personal lists' }).click();
    await page.getByText('1 list waits in this browser.').waitFor();
    await page.context().unroute('**/api/**');
    await until('it is saved by itself', async () => (await lists(pair.south))['On call']?.length === 2);
    await page.getByRole('button', { name: 'On call', exact: true }).click();
    await page.getByRole('heading', { name: '2 addresses' }).waitFor();
    await saved(page);
    await pair.restart(pair.north);
    await pair.caughtUp();
    assert.equal((await lists(pair.north))['On call'].length, 2);
    await closePage(page);
  });

  for (const [width, colorScheme] of [[1280, 'light'], [390, 'dark']]) {
    it(`nothing of it breaks a rule of accessibility at ${width} px`, async () => {
      const page = await open('7216', { viewport: { width, height: 900 }, colorScheme });
      const check = async (what) => {
        const shots = process.env.CALLPILOT_SHOTS;
        if (shots) await page.screenshot({ path: `${shots}/lists-${what}-${width}-${colorScheme}.png` });
        const { violations } = await new AxeBuilder(page).analyze();
        assert.deepEqual(violations, [], what);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(wide <= 0, `${what}: ${wide} px too wide`);
      };
      await check('all');
      await press(page, 'New list');
      await check('new');
      await press(page, 'Cancel');
      await page.getByRole('button', { name: 'Warehouse', exact: true }).click();
      await add(page, '7200, 79999');
      await page.getByText('1 address reaches nobody.').waitFor();
      await check('edit');
      await page.getByRole('button', { name: 'Take out 79999' }).click();
      await press(page, 'Delete the list');
      await page.getByText('Warehouse deleted').waitFor();
      await check('deleted');
      await press(page, 'Undo');
      await saved(page);
      await closePage(page);
    });
  }
});
