// The demo film plays in Chromium: what was there first in H.264, and AV1 as soon as rav1e is done.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, person, signIn } from './lib/browser.mjs';
import { hasCodec, isVideo, play, workInTime } from './lib/playing.mjs';
import { studio } from './lib/studio.mjs';

let kinora, browser, page, path;
before(async () => {
  kinora = await studio();
  browser = await launch();
  page = await person(browser, kinora);
  await signIn(page, await kinora.login('subscriber'));
  // The demo encodes after its start; H.264 comes first.
  path = await workInTime(page, isVideo, 10);
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
  const found = await workInTime(page, async (page) => await isVideo(page) && await hasCodec(page, 'av01'), 14);
  assert.ok(found, 'no video of the demo studio had AV1 in fourteen minutes');
  const seen = await play(page, 'av01');
  t.diagnostic(`${found}: ${JSON.stringify(seen)}`);
  assert.deepEqual(page.faults, []);
});

test('playing goes on where it was left, also on another device', { timeout: 900_000 }, async () => {
  const isLong = (page) => page.evaluate(() => new Promise((resolve) => {
    const video = document.querySelector('[data-player] video');
    video.preload = 'metadata';
    video.addEventListener('loadedmetadata', () => resolve(video.duration > 30), { once: true });
    video.addEventListener('error', () => resolve(false), { once: true });
    setTimeout(() => resolve(false), 15_000);
    video.load();
  }));
  const long = await workInTime(page, async (page) => await isVideo(page) && await isLong(page), 10);
  assert.ok(long, 'no video of more than half a minute became playable in ten minutes');
  await page.goto('/account/library');
  const forget = page.getByRole('button', { name: 'Forget all of it' });
  if (await forget.count()) await forget.click();
  await page.goto(long);
  await play(page, 'avc1');
  const told = page.waitForResponse((r) => r.url().endsWith('/progress'));
  await page.evaluate(() => { document.querySelector('[data-player] video').currentTime = 12; });
  await page.waitForFunction(() => document.querySelector('[data-player] video').currentTime > 12.2);
  await page.evaluate(() => document.querySelector('[data-player] video').pause());
  assert.equal((await told).status(), 204);

  const other = await person(browser, kinora);
  await signIn(other, await kinora.login('subscriber'));
  await other.goto('/');
  assert.ok(await other.getByRole('heading', { name: 'Continue watching' }).isVisible());
  await other.goto(long);
  assert.match(await other.locator('[data-resume]').innerText(), /You were at 0:1[0-9]/);
  await other.evaluate(() => document.querySelector('[data-player] video').play().catch(() => {}));
  await other.waitForFunction(() => document.querySelector('[data-player] video').currentTime > 12.5);
  assert.ok(await other.evaluate(() => document.querySelector('[data-player] video').currentTime) < 40);
  await other.getByRole('button', { name: 'Start over' }).click();
  await other.waitForFunction(() => document.querySelector('[data-player] video').currentTime < 10);
  assert.deepEqual(page.faults.concat(other.faults), []);
  await other.context().close();
});

test('captions are shown, stay chosen, and chapters lead into the film', { timeout: 300_000 }, async () => {
  await page.goto('/media/big-buck-bunny-the-short-cut');
  await page.waitForFunction(() => document.querySelectorAll('[data-player] track').length === 2, null, { timeout: 60_000 });
  await play(page, 'avc1');
  await page.locator('a[data-seek="32"]').click();
  // The keys work after the click, too.
  await page.keyboard.press('c');
  await page.waitForFunction(() => document.querySelector('[data-player] video').currentTime > 32.2);
  const shown = () => page.evaluate(() => {
    const tracks = [...document.querySelector('[data-player] video').textTracks];
    return tracks.find((t) => t.kind === 'subtitles' && t.mode === 'showing')?.activeCues?.[0]?.text ?? '';
  });
  await page.waitForFunction(() => document.querySelector('[data-player] video').textTracks[0].activeCues?.length > 0);
  assert.equal(await shown(), 'Und drei nagende Plagegeister');
  await page.reload();
  const mode = await page.evaluate(() => document.querySelector('[data-player] video').textTracks[0].mode);
  assert.equal(mode, 'showing', 'captions that were chosen are shown in the next film');
  await page.evaluate(() => localStorage.removeItem('kinora-captions'));
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
