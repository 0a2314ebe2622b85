// Open registration with its proof of work, which the page does while somebody types.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axe, launch, person, signIn } from './lib/browser.mjs';
import { studio } from './lib/studio.mjs';

let here, browser;

before(async () => {
  process.env.KINORA_ACCOUNTS__CHALLENGE = 'true';
  process.env.KINORA_ACCOUNTS__REGISTRATION = 'open';
  here = await studio({ demo: false });
  browser = await launch();
}, { timeout: 300_000 });

after(async () => {
  await browser?.close();
  await here?.stop();
});

test('somebody registers and is let in without waiting for a moderator', { timeout: 120_000 }, async () => {
  await here.run('account', 'add', 'first@studio.example', '--role', 'admin');
  const page = await person(browser, here);
  await page.goto('/register');
  assert.deepEqual(await axe(page), []);
  await page.fill('[name=mail]', 'ada@new.example');
  await page.fill('[name=password]', 'correct horse battery staple');
  await page.waitForTimeout(3500);
  await Promise.all([
    page.waitForURL((url) => url.pathname === '/confirm'),
    page.getByRole('button', { name: 'Create account' }).click(),
  ]);
  const [link] = await here.mail('ada@new.example', /http:\S+\/confirm\/[^\s"<]+/);
  await page.goto(link);
  await page.locator('main form [type=submit], main form button').first().click();
  await page.waitForURL((url) => url.pathname !== new URL(link).pathname);
  await signIn(page, { mail: 'ada@new.example', password: 'correct horse battery staple' });
  assert.equal(new URL(page.url()).pathname, '/');
  assert.deepEqual(page.faults, []);
});
