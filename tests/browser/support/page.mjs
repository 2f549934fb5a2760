// My CallPilot as a person meets it: by roles and names.

import assert from 'node:assert/strict';

import { chromium } from 'playwright-core';

// Chromium's own traffic is switched off: it would only look for hosts that the test machine cannot reach.
const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run', '--disable-quic'];

export async function launchBrowser({ args = [] } = {}) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required', ...quiet, ...args],
  });
}

/** A page of a fresh profile; `closePage` ends it. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options });
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (e) => page.problems.push(String(e)));
  return page;
}

/** Closes a page and its profile. An exception that nothing in the page caught fails the test. */
export async function closePage(page) {
  await page.context().close();
  assert.deepEqual(page.problems, []);
}

/** Fills in the log-in that the page shows. */
export async function submitLogIn(page, { mailbox, password }) {
  await page.getByLabel('Mailbox number').fill(mailbox);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

export async function logIn(page, server, user) {
  await page.goto(`${server.http}/MyCallPilot/`);
  await submitLogIn(page, user);
  await page.getByRole('heading', { level: 1, name: 'Inbox' }).waitFor();
  // The heading takes the focus once; keys pressed before that would go astray.
  await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
}

/** The connection line; its `data-state` says which server one is on. */
export const line = (page, state) => page.locator(`[role=status][aria-label=Connection] [data-state="${state}"]`);

/** The row whose name contains these words. */
export const row = (page, words) => page.getByRole('link', { name: words });

export const player = (page) => page.getByRole('group', { name: 'Player' });

/** Waits until the page's service worker controls it, so that it opens without its server. */
export const workerReady = (page) => page.waitForFunction(() => navigator.serviceWorker.controller !== null);

/** The keys of the sounds that this browser keeps, of any mailbox. */
export const keptSounds = (page) => page.evaluate(() => new Promise((done, fail) => {
  const opening = indexedDB.open('callpilot.sounds');
  opening.onerror = () => fail(opening.error);
  opening.onupgradeneeded = () => opening.result.createObjectStore('bytes');
  opening.onsuccess = () => {
    const keys = opening.result.transaction('bytes').objectStore('bytes').getAllKeys();
    keys.onsuccess = () => {
      opening.result.close();
      done(keys.result);
    };
  };
}));
