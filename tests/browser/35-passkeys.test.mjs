// Passkeys with Chromium's virtual authenticator: made, used alone and beside the password, copied, removed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { axe, launch, person, sideways, signIn } from './lib/browser.mjs';
import { binary, studio } from './lib/studio.mjs';

const password = 'correct horse battery staple';
const mo = { mail: 'mo@new.example', password };
const list = '/account/security/passkeys';
let here, browser;

before(async () => {
  process.env.KINORA_ACCOUNTS__STAFF_SECOND_FACTOR = 'true';
  process.env.KINORA_ACCOUNTS__STEP_UP_MINUTES = '1';
  here = await studio({ demo: false });
  // Passkeys know names only.
  here.url = here.url.replace('127.0.0.1', 'localhost');
  browser = await launch();
  await add(mo.mail, 'moderator');
  await add('eve@new.example', 'member');
}, { timeout: 300_000 });

after(async () => {
  await browser?.close();
  await here?.stop();
});

function add(mail, role) {
  const child = spawn(binary, ['account', 'add', mail, '--role', role, '--password-stdin', '--data', here.data]);
  child.stdin.end(password);
  return new Promise((done, failed) => child.on('exit', (code) => (code === 0 ? done() : failed(new Error(`${mail}: ${code}`)))));
}

async function authenticator(page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options });
  return { send: (what, more = {}) => cdp.send(`WebAuthn.${what}`, { authenticatorId, ...more }) };
}

// Presses a button whose script posts a form: the answer that fits, once its page is there.
async function landing(page, button, fits) {
  const answered = page.waitForResponse(fits);
  const landed = page.waitForEvent('framenavigated', { timeout: 60_000 });
  await page.getByRole('button', { name: button }).click();
  const answer = await answered;
  await landed;
  await page.waitForLoadState();
  return answer;
}

async function make(page, name, secret = password) {
  await page.goto(list);
  await page.fill('[name=passkey_name]', name);
  await page.fill('[name=password]', secret);
  const answer = await landing(page, 'Add a passkey', (r) => new URL(r.url()).pathname === list && r.request().method() === 'POST');
  return answer.status();
}

async function signOut(page) {
  await page.goto('/logout');
  await Promise.all([
    page.waitForURL((url) => url.pathname === '/'),
    page.locator('form[action="/logout"] button').last().click(),
  ]);
}

// What the server said to the answer of the passkey, and what was sent to it.
async function use(page) {
  const answer = await landing(page, 'Sign in with a passkey', (r) => new URL(r.url()).pathname === '/login/passkey');
  return { status: answer.status(), sent: answer.request().postData() };
}

