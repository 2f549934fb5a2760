// Greetings and preferences of My CallPilot, without a microphone.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { AxeBuilder } from './support/axe.mjs';
import { closePage, launchBrowser, logIn, openPage, submitLogIn } from './support/page.mjs';
import { Pair, until } from './support/pair.mjs';

describe('Greetings and preferences', { timeout: 300_000 }, () => {
  let pair, browser;
  const speech = readFileSync(new URL('../vectors/sound/speech.wav', import.meta.url));
  before(async () => {
    pair = await Pair.start();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await pair?.stop();
  });

  const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
  const told = (page, words) => page.locator('.told', { hasText: words }).waitFor();
  const greeting = (page, slot) => page.getByRole('group', { name: slot, exact: true });
  const now = (page) => page.getByRole('region', { name: 'What callers hear now' });

  async function open(mailbox, name, address) {
    const page = await openPage(browser);
    await logIn(page, pair.north, pair.user(mailbox));
    await page.goto(`${pair.north.http}/MyCallPilot/features/${address}`);
    await page.getByRole('heading', { level: 1, name }).waitFor();
    return page;
  }

  async function upload(page, slot) {
    await greeting(page, slot).getByRole('button', { name: 'Record' }).click();
    await page.getByLabel('File of sound').setInputFiles({ name: 'hello.wav', mimeType: 'audio/wav', buffer: speech });
  }

  async function rows(server, mailbox) {
    const all = await (await pair.api(server, mailbox))('GET', '/greetings');
    return Object.fromEntries(all.map((row) => [row.slot, row]));
  }

  it('the temporary greeting takes the place of the others until its end, or until it is switched off', async () => {
    const page = await open('7200', 'Greetings', 'greetings');
    await upload(page, 'External');
    await told(page, 'External greeting saved.');
    await now(page).getByText('hear External, 0:01').waitFor();
    await now(page).getByText('hear the system’s greeting').waitFor();
    await upload(page, 'Temporary');
    await told(page, 'Temporary greeting saved.');
    await now(page).getByText('hear Temporary, until you switch it off').first().waitFor();
    await page.getByRole('button', { name: /^Tomorrow, 08:00$/ }).click();
    await now(page).getByText('hear Temporary, until tomorrow, 08:00; then External').waitFor();
    await until('the partner has the end', async () => (await rows(pair.south, '7200')).temporary?.ends_at > Date.now());
    await page.getByLabel('Switches itself off').fill('2030-05-01T17:30');
    await press(page, 'Save');
    await told(page, 'Temporary is on until 1 May 2030, 17:30.');
    await press(page, 'Switch off now');
    await told(page, 'Temporary is off. Its recording is kept.');
    await now(page).getByText('hear External').waitFor();
    await greeting(page, 'Temporary').getByText('off', { exact: true }).waitFor();
    for (const server of [pair.north, pair.south]) {
      await until('it is off', async () => (await rows(server, '7200')).temporary?.ends_at <= Date.now());
    }
    await closePage(page);
  });

  it('a greeting is played, and deleted only after a question', async () => {
    const page = await open('7216', 'Greetings', 'greetings');
    await upload(page, 'Internal');
    await told(page, 'Internal greeting saved.');
    await greeting(page, 'Internal').getByRole('button', { name: 'Play: Internal' }).click();
    // It ends by itself, and can be played again.
    await greeting(page, 'Internal').getByRole('button', { name: 'Stop: Internal' }).waitFor();
    await greeting(page, 'Internal').getByRole('button', { name: 'Play: Internal' }).waitFor();
    await greeting(page, 'Internal').getByRole('button', { name: 'Delete' }).click();
    const question = page.getByRole('dialog', { name: 'Delete Internal, 0:01?' });
    await question.getByRole('button', { name: 'Keep' }).click();
    assert.ok((await rows(pair.north, '7216')).internal);
    await greeting(page, 'Internal').getByRole('button', { name: 'Delete' }).click();
    await question.getByRole('button', { name: 'Delete', exact: true }).click();
    await told(page, 'Internal deleted.');
    for (const server of [pair.north, pair.south]) {
      await until('it is gone', async () => !(await rows(server, '7216')).internal);
    }
    await closePage(page);
  });

  it('a change that no server takes says so and leaves what was', async () => {
    const page = await open('7200', 'Greetings', 'greetings');
    await greeting(page, 'Temporary').getByRole('button', { name: 'Switch on' }).click();
    await page.context().route('**/api/**', (route) => route.abort());
    await press(page, 'No end');
    await told(page, 'Not changed: no server answers.');
    await greeting(page, 'Temporary').getByText('off', { exact: true }).waitFor();
    await page.context().unroute('**/api/**');
    await press(page, 'No end');
    await told(page, 'Temporary is on until you switch it off.');
    await closePage(page);
  });

  it('preferences hold at once, over a reload, and in another tab', async () => {
    const page = await open('7216', 'Preferences', 'preferences');
    const theme = (tab) => tab.evaluate(() => document.documentElement.dataset.theme ?? 'system');
    const tab = await page.context().newPage();
    await tab.goto(`${pair.north.http}/MyCallPilot/configure`);
    await tab.getByRole('heading', { level: 1, name: 'Configure' }).waitFor();
    await page.getByRole('radio', { name: 'Dark' }).check();
    await page.getByRole('radio', { name: '2:02 PM' }).check();
    await page.getByText(/^Now it is today, \d+:\d\d [AP]M\.$/).waitFor();
    await page.getByLabel('Start with').selectOption('CallPilot Features');
    await until('the other tab is dark', async () => (await theme(tab)) === 'dark');
    await page.goto(`${pair.north.http}/MyCallPilot/`);
    await page.getByRole('heading', { level: 1, name: 'Greetings' }).waitFor();
    assert.equal(await theme(page), 'dark');
    await page.goto(`${pair.north.http}/MyCallPilot/features/preferences`);
    await page.getByRole('radio', { name: 'As the system' }).check();
    assert.equal(await theme(page), 'system');
    await page.getByLabel('Start with').selectOption('CallPilot Messages');
    await closePage(page);
  });

  it('whoever does nothing for the chosen time is logged out, and what is kept stays', async () => {
    const page = await openPage(browser);
    await page.clock.install();
    await logIn(page, pair.north, pair.user('7216'));
    await page.goto(`${pair.north.http}/MyCallPilot/features/preferences`);
    await page.getByLabel('Log me out').selectOption('5 minutes without a key or click');
    await page.clock.runFor('04:00');
    await page.getByRole('heading', { level: 1, name: 'Preferences' }).click();
    await page.clock.runFor('04:00');
    assert.equal(await page.getByLabel('Mailbox number').count(), 0);
    await page.clock.runFor('02:00');
    await page.getByText('You were logged out because nothing was done for a while.').waitFor();
    await submitLogIn(page, pair.user('7216'));
    await page.getByRole('heading', { level: 1 }).waitFor();
    await closePage(page);
  });

  for (const [width, colorScheme] of [[1280, 'light'], [390, 'dark']]) {
    it(`preferences break no rule of accessibility at ${width} px`, async () => {
      const page = await openPage(browser, { viewport: { width, height: 900 }, colorScheme });
      await logIn(page, pair.north, pair.user('7216'));
      await page.goto(`${pair.north.http}/MyCallPilot/features/preferences`);
      await page.getByRole('heading', { level: 1, name: 'Preferences' }).waitFor();
      const shots = process.env.CALLPILOT_SHOTS;
      if (shots) await page.screenshot({ path: `${shots}/preferences-${width}-${colorScheme}.png` });
      const { violations } = await new AxeBuilder(page).analyze();
      assert.deepEqual(violations, []);
      await closePage(page);
    });
  }
});
