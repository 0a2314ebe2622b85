// Pages that no list leads to: the first one of an empty studio, those behind links in mails, what a person shows
// of themselves, and a team.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, person, signIn, sound } from './lib/browser.mjs';
import { studio } from './lib/studio.mjs';

const PASSWORD = 'a lantern over the harbour wall';
let browser, empty, demo;

before(async () => {
  process.env.KINORA_ACCOUNTS__REGISTRATION = 'open';
  [empty, demo] = [await studio({ demo: false }), await studio()];
  browser = await launch();
}, { timeout: 600_000 });
after(async () => { await browser?.close(); await empty?.stop(); await demo?.stop(); });

const arrive = (page, act) => Promise.all([page.waitForEvent('framenavigated', { timeout: 60_000 }), act()]);
const press = (page, name) => arrive(page, () => page.locator('main').getByRole('button', { name }).first().click());
const fill = async (page, fields) => {
  for (const [name, value] of Object.entries(fields)) await page.fill(`main [name=${name}]`, value);
};

test('an empty studio makes its admin on its first page', async () => {
  const page = await person(browser, empty);
  await page.goto('/');
  if (new URL(page.url()).pathname !== '/setup') await page.goto('/setup');
  await sound(page);
  await fill(page, { mail: 'not an address', password: 'short' });
  await arrive(page, () => page.locator('main form [type=submit], main form button').first().click());
  await sound(page);
  await fill(page, { mail: 'first@studio.example', display_name: 'First', password: PASSWORD });
  await arrive(page, () => page.locator('main form [type=submit], main form button').first().click());
  await page.waitForURL((url) => url.pathname === '/');
  await sound(page);
  await page.context().close();
});

test('links in mails lead to pages that hold, also when they are old or made up', async () => {
  const page = await person(browser, empty);
  const mail = 'ada@new.example';
  await page.goto('/register');
  await fill(page, { mail, display_name: 'Ada', password: PASSWORD });
  await page.waitForTimeout(3500);
  await press(page, 'Create account');
  await page.waitForURL((url) => url.pathname === '/confirm');
  await sound(page);
  const [confirm] = await empty.mail(mail, /http:\S+\/confirm\/[^\s"<]+/);
  await page.goto(confirm);
  await sound(page);
  await press(page, 'Confirm mail address');
  await sound(page);
  await page.goto(confirm);
  await sound(page);

  await page.goto('/reset');
  await fill(page, { mail });
  await arrive(page, () => page.locator('main form [type=submit], main form button').first().click());
  await sound(page);
  const [reset] = await empty.mail(mail, /http:\S+\/reset\/[^\s"<]+/);
  await page.goto(reset);
  await sound(page);
  await fill(page, { password: 'short' });
  await arrive(page, () => page.locator('main form [type=submit], main form button').first().click());
  await sound(page);
  await fill(page, { password: `${PASSWORD} again` });
  await arrive(page, () => page.locator('main form [type=submit], main form button').first().click());
  await sound(page);
  for (const old of [reset, '/confirm/made-up', '/reset/made-up', '/digest/stop/made-up']) {
    await page.goto(old);
    await sound(page);
  }
  await page.context().close();
});

test('what a person shows of themselves', async () => {
  const page = await person(browser, demo);
  await signIn(page, await demo.login('creator'));
  await page.goto('/account');
  await fill(page, { bio: 'Light and **shadows**.\n\n- lanterns\n- harbours', links: 'https://example.org/a-very-long-address/that-goes-on-and-on/and-on-and-on/until-it-wraps' });
  await page.locator('main [name=public]').check();
  await arrive(page, () => page.locator('form:has([name=bio])').getByRole('button').first().click());
  const own = await page.locator('main a[href^="/people/"]').first().getAttribute('href');
  const visitor = await person(browser, demo);
  for (const one of [page, visitor]) {
    const answer = await one.goto(own);
    assert.equal(answer.status(), 200);
    await sound(one);
  }
  assert.ok(await visitor.getByText('lanterns').count() > 0);
  await page.context().close();
  await visitor.context().close();
});

test('a team, from the price to its list', async () => {
  const staff = await person(browser, demo);
  await signIn(staff, await demo.login('billing'));
  await staff.goto('/billing/plans');
  const open = (page) => page.evaluate(() => { for (const fold of document.querySelectorAll('main details')) fold.open = true; });
  await open(staff);
  const make = staff.locator('form[action="/billing/plans"]');
  await make.locator('[name=name]').fill('Team');
  await make.locator('[name=summary]').fill('Everything, for several people');
  await arrive(staff, () => make.getByRole('button').first().click());
  await open(staff);
  const price = staff.locator('form:has([name=seats])').filter({ hasText: 'Team' }).or(staff.locator('details', { hasText: 'Add a price to Team' }).locator('form')).first();
  await price.locator('[name=price]').fill('40.00');
  await price.locator('[name=seats]').fill('2');
  await arrive(staff, () => price.getByRole('button').first().click());
  await sound(staff);

  const page = await person(browser, demo);
  await signIn(page, await demo.login('member'));
  await page.goto('/join');
  await sound(page);
  // The innermost part of the page that holds both the seats and the way to the order.
  const parts = page.locator('main *').filter({ hasText: '2 seats' }).filter({ has: page.locator('a[href^="/join/"]') });
  const offer = parts.last().locator('a[href^="/join/"]').first();
  await arrive(page, () => offer.click());
  await press(page, 'Continue to the order');
  await page.waitForURL(/\/order/);
  await sound(page);
  await fill(page, { name: 'Ada', street: 'Quay 1', postcode: '1011 AB', city: 'Amsterdam', card_number: '4242 4242 4242 4242', card_expiry: '12/35' });
  await press(page, 'Order with obligation to pay');
  await page.waitForURL((url) => url.pathname === '/account/subscription', { timeout: 60_000 });
  // The team is there once the payment went through, which the page shows by itself.
  await page.getByRole('link', { name: 'See your team' }).waitFor({ timeout: 60_000 });
  const team = await page.goto('/account/team');
  assert.equal(team.status(), 200);
  await sound(page);
  await page.locator('main form[action="/account/team"] textarea').first().fill('one@team.example\ntwo@team.example\na-very-long-name-that-does-not-end-soon@a-very-long-domain-of-the-team.example');
  await arrive(page, () => page.locator('main form[action="/account/team"]').getByRole('button').first().click());
  await sound(page);
  await page.context().close();
  await staff.context().close();
});
