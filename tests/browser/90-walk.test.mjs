// One person's way through the studio, from the register form to the day the card is refused, and
// what billing staff read about it afterwards. It moves the instance's clock, so it comes last.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axe, launch, person, signIn } from './lib/browser.mjs';
import { isLocked, isVideo, play, work } from './lib/playing.mjs';
import { studio } from './lib/studio.mjs';

let kinora, browser, member, staff, film, story;
const me = { mail: `walker.${Date.now()}@demo.example`, password: 'a lantern over the harbour wall' };

before(async () => {
  kinora = await studio();
  browser = await launch();
  member = await person(browser, kinora);
  staff = await person(browser, kinora);
});
after(async () => { await browser?.close(); await kinora?.stop(); });

const main = (page) => page.locator('main').innerText();
// A click is done when the page it leads to is there: a busy browser may not have sent anything yet,
// and going elsewhere would take it back.
const arrive = (page, act) => Promise.all([page.waitForEvent('framenavigated', { timeout: 60_000 }), act()]);
const submit = (page, name) => arrive(page, () => page.locator('main').getByRole('button', { name }).first().click());

// Moves the clock and lets the billing clock tick until nothing more is due.
async function moveTo(time) {
  await kinora.run('demo', 'clock', '--set', time.toISOString());
  await kinora.run('run', 'clock-tick', '--at', time.toISOString(), '--wait', '--json');
}

async function now() {
  return new Date((await kinora.run('demo', 'clock')).trim());
}

const later = (date, { months = 0, days = 0 }) => {
  const moved = new Date(date);
  moved.setUTCMonth(moved.getUTCMonth() + months);
  moved.setUTCDate(moved.getUTCDate() + days);
  return moved;
};

// The page again and again until its text fits: charges and mails follow a moment later.
async function until(page, path, pattern, patience = 60_000) {
  const end = Date.now() + patience;
  for (;;) {
    // A page that refreshes itself may be just about to.
    await page.goto(path).catch(() => page.waitForTimeout(300));
    if (new URL(page.url()).pathname === '/login') {
      await signIn(page, page === member ? { mail: me.mail, password: me.password } : await kinora.login('billing'));
      continue;
    }
    const text = await main(page);
    if (pattern.test(text)) return text;
    assert.ok(Date.now() < end, `${path} never said ${pattern}:\n${text.slice(0, 2000)}`);
    await page.waitForTimeout(500);
  }
}

test('a visitor finds a film that is locked, with the way to it', async () => {
  // The demo encodes after its start; a work has a page as soon as it can be played.
  const end = Date.now() + 600_000;
  while (!(film = await work(member, isLocked)) && Date.now() < end) await member.waitForTimeout(3000);
  assert.ok(film, 'the demo studio has no locked film');
  assert.ok(await member.locator('main a[href^="/join"]').count() > 0, 'a locked film leads to joining');
  assert.deepEqual(await axe(member), []);
});

test('registers, confirms by mail, signs in', async () => {
  await member.goto('/register');
  await member.fill('[name=mail]', me.mail);
  await member.fill('[name=display_name]', 'Walker');
  await member.fill('[name=password]', me.password);
  await submit(member, 'Create account');
  const [, link] = await kinora.mail(me.mail, /(\/confirm\/[A-Za-z0-9_-]+)/);
  await member.goto(link);
  await submit(member, 'Confirm mail address');
  await member.waitForLoadState();
  await signIn(member, me);
  assert.match(await (await member.goto('/account')).text(), /Walker/);
});