test('a passkey stands for both factors, counts once, and is known when it was copied', { timeout: 300_000 }, async () => {
  const page = await person(browser, here);
  const device = await authenticator(page);
  await signIn(page, mo);
  await page.goto('/moderation');
  assert.equal(new URL(page.url()).pathname, '/account/security/second-factor', 'staff need a second factor');
  await page.goto(list);
  assert.deepEqual(await axe(page), []);
  assert.ok(await sideways(page) <= 0);

  assert.equal(await make(page, 'Telephone', 'not my password'), 422);
  assert.match(await page.textContent('main'), /not your current password/);
  assert.equal(await page.inputValue('[name=passkey_name]'), 'Telephone', 'what was typed stays');
  assert.equal(await make(page, 'Telephone'), 200);
  const codes = await page.locator('main code.mono').allTextContents();
  assert.equal(codes.length, 10, 'the first second factor comes with recovery codes');
  assert.match(await page.textContent('main'), /Telephone/);
  assert.deepEqual(await axe(page), []);
  await page.goto('/moderation');
  assert.equal(new URL(page.url()).pathname, '/moderation', 'the role counts now');
  await here.mail(mo.mail, /A passkey was added/);

  // Alone.
  await signOut(page);
  await page.goto('/login?next=%2Fmoderation');
  assert.deepEqual(await axe(page), []);
  const first = await use(page);
  assert.equal(first.status, 303);
  assert.equal(new URL(page.url()).pathname, '/moderation');

  // The same answer again opens nothing; nor does one for another challenge.
  await signOut(page);
  const again = (body) => page.request.post('/login/passkey', {
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: here.url }, data: body, maxRedirects: 0,
  });
  const replayed = await again(first.sent);
  assert.equal(replayed.status(), 422);
  assert.match(await replayed.text(), /used already/);
  const { token } = await (await page.request.post('/login/passkey/challenge', { headers: { origin: here.url } })).json();
  const mixed = new URLSearchParams(first.sent);
  mixed.set('token', token);
  assert.equal((await again(mixed.toString())).status(), 422);
  mixed.set('token', `${token.slice(0, -3)}AAA`);
  assert.equal((await again(mixed.toString())).status(), 422);
  await page.goto('/account');
  assert.equal(new URL(page.url()).pathname, '/login', 'nobody is signed in');

  // Beside the password, which alone is not enough any more; or a recovery code.
  await signIn(page, mo);
  assert.equal(new URL(page.url()).pathname, '/login/code');
  assert.deepEqual(await axe(page), []);
  assert.equal((await use(page)).status, 303);
  await page.goto('/moderation');
  assert.equal(new URL(page.url()).pathname, '/moderation');
  await signOut(page);
  await signIn(page, mo);
  await page.fill('[name=code]', codes[0]);
  await Promise.all([
    page.waitForURL((url) => url.pathname === '/'),
    page.locator('form[action="/login/code"] button').click(),
  ]);

  // A device that did not ask its owner; the browser gives no answer then.
  await signOut(page);
  await device.send('setUserVerified', { isUserVerified: false });
  await page.goto('/login');
  assert.equal((await use(page)).status, 422);
  assert.match(await page.textContent('main'), /not accepted/);
  await device.send('setUserVerified', { isUserVerified: true });

  // A copy: its count falls back.
  const { credentials: [kept] } = await device.send('getCredentials');
  await page.goto('/login');
  assert.equal((await use(page)).status, 303);
  await signOut(page);
  await device.send('removeCredential', { credentialId: kept.credentialId });
  await device.send('addCredential', { credential: { ...kept, signCount: 1 } });
  await page.goto('/login');
  assert.equal((await use(page)).status, 422);
  await device.send('removeCredential', { credentialId: kept.credentialId });
  await device.send('addCredential', { credential: { ...kept, signCount: 1000 } });
  await page.goto('/login');
  assert.equal((await use(page)).status, 303);

  // A grave act asks once more who it is: the passkey is a proof, and what was typed is done with it.
  await sleep(61_000);
  await page.goto('/account/tokens');
  await page.locator('main input[type=checkbox]').first().check();
  await page.getByRole('button', { name: 'Make a token' }).click();
  await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor();
  assert.deepEqual(await axe(page), []);
  assert.ok(await sideways(page) <= 0);
  const proved = await landing(page, 'Confirm with a passkey', (r) => new URL(r.url()).pathname === '/account/tokens' && r.request().method() === 'POST');
  assert.equal(proved.status(), 303);
  await page.getByText('is shown only now').waitFor();

  // Called something else, it opens what it opened.
  await page.goto(list);
  const rename = async (name) => {
    await page.fill('[name=new_name]', name);
    await landing(page, 'Rename', (r) => new URL(r.url()).pathname === `${list}/rename`);
  };
  await rename(' ');
  assert.match(await page.textContent('main'), /Give it a name of 1 to 60/);
  assert.deepEqual(await axe(page), []);
  await rename('Old <b>telephone</b>');
  assert.equal(new URL(page.url()).searchParams.get('done'), 'renamed');
  assert.deepEqual(await page.locator('main tbody th').allTextContents(), ['Old <b>telephone</b>']);

  // Removed here, it opens nothing, whatever the device still holds.
  await page.goto(list);
  await page.fill('[name=remove_password]', password);
  await Promise.all([
    page.waitForURL((url) => url.searchParams.get('done') === 'removed'),
    page.getByRole('button', { name: 'Remove', exact: true }).click(),
  ]);
  await page.goto('/moderation');
  assert.equal(new URL(page.url()).pathname, '/account/security/second-factor', 'the last second factor is gone');
  await signOut(page);
  await page.goto('/login');
  assert.equal((await use(page)).status, 422);
  await signIn(page, mo);
  assert.equal(new URL(page.url()).pathname, '/', 'the password is enough again');
  assert.deepEqual(page.faults.filter((fault) => !/NotAllowedError/.test(fault)), []);
});

test('whoever lost every device is helped from the shell; a challenge is for one person', { timeout: 120_000 }, async () => {
  const page = await person(browser, here);
  await authenticator(page);
  await signIn(page, { mail: 'eve@new.example', password });
  assert.equal(await make(page, 'Key'), 200);
  const told = await here.run('account', 'remove-second-factor', 'eve@new.example', '--json');
  assert.equal(told.changed, true);
  await signOut(page);
  await signIn(page, { mail: 'eve@new.example', password });
  assert.equal(new URL(page.url()).pathname, '/');

  // A challenge that was made for somebody else adds nothing.
  const other = await person(browser, here);
  const device = await authenticator(other);
  await signIn(other, mo);
  await other.goto(list);
  let body;
  await other.route(`**${list}`, (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    body = new URLSearchParams(route.request().postData());
    return route.abort();
  });
  await other.fill('[name=passkey_name]', 'Stolen');
  await other.fill('[name=password]', password);
  await other.getByRole('button', { name: 'Add a passkey' }).click();
  for (let n = 0; !body && n < 200; n += 1) await other.waitForTimeout(50).catch(() => {});
  assert.ok(body?.get('credential'), 'the device made one');
  assert.equal((await device.send('getCredentials')).credentials.length, 1);
  await page.goto(list);
  body.set('_csrf', await page.locator('[name=_csrf]').first().inputValue());
  const answer = await page.request.post(list, {
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: here.url }, data: body.toString(), maxRedirects: 0,
  });
  assert.equal(answer.status(), 422);
});
