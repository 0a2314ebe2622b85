// Debian's Chromium, driven without downloads, and what every test needs from it.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const programs = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export async function launch() {
  const executablePath = process.env.CHROMIUM ?? programs.find(existsSync);
  assert.ok(executablePath, 'Chromium is missing; `scripts/needs test` installs it');
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
  });
}

// A fresh person: own cookies, and a list of everything that went wrong in the page.
export async function person(browser, studio, options = {}) {
  const context = await browser.newContext({ baseURL: studio.url, viewport: { width: 1280, height: 900 }, ...options });
  // Much patience: beside the encoder on two cores a page may wait its turn.
  context.setDefaultTimeout(45_000);
  const page = await context.newPage();
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(`script: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) page.faults.push(message.text());
  });
  page.on('response', (response) => {
    if (response.status() >= 500) page.faults.push(`${response.status()} ${response.url()}`);
  });
  page.on('request', (request) => {
    const { origin } = new URL(request.url());
    if (origin !== 'null' && origin !== new URL(studio.url).origin) page.faults.push(`foreign host: ${request.url()}`);
  });
  return page;
}

export async function signIn(page, { mail, password }) {
  await page.goto('/login');
  await page.fill('[name=login]', mail);
  await page.fill('[name=password]', password);
  await Promise.all([
    page.waitForURL((url) => url.pathname !== '/login'),
    page.locator('form[action="/login"] [type=submit], form[action="/login"] button').first().click(),
  ]);
}

let axeSource;
// Violations of WCAG 2.1 A and AA, as readable lines.
export async function axe(page) {
  axeSource ??= await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
  // Through the debugger, so that the page's strict policy stays as it is.
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }));
  return violations.map((one) => `${one.id} (${one.impact}): ${one.help}: ${one.nodes.map((node) => node.target.join(' ')).join(' | ')}`);
}

// Whether the page can be scrolled sideways.
export function sideways(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

// What has to hold on every page: one heading, a title, no fault of accessibility, nothing wider than a small phone.
export async function sound(page) {
  const where = new URL(page.url()).pathname;
  assert.equal(await page.locator('h1').count(), 1, `${where}: one h1`);
  assert.match(await page.title(), /\S/);
  assert.deepEqual(await axe(page), [], where);
  await page.setViewportSize({ width: 320, height: 640 });
  assert.ok(await sideways(page) <= 0, `${where} scrolls sideways at 320 pixels by ${await sideways(page)}`);
  await page.setViewportSize({ width: 1280, height: 900 });
  assert.deepEqual(page.faults, [], where);
}
