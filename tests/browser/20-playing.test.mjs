// The demo film plays in Chromium: what was there first in H.264, and AV1 as soon as rav1e is done.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { launch, person, signIn } from './lib/browser.mjs';
import { hasCodec, isVideo, play, work } from './lib/playing.mjs';
import { studio } from './lib/studio.mjs';

let kinora, browser, page, path;
before(async () => {
  kinora = await studio();
  browser = await launch();
  page = await person(browser, kinora);
  await signIn(page, await kinora.login('subscriber'));
  // The demo encodes after its start; H.264 comes first.
  const until = Date.now() + 600_000;
  while (!path && Date.now() < until) {
    path = await work(page, isVideo);
    if (!path) await sleep(2000);
  }
  assert.ok(path, 'no video of the demo studio became playable in ten minutes');
});
after(async () => { await browser?.close(); await kinora?.stop(); });

test('H.264 plays and the time advances', async (t) => {
  await page.goto(path);
  const seen = await play(page, 'avc1');
  t.diagnostic(`${path}: ${JSON.stringify(seen)}`);
  assert.deepEqual(page.faults, []);
});

test('AV1 by rav1e plays and the time advances', { timeout: 900_000 }, async (t) => {
  const until = Date.now() + 840_000;
  let found = null;
  while (!found && Date.now() < until) {
    found = await work(page, async (page) => await isVideo(page) && await hasCodec(page, 'av01'));
    if (!found) await sleep(5000);
  }
  assert.ok(found, 'no video of the demo studio had AV1 in fourteen minutes');
  const seen = await play(page, 'av01');
  t.diagnostic(`${found}: ${JSON.stringify(seen)}`);
  assert.deepEqual(page.faults, []);
});

test('the film plays without scripts too, as plain MP4', async () => {
  const plain = await person(browser, kinora, { javaScriptEnabled: false, storageState: await page.context().storageState() });
  const response = await plain.goto(path);
  assert.equal(response.status(), 200);
  const source = await plain.locator('video source').first().getAttribute('src');
  const range = await plain.request.get(source, { headers: { range: 'bytes=0-99' } });
  assert.equal(range.status(), 206);
  assert.equal((await range.body()).length, 100);
  await plain.context().close();
});
