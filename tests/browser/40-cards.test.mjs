// Cards that are typed into the payment service's own fields: `localstripe` (PyPI) stands in for Stripe with
// its script and its API, behind a small line that leaves out what it does not know.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { axe, launch, person, sideways, signIn } from './lib/browser.mjs';

const run = promisify(execFile);
const root = new URL('../..', import.meta.url).pathname;
const bin = process.env.STUDIO_BIN ?? join(root, 'target/debug/kinora');
const ends = [];
let studio, browser, data, peer;

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)); });
});

// The line: our server speaks to it, the browser to the peer itself.
function line() {
  const server = createServer(async (req, res) => {
    let body = '';
    for await (const part of req) body += part;
    const form = new URLSearchParams(body);
    for (const unknown of ['off_session', 'description']) form.delete(unknown);
    const answer = await fetch(peer + req.url, {
      method: req.method,
      headers: { authorization: req.headers.authorization, 'content-type': 'application/x-www-form-urlencoded' },
      body: req.method === 'POST' && form.size ? form.toString() : undefined,
    });
    res.writeHead(answer.status, { 'content-type': 'application/json' });
    res.end(await answer.text());
  });
  ends.push(() => server.close());
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`)));
}

before(async () => {
  const port = await freePort();
  peer = `http://127.0.0.1:${port}`;
  await run(join(root, 'scripts/localstripe'), ['0']);
  const stripe = spawn(join(root, 'scripts/localstripe'), [String(port)], { stdio: 'ignore' });
  ends.push(() => stripe.kill());
  data = await mkdtemp(join(tmpdir(), 'kinora-cards.'));
  await chmod(data, 0o755);
  const config = join(data, 'kinora.toml');
  await writeFile(config, `[gateways.stripe]
enabled = true
publishable_key = "pk_test_12345"
secret_key = "sk_test_12345"
base_url = "${await line()}"
script_url = "${peer}/js.stripe.com/v3/"
`);
  const args = ['serve', '--demo', '--role', 'web,projector', '--config', config, '--data', data, '--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'];
  const kinora = spawn(bin, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const gone = new Promise((resolve) => kinora.on('exit', resolve));
  ends.push(async () => { kinora.kill('SIGTERM'); await gone; await rm(data, { recursive: true, force: true }); });
  const url = await new Promise((resolve, reject) => {
    let out = '';
    kinora.stdout.on('data', (part) => {
      out += part;
      const ready = /^ready (http:\S+?)\/?$/m.exec(out);
      if (ready) resolve(ready[1]);
    });
    gone.then(() => reject(new Error('Kinora did not start')));
  });
  studio = { url, config };
  browser = await launch();
  ends.push(() => browser.close());
}, { timeout: 300_000 });

after(async () => {
  for (const end of ends.reverse()) await end();
});

async function type(page, number) {
  const fields = page.locator('[data-payment-field] input');
  await fields.nth(0).fill(number);
  await fields.nth(1).fill('12');
  await fields.nth(2).fill('34');
  await fields.nth(3).fill('123');
}

// Faults of the page, the peer's own script aside.
const faults = (page) => page.faults.filter((one) => !one.includes(peer));

test('a card goes to the payment service, and a payment is confirmed in its window', { timeout: 240_000 }, async () => {
  const page = await person(browser, studio);
  const { people } = JSON.parse(await readFile(join(data, 'demo-logins.json'), 'utf8'));
  await signIn(page, people.find((one) => one.role === 'member'));
  await page.goto('/join');
  await page.locator('main a[href^="/join/"]').first().click();
  await page.locator('main form [type=submit]').first().click();
  await page.waitForSelector('[data-payment-field] input');
  assert.deepEqual(await axe(page).then((all) => all.filter((one) => !one.includes('data-payment-field'))), []);

  for (const [name, value] of Object.entries({ name: 'Mira Member', street: 'Keizersgracht 1', postcode: '1015 CC', city: 'Amsterdam' })) {
    await page.fill(`[name=${name}]`, value);
  }
  await type(page, '4000000000000002');
  const order = page.getByRole('button', { name: 'Order with obligation to pay' });
  await order.click();
  await page.waitForSelector('[data-payment-error]:not([hidden])');
  assert.match(await page.textContent('[data-payment-error]'), /declined/);
  assert.equal(await page.inputValue('[name=name]'), 'Mira Member', 'nothing is lost');

  await type(page, '4242424242424242');
  await order.click();
  await page.waitForURL(/account\/subscription/);
  for (let i = 0; i < 20 && !(await page.textContent('main')).includes('Active'); i += 1) { await sleep(500); await page.reload(); }
  assert.match(await page.textContent('main'), /Visa ending in 4242, expires 12\/34/);

  // Another card, one that asks its holder, now and at the renewal.
  await type(page, '4000002500003155');
  await page.getByRole('button', { name: 'Use this card' }).click();
  await page.getByRole('button', { name: 'Complete authentication' }).click();
  await page.waitForURL(/done=card/);
  const at = new Date(Date.now() + 32 * 86_400_000).toISOString();
  const common = ['--config', studio.config, '--data', data];
  await run(bin, ['demo', 'clock', '--set', at, ...common]);
  await run(bin, ['run', 'clock-tick', '--at', at, '--wait', ...common]);
  await page.goto('/login');
  if (new URL(page.url()).pathname === '/login') await signIn(page, people.find((one) => one.role === 'member'));
  await page.goto('/account/subscription');
  await page.locator('main a[href$="/confirm"]').first().click();
  await page.setViewportSize({ width: 390, height: 844 });
  assert.equal(await sideways(page), 0);
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.getByRole('button', { name: /^Confirm/ }).click();
  await page.getByRole('button', { name: 'Complete authentication' }).click();
  await page.waitForURL((url) => url.pathname === '/account/subscription');
  for (let i = 0; i < 20 && (await page.locator('main a[href$="/confirm"]').count()); i += 1) { await sleep(500); await page.reload(); }
  assert.equal(await page.locator('main a[href$="/confirm"]').count(), 0);
  assert.match(await page.textContent('main'), /Active/);
  await page.setViewportSize({ width: 390, height: 844 });
  assert.equal(await sideways(page), 0);
  assert.deepEqual(faults(page), []);
});
