// How smooth a list of 5,000 messages is: prints one line of JSON, with times in milliseconds.
//
//   frame_p95      from one drawing to the next, while the list is scrolled through
//   key_max        from a key (down, End, select all and so on) to the drawing that shows what it did, the slowest
//   older_max      from a press of Show older messages to its drawing, the answer included, the slowest
//   rows           rows in the page at most, while it is scrolled through
import { manyRows, serveInbox } from '../support/mailbox.mjs';
import { closePage, launchBrowser, logIn, openPage, row } from '../support/page.mjs';
import { Pair } from '../support/pair.mjs';

const ROWS = 5_000;
const KEYS = ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowUp', 'End', 'ArrowUp', 'Home', 'ArrowDown', 'Shift+ArrowDown', 'Shift+ArrowDown', 'Control+a', 'Escape'];

/** Scrolls through the list for some seconds, in steps of a wheel and of a dragged bar; gives the times between drawings. */
function scrollThrough() {
  const body = document.querySelector('.list__body');
  const frames = [];
  let rows = 0;
  return new Promise((done) => {
    let before;
    let n = 0;
    const draw = (now) => {
      if (before !== undefined) frames.push(now - before);
      before = now;
      rows = Math.max(rows, document.querySelectorAll('.row').length);
      n += 1;
      if (n > 400) return done({ frames, rows });
      if (n % 100 === 0) body.scrollTop = (body.scrollHeight * ((n * 7) % 10)) / 10;
      else body.scrollTop += n % 200 < 100 ? 120 : -90;
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
  });
}

/** From the next key to the end of the drawing after it, which shows what it did: what the page does with the drawing is asked for before this is. */
function nextKey() {
  globalThis.keyDone = new Promise((done) => {
    addEventListener('keydown', (event) => {
      const pressed = event.timeStamp;
      setTimeout(() => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => done(performance.now() - pressed);
        channel.port2.postMessage(null);
      }));
    }, { capture: true, once: true });
  });
}

const pair = await Pair.start();
const browser = await launchBrowser();
try {
  const page = await openPage(browser);
  await serveInbox(page, manyRows(ROWS));
  await logIn(page, pair.north, pair.user('7200'));
  await row(page, / from /).first().waitFor();
  const older = page.getByRole('button', { name: 'Show older messages' });
  const loads = [];
  while (await older.count()) {
    const began = performance.now();
    const next = page.waitForResponse(/messages\?/);
    await older.click();
    await (await next).finished();
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    loads.push(performance.now() - began);
  }
  const { frames, rows } = await page.evaluate(scrollThrough);
  await page.evaluate(() => { document.querySelector('.list__body').scrollTop = 0; });
  await row(page, / from /).first().focus();
  const keys = {};
  for (const key of KEYS) {
    await page.evaluate(nextKey);
    await page.keyboard.press(key);
    const took = await page.evaluate(() => globalThis.keyDone);
    keys[key] = Math.max(keys[key] ?? 0, took);
  }
  frames.sort((a, b) => a - b);
  const p95 = frames[Math.ceil(0.95 * frames.length) - 1];
  console.log(JSON.stringify({ frame_p95: p95, frame_max: frames.at(-1), key_max: Math.max(...Object.values(keys)), rows, older_max: Math.max(...loads), keys }));
  await closePage(page);
} finally {
  await browser.close();
  await pair.stop();
}
