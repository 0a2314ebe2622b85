// The pages that offer a sign-in service, as people see them who sign in, register, and look after their account.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { axe, launch, person, sideways, signIn } from './lib/browser.mjs';
import { binary, studio } from './lib/studio.mjs';

const password = 'correct horse battery staple';
const ada = { mail: 'ada@new.example', password };
let here, browser;

before(async () => {
  // The button is offered before the provider is asked for anything; nobody answers there.
  Object.assign(process.env, {
    KINORA_OIDC__ISSUER: 'http://127.0.0.1:9', KINORA_OIDC__CLIENT_ID: 'kinora', KINORA_OIDC__LABEL: 'Example ID',
  });
  here = await studio({ demo: false });
  browser = await launch();
  const child = spawn(binary, ['account', 'add', ada.mail, '--role', 'member', '--password-stdin', '--data', here.data]);
  child.stdin.end(password);
  await new Promise((done, failed) => child.on('exit', (code) => (code === 0 ? done() : failed(new Error(`${code}`)))));
}, { timeout: 300_000 });

after(async () => {
  await browser?.close();
  await here?.stop();
});

async function look(page, path, status = 200) {
  page.faults.length = 0;
  const response = await page.goto(path);
  assert.equal(response.status(), status, path);
  assert.deepEqual(await axe(page), [], path);
  await page.setViewportSize({ width: 320, height: 640 });
  assert.ok(await sideways(page) <= 0, `${path} scrolls sideways at 320 pixels`);
  await page.setViewportSize({ width: 1280, height: 900 });
  return page.textContent('main');
}

test('the button of the service, and what is said while it is down', { timeout: 300_000 }, async () => {
  const page = await person(browser, here);
  for (const path of ['/login', '/login?next=%2Faccount', '/register']) {
    assert.match(await look(page, path), /Sign in with Example ID/);
    assert.deepEqual(page.faults, []);
  }
  assert.match(await look(page, '/login/oidc?next=%2Faccount', 503), /Example ID cannot be reached/);
  await signIn(page, ada);
  assert.match(await look(page, '/account/security'), /Link Example ID/);
  assert.deepEqual(page.faults, []);
});
