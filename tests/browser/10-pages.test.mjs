// Every main page, as the people who use it: no fault of accessibility, nothing loaded from
// elsewhere, no error in the console, no sideways scrolling on a narrow phone, one heading.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axe, launch, person, sideways, signIn, sound } from './lib/browser.mjs';
import { pages, resolve } from './lib/pages.mjs';
import { studio } from './lib/studio.mjs';

let kinora, browser;
before(async () => { kinora = await studio(); browser = await launch(); });
after(async () => { await browser?.close(); await kinora?.stop(); });

for (const [role, paths] of Object.entries(pages)) {
  test(`pages of ${role}`, async (t) => {
    const page = await person(browser, kinora);
    if (role !== 'visitor') await signIn(page, await kinora.login(role));
    for (const path of paths) {
      await t.test(path, async () => {
        const found = await resolve(page, path);
        assert.ok(found, `nothing is linked for ${path}`);
        page.faults.length = 0;
        const response = await page.goto(found);
        assert.equal(response.status(), 200, `${found} answered ${response.status()}`);
        await sound(page);
      });
    }
    await page.context().close();
  });
}

// Tables with rows and what is shown once: the empty pages above do not show them.
for (const [role, path, act] of [
  ['moderator', '/moderation/invitations', 'Make an invitation'],
  ['member', '/account/tokens', 'Make a token'],
]) {
  test(`${path} with something on it`, async () => {
    const page = await person(browser, kinora);
    await signIn(page, await kinora.login(role));
    await page.goto(path);
    for (const box of (await page.locator('main input[type=checkbox]').all()).slice(0, 1)) await box.check();
    await page.getByRole('button', { name: act }).click();
    await page.getByText('is shown only now').waitFor();
    assert.ok(await page.locator('main tbody tr').count() > 0);
    assert.deepEqual(await axe(page), []);
    await page.setViewportSize({ width: 320, height: 640 });
    assert.ok(await sideways(page) <= 0, `${path} scrolls sideways at 320 pixels by ${await sideways(page)}`);
    await page.context().close();
  });
}

test('a page that does not exist says so and leads on', async () => {
  const page = await person(browser, kinora);
  const response = await page.goto('/no/such/page');
  assert.equal(response.status(), 404);
  assert.ok(await page.locator('main a').count() > 0);
  assert.deepEqual(await axe(page), []);
  await page.context().close();
});

test('desks are for their roles', async () => {
  const page = await person(browser, kinora);
  await signIn(page, await kinora.login('member'));
  for (const path of ['/billing', '/billing/subscriptions', '/operator', '/operator/queue', '/operator/runs', '/moderation', '/studio']) {
    const response = await page.goto(path);
    assert.ok([403, 404].includes(response.status()), `${path} answered ${response.status()} to a member`);
  }
  await page.context().close();
});

test('an operator runs a job, and a second time it has run before', async () => {
  const page = await person(browser, kinora);
  await signIn(page, await kinora.login('operator'));
  await page.goto('/operator');
  const run = () => Promise.all([
    page.waitForEvent('framenavigated'),
    page.locator('form[action="/operator/jobs/stats/run"] button').click(),
  ]);
  await run();
  await page.waitForURL(/done=(ran|ran-before)/);
  await run();
  await page.waitForURL(/done=ran-before/);
  assert.match(page.url(), /done=ran-before/);
  assert.match(await page.locator('main').innerText(), /nothing was done again/);
  await page.context().close();
});