test('a double click on the order orders once; the card is charged and the film opens', async () => {
  await member.goto('/join');
  await arrive(member, () => member.locator('main a[href^="/join/"]', { hasText: /month/i }).first().click());
  await submit(member, 'Continue to the order');
  await member.waitForURL(/\/order/);
  for (const [field, value] of Object.entries({
    name: 'Walker', street: 'Quay 1', postcode: '1011 AB', city: 'Amsterdam', card_number: '4242 4242 4242 4242', card_expiry: '12/30',
  })) await member.fill(`[name=${field}]`, value);
  await member.getByRole('button', { name: 'Order with obligation to pay' }).dblclick();
  await member.waitForURL((url) => url.pathname === '/account/subscription', { timeout: 60_000 });
  await until(member, '/account/subscription', /active/i);
  await member.goto('/account/invoices');
  assert.equal((await main(member)).match(/INV-?\S+|\b[A-Z]+-?\d{4}-\d+/g)?.length, 1, 'one invoice');
  await member.goto(film);
  assert.ok(!await isLocked(member), 'the film is still locked');
  if (await isVideo(member)) await play(member, 'avc1');
});

test('a month later the subscription is renewed and the order invoiced, and staff read both in the log', async () => {
  await moveTo(later(await now(), { months: 1, days: 1 }));
  await signIn(staff, await kinora.login('billing'));
  await until(staff, `/billing/subscriptions?q=${encodeURIComponent(me.mail)}`, /month/i);
  await arrive(staff, () => staff.locator('main a[href^="/billing/subscriptions/"]:not([href*="."])').first().click());
  story = new URL(staff.url()).pathname;
  const text = await until(staff, story, /renewed/i);
  assert.match(text, /invoice/i);
  await until(member, '/account/invoices', /[\s\S]/);
  assert.equal((await main(member)).match(/INV-?\S+|\b[A-Z]+-?\d{4}-\d+/g)?.length, 2, 'two invoices');
});

test('the card declines three times, two days apart: on hold, and the film is locked again', async () => {
  await until(member, '/account/subscription', /active/i);
  const change = member.locator('form[action="/account/subscription/card"]');
  await change.evaluate((form) => { const fold = form.closest('details'); if (fold) fold.open = true; });
  await change.locator('[name=card_number]').fill('4000 0000 0000 0002');
  await change.locator('[name=card_expiry]').fill('12/30');
  await change.getByRole('button').click();
  await member.waitForURL(/done=card/);

  let time = later(await now(), { months: 1 });
  await moveTo(time);
  await until(staff, story, /declined/i);
  for (let again = 0; again < 3; again += 1) {
    time = later(time, { days: 2 });
    await moveTo(time);
  }
  await until(member, '/account/subscription', /on hold/i);
  await until(member, film, /[\s\S]/);
  assert.ok(await isLocked(member), 'the film is still open');
  assert.ok(await member.locator('main a[href^="/account"]').count() > 0, 'the locked film leads to the order');
});

test('staff see in the timeline why, and take it away as CSV', async () => {
  const text = await until(staff, story, /on hold/i);
  assert.match(text, /declined/i);
  assert.ok((text.match(/card_declined/g) ?? []).length >= 1, 'the gateway’s code is named');
  assert.ok((text.match(/payment failed|failed/gi) ?? []).length >= 3, 'each failed attempt has its line');
  const raw = staff.locator('main details', { hasText: /recorded/i }).first();
  assert.equal(await raw.evaluate((fold) => fold.open), false, 'the raw event is folded away');
  assert.deepEqual(await axe(staff), []);
  const links = await staff.locator('main a[href*="csv"]').evaluateAll((all) => all.map((a) => a.href));
  assert.ok(links.length > 0, 'a way to the CSV');
  const csv = await staff.request.get(links[0]);
  assert.equal(csv.status(), 200);
  assert.match(csv.headers()['content-type'], /text\/csv/);
  assert.match(await csv.text(), /SubscriptionPutOnHold/);
  assert.deepEqual(member.faults.concat(staff.faults), []);
});

test('nothing of it was changed: the log verifies', async () => {
  const answer = await kinora.run('events', 'verify', '--json');
  assert.equal(answer.ok, true, JSON.stringify(answer));
});
