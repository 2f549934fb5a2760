// The mailbox page: everything one does with messages while both servers are well.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { AxeBuilder } from './support/axe.mjs';
import { deliver, voiceMessage } from './support/mail.mjs';
import { closePage, launchBrowser, line, logIn, openPage, player, row } from './support/page.mjs';
import { Pair, until } from './support/pair.mjs';

describe('My CallPilot on a healthy pair', { timeout: 300_000 }, () => {
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
  const open = async (mailbox, options) => {
    const page = await openPage(browser, options);
    await logIn(page, pair.north, pair.user(mailbox));
    return page;
  };

  it('refuses a wrong password in words that help, and lets the right one in', async () => {
    const page = await openPage(browser);
    await page.goto(`${pair.north.http}/MyCallPilot/`);
    await page.getByLabel('Mailbox number').fill('7200');
    await page.getByLabel('Password', { exact: true }).fill('000000');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('Mailbox number or password is wrong.').waitFor();
    await page.getByText(/\d tries are left/).waitFor();
    await page.getByLabel('Password', { exact: true }).fill(pair.user('7200').password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Inbox' }).waitFor();
    await line(page, 'primary').waitFor();
    await closePage(page);
  });

  it('shows sender, subject, kind, length, new, urgent and private', async () => {
    const page = await open('7200');
    await row(page, /^New\. Voice message from .*urgent/).first().waitFor();
    await row(page, /private/).first().waitFor();
    await row(page, /Fax message/).first().waitFor();
    await row(page, /\d+ seconds/).first().waitFor();
    await closePage(page);
  });

  it('shows a new message by itself, says so, plays it, and marks it as heard on both servers', async () => {
    const page = await open('7207');
    const subject = `Live ${crypto.randomUUID().slice(0, 8)}`;
    await deliver(pair.north.smtp, at('7207'), voiceMessage({ to: at('7207'), subject, seconds: 4, urgent: true }));
    await row(page, subject).waitFor();
    await page.getByText('New voice message from Mira Tandell, urgent').waitFor({ state: 'attached' });
    await row(page, subject).click();
    await player(page).getByRole('button', { name: 'Play' }).click();
    await player(page).getByRole('button', { name: 'Pause' }).waitFor();
    await until('the sound moves on', async () => Number(await player(page).getByRole('slider').inputValue()) > 0);
    await player(page).getByRole('radio', { name: '2×' }).check({ force: true });
    const south = await pair.api(pair.south, '7207');
    await until('it is heard on the partner too', async () => {
      const { messages } = await south('GET', '/messages');
      return messages.some((m) => m.subject === subject && !m.unread);
    });
    await until('it has ended', async () => (await player(page).getByRole('button', { name: 'Play' }).count()) > 0);
    await closePage(page);
  });

  it('plays a message before all of it has come, and goes on without a break when it has', async () => {
    const page = await open('7207');
    const subject = `Long ${crypto.randomUUID().slice(0, 8)}`;
    await deliver(pair.north.smtp, at('7207'), voiceMessage({ to: at('7207'), subject, seconds: 60 }));
    await row(page, subject).waitFor();
    let whole = false;
    page.on('requestfinished', (request) => {
      whole ||= request.url().includes('/audio');
    });
    const network = await page.context().newCDPSession(page);
    const link = (bytesPerSecond) => network.send('Network.emulateNetworkConditions', {
      offline: false, latency: 50, downloadThroughput: bytesPerSecond, uploadThroughput: bytesPerSecond,
    });
    await network.send('Network.enable');
    // Four times as fast as it is spoken: 15 seconds for all of it.
    await link(16_000);
    await row(page, subject).click();
    const position = async () => Number(await player(page).getByRole('slider').inputValue());
    await player(page).getByRole('button', { name: 'Play' }).click();
    await until('it sounds', async () => (await position()) > 0);
    assert.equal(whole, false, 'it waited for the whole sound');
    assert.equal(await player(page).getByRole('slider').getAttribute('max'), '60000');
    assert.equal(await player(page).getByRole('link', { name: 'Save the sound' }).count(), 0);
    await link(-1);
    await player(page).getByRole('link', { name: 'Save the sound' }).waitFor();
    await until('it has gone over to the whole', async () => (await position()) > 6_000);
    await player(page).getByRole('slider').fill('58000');
    await until('it has ended', async () => (await player(page).getByRole('button', { name: 'Play' }).count()) > 0);
    assert.equal(await position(), 0);
    await closePage(page);
  });

  it('deletes with undo, and a deletion reaches the partner', async () => {
    const page = await open('7204');
    const subject = `Gone ${crypto.randomUUID().slice(0, 8)}`;
    await deliver(pair.north.smtp, at('7204'), voiceMessage({ to: at('7204'), subject }));
    await row(page, subject).click();
    await page.getByRole('button', { name: 'Delete' }).first().click();
    await row(page, subject).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await row(page, subject).waitFor();
    await row(page, subject).focus();
    await page.keyboard.press('Delete');
    await row(page, subject).waitFor({ state: 'detached' });
    const south = await pair.api(pair.south, '7204');
    await until('it is in Deleted on the partner', async () => {
      const { messages } = await south('GET', '/messages?folder=deleted');
      return messages.some((m) => m.subject === subject);
    });
    await closePage(page);
  });

  it('empties Deleted in one step, after a question', async () => {
    const subject = `Emptied ${crypto.randomUUID().slice(0, 8)}`;
    await deliver(pair.north.smtp, at('7204'), voiceMessage({ to: at('7204'), subject }));
    const page = await open('7204');
    await row(page, subject).focus();
    await page.keyboard.press('Delete');
    await row(page, subject).waitFor({ state: 'detached' });
    const south = await pair.api(pair.south, '7204');
    await until('it is in Deleted on the partner', async () => {
      const { messages } = await south('GET', '/messages?folder=deleted');
      return messages.some((m) => m.subject === subject);
    });
    await page.getByRole('link', { name: /^Deleted/ }).first().click();
    await row(page, subject).waitFor();
    await page.getByRole('button', { name: 'Empty', exact: true }).click();
    const question = page.getByRole('dialog');
    await question.getByText('There is no way back.').waitFor();
    await question.getByRole('button', { name: /^Delete \d+ message/ }).click();
    await page.getByText('Nothing is deleted.').waitFor();
    await until('it is gone on the partner', async () => {
      const { messages } = await south('GET', '/messages?folder=deleted');
      return messages.length === 0;
    });
    await closePage(page);
  });

  it('shows a forwarded message with what was forwarded, and says that a fax cannot be viewed yet', async () => {
    const page = await open('7200');
    await row(page, /Fwd:/).first().click();
    await page.getByRole('heading', { name: 'What was forwarded' }).waitFor();
    await row(page, /Fax message/).first().click();
    await page.getByText(/fax/i).filter({ hasText: /not (built )?yet|cannot be (shown|viewed)/i }).first().waitFor();
    await closePage(page);
  });

  it('is worked by the keyboard alone', async () => {
    const page = await open('7200');
    await row(page, / from /).first().focus();
    const focused = () => page.evaluate(() => document.activeElement.getAttribute('aria-label'));
    const first = await focused();
    await page.keyboard.press('j');
    await until('the next row has the focus', async () => ![first, null].includes(await focused()));
    await page.keyboard.press('k');
    await until('the first row has the focus again', async () => (await focused()) === first);
    await page.keyboard.press('Enter');
    await player(page).first().waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText(/keys/i).first().waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await until('the search field has the focus', () => page.evaluate(() => document.activeElement.type === 'search'));
    await closePage(page);
  });

  it('selects a range by pointer and by keyboard, and all, and takes a deletion of several back', async () => {
    const page = await open('7200');
    const rows = row(page, / from /);
    await rows.first().waitFor();
    const all = await rows.count();
    const boxes = page.getByRole('checkbox', { name: /^Select: / });
    await boxes.nth(0).click();
    await boxes.nth(2).click({ modifiers: ['Shift'] });
    await page.getByRole('heading', { level: 1, name: '3 selected' }).waitFor();
    await page.keyboard.press('Escape');
    await rows.first().focus();
    await page.keyboard.press('Shift+ArrowDown');
    await page.getByRole('heading', { level: 1, name: '2 selected' }).waitFor();
    await page.keyboard.press('Control+a');
    await page.getByRole('heading', { level: 1, name: `${all} selected` }).waitFor();
    await page.keyboard.press('Escape');
    await boxes.nth(0).click();
    await page.getByRole('button', { name: 'Select all' }).click();
    await page.getByRole('heading', { level: 1, name: `${all} selected` }).waitFor();
    await page.getByRole('button', { name: `Delete ${all}` }).click();
    await until('all are gone', async () => (await rows.count()) === 0);
    await page.keyboard.press('Control+z');
    await until('all are back', async () => (await rows.count()) === all);
    await closePage(page);
  });

  it('finds a message by its words, and says so when none fits', async () => {
    const page = await open('7200');
    await row(page, / from /).first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('zzzz');
    await page.getByText(/No message fits .zzzz./).waitFor();
    await page.getByTestId('said').getByText('No message fits.').waitFor({ state: 'attached' });
    await closePage(page);
  });

  it('finds on the server what stands in a text alone, and says so when no server looks', async () => {
    const page = await open('7200');
    await row(page, / from /).first().waitFor();
    const subject = `Note ${crypto.randomUUID().slice(0, 8)}`;
    const word = `quince${crypto.randomUUID().slice(0, 8)}`;
    const mail = ['From: Ida Vell <7291@pbx.example.org>', `To: ${at('7200')}`, `Subject: ${subject}`, `Message-ID: <${crypto.randomUUID()}@pbx.example.org>`,
      'MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8', '', `Bring a ${word} along.`, ''];
    await deliver(pair.north.smtp, at('7200'), mail.join('\r\n'));
    await row(page, subject).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type(word.toUpperCase());
    await until('one row is left', async () => (await row(page, / from /).count()) === 1);
    await row(page, subject).waitFor();
    await page.getByTestId('said').getByText('1 message fits.').waitFor({ state: 'attached' });
    await page.context().route('**/api/v1/messages?**', (route) => route.abort());
    await page.keyboard.type('x');
    await page.getByText(/in this browser fits/).waitFor();
    await closePage(page);
  });

  it('says what an empty mailbox means', async () => {
    await pair.addUser(pair.north, { mailbox: '7290', name: 'Nils Anfang', password: '728194' });
    const page = await open('7290');
    await page.getByText(/Nothing here yet/).waitFor();
    await closePage(page);
  });

  it('shows server, partner and search base under Configure', async () => {
    const page = await open('7200');
    await page.getByRole('link', { name: 'Configure' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'Configure' }).waitFor();
    await page.getByText('cp-north.example.net').first().waitFor();
    await page.getByText('cp-south.example.net').first().waitFor();
    await page.getByText(/ou=/).first().waitFor();
    await closePage(page);
  });

  it('stays logged in over a reload and is gone after log-out', async () => {
    const page = await open('7200');
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Inbox' }).waitFor();
    await page.getByRole('button', { name: /7200/ }).click();
    await page.getByText('Log out').first().click();
    await page.getByLabel('Mailbox number').waitFor();
    await page.reload();
    await page.getByLabel('Mailbox number').waitFor();
    await closePage(page);
  });

  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1280, 390, 360]) {
      it(`has no accessibility fault and nothing to scroll sideways at ${width} px, ${colorScheme}`, async () => {
        const page = await openPage(browser, { colorScheme, viewport: { width, height: 800 } });
        const check = async (where) => {
          const { violations } = await new AxeBuilder(page).analyze();
          assert.deepEqual(violations, [], where);
          const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          assert.equal(over, 0, `${where} is wider than the window`);
        };
        await page.goto(`${pair.north.http}/MyCallPilot/`);
        await page.getByLabel('Mailbox number').waitFor();
        await check('log-in');
        await logIn(page, pair.north, pair.user('7200'));
        await row(page, / from /).first().waitFor();
        await check('inbox');
        await row(page, /Fwd:/).first().click();
        await page.getByRole('heading', { name: 'What was forwarded' }).waitFor();
        await check('reader');
        for (const [path, words] of [
          ['nowhere', 'There is no page at this address'],
          ['inbox/01936f2e-8d3c-7a10-9c41-2f6f0c5d7e90', 'No such message'],
        ]) {
          await page.goto(`${pair.north.http}/MyCallPilot/${path}`);
          await page.getByRole('heading', { name: words }).waitFor();
          await check(path);
        }
        await closePage(page);
      });
    }
  }
});
