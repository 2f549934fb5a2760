// Pages that the first load leaves out: they come when they are first opened, from whichever server gives them, and open without any once they are kept.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { closePage, launchBrowser, line, logIn, openPage, row, workerReady } from './support/page.mjs';
import { Pair, until } from './support/pair.mjs';

describe('Pages in chunks', { timeout: 300_000 }, () => {
  let pair, browser, page;
  before(async () => {
    pair = await Pair.start();
    browser = await launchBrowser();
  });
  afterEach(async () => {
    if (page) await closePage(page);
  });
  after(async () => {
    await browser?.close();
    await pair?.stop();
  });

  const CHUNK = /\/assets\/my-callpilot-(split|chunk)_[^/]*\.wasm$/;
  const ofServer = (server) => (url) => url.href.startsWith(server.http) && CHUNK.test(url.href);
  const failed = (page) => page.getByRole('alert').getByText('This page cannot be shown now');
  const heading = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor();
  const follow = (page, name) => page.getByRole('link', { name }).first().click();

  /** The inbox. Without the service worker nothing but a page itself fetches its chunk. */
  async function inbox(options = { serviceWorkers: 'block' }) {
    page = await openPage(browser, options);
    page.chunks = [];
    page.on('requestfinished', (request) => CHUNK.test(request.url()) && page.chunks.push(request.url()));
    await logIn(page, pair.north, pair.user('7200'));
    await row(page, / from /).first().waitFor();
    await line(page, 'primary').waitFor();
    return page;
  }

  it('a page comes when it is first opened, and only then, and once', async () => {
    await inbox();
    assert.deepEqual(page.chunks, []);
    await follow(page, 'Useful Information');
    await heading(page, 'Useful Information');
    await page.waitForFunction(() => document.activeElement?.id === 'heading');
    const fetched = [...page.chunks];
    assert.ok(fetched.length > 0 && fetched.every((url) => url.startsWith(pair.north.http)), `${fetched}`);
    await follow(page, 'Inbox');
    await heading(page, 'Inbox');
    await follow(page, 'Useful Information');
    await heading(page, 'Useful Information');
    assert.deepEqual(page.chunks, fetched);
  });

  it('while a page comes slowly that is said, and what is shown then stays', async () => {
    await inbox();
    let give;
    const given = new Promise((go) => { give = go; });
    await page.route(CHUNK, async (route) => {
      await given;
      await route.continue();
    });
    await follow(page, 'Configure');
    await page.getByRole('status', { name: 'Loading the page' }).waitFor();
    give();
    await heading(page, 'Configure');
    assert.equal(await page.getByRole('status', { name: 'Loading the page' }).count(), 0);
  });

  it('a page that came at once is not made again when its time to come is over', async () => {
    page = await openPage(browser, { serviceWorkers: 'block' });
    await page.clock.install();
    await logIn(page, pair.north, pair.user('7200'));
    await page.clock.pauseAt(await page.evaluate(() => Date.now() + 1_000));
    await follow(page, 'Configure');
    await page.getByRole('button', { name: 'Remove what is kept' }).click();
    const question = page.getByRole('dialog', { name: 'Remove what is kept?' });
    await question.waitFor();
    await page.clock.runFor(1_000);
    assert.ok(await question.isVisible());
  });

  it('a link into such a page works, also after a reload', async () => {
    await inbox();
    await page.goto(`${pair.north.http}/MyCallPilot/configure`);
    await heading(page, 'Configure');
    await page.reload();
    await heading(page, 'Configure');
    assert.equal(await page.title(), 'Configure · My CallPilot');
  });

  it('what the first server does not give, the other gives', async () => {
    await inbox();
    await page.route(ofServer(pair.north), (route) => route.abort());
    await follow(page, 'Configure');
    await heading(page, 'Configure');
    assert.ok(page.chunks.length > 0 && page.chunks.every((url) => url.startsWith(pair.south.http)), `${page.chunks}`);
  });

  it('a server that takes connections and says nothing holds nobody up', async () => {
    await inbox();
    // The rest of the page stays on it: only the file does not come.
    await page.route(ofServer(pair.north), () => {});
    await follow(page, 'Configure');
    await heading(page, 'Configure');
    assert.ok(page.chunks.every((url) => url.startsWith(pair.south.http)), `${page.chunks}`);
  });

  it('what neither gives is said, and Try again opens the page', async () => {
    await inbox();
    await page.route(CHUNK, (route) => route.abort());
    await follow(page, 'Configure');
    await failed(page).waitFor();
    await page.unroute(CHUNK);
    await page.getByRole('button', { name: 'Try again' }).click();
    await heading(page, 'Configure');
    await page.waitForFunction(() => document.activeElement?.id === 'heading');
    // What was shown before goes on.
    await follow(page, 'Inbox');
    await row(page, / from /).first().waitFor();
  });

  it('a file that is not the one of this build is not used', async () => {
    await inbox();
    await page.route(CHUNK, async (route) => {
      const answer = await route.fetch();
      // A section that no browser minds makes it another file, and still a good one.
      await route.fulfill({ response: answer, body: Buffer.concat([await answer.body(), Buffer.from([0, 2, 1, 120])]) });
    });
    await follow(page, 'Configure');
    await failed(page).waitFor();
  });

  it('the keys come in their dialog', async () => {
    await inbox();
    await page.keyboard.press('?');
    const dialog = page.getByRole('dialog', { name: 'Keys' });
    await dialog.getByRole('term').or(dialog.getByRole('row')).first().waitFor();
  });

  it('without any server they open, once the inbox has been shown', async () => {
    await inbox({});
    await workerReady(page);
    const kept = () => page.evaluate(async () => {
      const names = await caches.keys();
      const files = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
      return files.flat().map((request) => request.url);
    });
    // All of them: they are fetched one after the other.
    const worker = await (await fetch(`${pair.north.http}/MyCallPilot/sw.js`)).text();
    const chunks = JSON.parse(worker.match(/const CHUNKS = (\[.*?\]);/s)[1]);
    assert.ok(chunks.length > 0 && chunks.every((chunk) => CHUNK.test(chunk)), `${chunks}`);
    await until('the chunks are kept', async () => {
      const urls = await kept();
      return chunks.every((chunk) => urls.some((url) => url.endsWith(chunk)));
    });
    await pair.caughtUp();
    pair.kill(pair.north);
    pair.kill(pair.south);
    await line(page, 'offline').waitFor({ timeout: 60_000 });
    await follow(page, 'Useful Information');
    await heading(page, 'Useful Information');
    await page.reload();
    await heading(page, 'Useful Information');
  });
});
