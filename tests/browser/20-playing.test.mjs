// The demo film plays in Chromium: what was there first in H.264, and AV1 as soon as rav1e is done.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { axe, launch, person, sideways, signIn } from './lib/browser.mjs';
import { hasCodec, inTime, isVideo, play, renditions, workInTime } from './lib/playing.mjs';
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

test('the controls show the place under the pointer, quality, speed and captions, and leave nobody out', { timeout: 300_000 }, async () => {
  await page.goto('/media/big-buck-bunny-the-short-cut');
  await page.evaluate(() => { for (const k of ['kinora-speed', 'kinora-loudness', 'kinora-captions']) localStorage.removeItem(k); });
  // The largest rendition comes first and makes the film playable; there is a choice when the next one has joined it.
  assert.ok(await inTime(page, (page) => renditions(page, 2), 5), 'the film got no second rendition in five minutes');
  await page.reload();
  const video = (read) => page.evaluate(`(() => { const v = document.querySelector('[data-player] video'); return ${read}; })()`);
  assert.equal(await video('v.controls'), false, 'our own controls stand in for the browser\'s');
  await page.getByRole('button', { name: 'Play the film' }).click();
  await page.waitForFunction(() => document.querySelector('[data-player] video').currentTime > 0.5);
  const bar = await page.locator('[data-seek-bar]').boundingBox();
  await page.mouse.move(bar.x + bar.width * 0.6, bar.y + bar.height / 2);
  const picture = page.locator('.glance-picture');
  await page.waitForFunction(() => document.querySelector('.glance-picture').style.backgroundImage.includes('storyboard-01.jpg'));
  const box = await picture.boundingBox();
  assert.ok(box.width >= 90 && box.height >= 32, JSON.stringify(box));
  const sheet = await page.evaluate(async () => {
    const address = /url\("(.+)"\)/.exec(document.querySelector('.glance-picture').style.backgroundImage)[1];
    const bitmap = await createImageBitmap(await (await fetch(address)).blob());
    return [bitmap.width, bitmap.height];
  });
  assert.deepEqual(sheet, [1600, 900]);
  assert.match(await page.locator('.glance-words').innerText(), /^0:\d\d · .+/, 'time and chapter');

  // By keyboard alone: the place, then the settings.
  await video('v.pause()');
  await page.locator('[data-seek-bar]').focus();
  const before = await video('v.currentTime');
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction((before) => document.querySelector('[data-player] video').currentTime > before + 4, before);
  assert.match(await page.locator('[data-seek-bar]').getAttribute('aria-valuetext'), /^0:\d\d of 0:\d\d, .+/);
  await page.locator('.controls summary').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('radio', { name: '1.5×', exact: true }).check();
  assert.equal(await video('v.playbackRate'), 1.5);
  const lines = await page.locator('[name="player-quality"]').count();
  assert.ok(lines >= 2, 'what the player chooses and at least one more');
  assert.deepEqual(await axe(page), []);
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('.controls details[open]').count(), 0);
  const captions = page.getByRole('button', { name: 'Captions' });
  await captions.click();
  await page.waitForFunction(() => document.querySelector('[data-act="captions"]').getAttribute('aria-pressed') === 'true');
  await page.setViewportSize({ width: 320, height: 640 });
  assert.ok(await sideways(page) <= 0);
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.reload();
  assert.equal(await video('v.playbackRate'), 1.5, 'a speed that was chosen stays');
  await page.evaluate(() => { for (const k of ['kinora-speed', 'kinora-loudness', 'kinora-captions']) localStorage.removeItem(k); });
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
