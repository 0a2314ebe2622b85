// Finding works and watching them.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

// Addresses of works that the films and courses of the studio link to.
export async function works(page) {
  const found = new Set();
  const links = (selector) => page.locator(selector).evaluateAll((all) => all.map((a) => new URL(a.href).pathname));
  for (const list of ['/films', '/courses', '/']) {
    await page.goto(list, { waitUntil: 'domcontentloaded' });
    for (const work of await links('main a[href^="/media/"]')) found.add(work);
    const shelves = list === '/' ? [] : (await links(`main a[href^="${list}/"]`)).slice(0, 6);
    for (const shelf of shelves) {
      await page.goto(shelf, { waitUntil: 'domcontentloaded' });
      for (const work of await links('main a[href^="/media/"]')) found.add(work);
    }
  }
  return [...found].filter((path) => !path.includes('/files/'));
}

// The first work for which `wanted` holds on its page.
export async function work(page, wanted) {
  for (const path of await works(page)) {
    const response = await page.goto(path, { waitUntil: 'domcontentloaded' });
    if (response.status() === 200 && await wanted(page)) return path;
  }
  return null;
}

// As `work`, but waits until there is one: the demo encodes after its start, on a busy machine for many minutes.
export async function workInTime(page, wanted, minutes) {
  const until = Date.now() + minutes * 60_000;
  for (;;) {
    const found = await work(page, wanted);
    if (found || Date.now() > until) return found;
    await sleep(3000);
  }
}

export const isLocked = async (page) => (await page.locator('.stage.is-locked, section.locked').count()) > 0;
export const isVideo = async (page) => (await page.locator('[data-player] video').count()) > 0;

// Whether the work has been encoded with this codec.
export async function hasCodec(page, codec) {
  return page.evaluate(async (codec) => {
    const box = document.querySelector('[data-player]');
    return box ? (await (await fetch(box.dataset.hls)).text()).includes(codec) : false;
  }, codec);
}

// Whether there are so many renditions of the work yet.
export async function renditions(page, wanted) {
  return page.evaluate(async (wanted) => {
    const playlist = await (await fetch(document.querySelector('[data-player]').dataset.hls)).text();
    return playlist.split('RESOLUTION=').length > wanted;
  }, wanted);
}

// Asks until it is so, on a machine that encodes meanwhile.
export async function inTime(page, wanted, minutes) {
  const until = Date.now() + minutes * 60_000;
  while (!await wanted(page)) {
    if (Date.now() > until) return false;
    await sleep(1000);
  }
  return true;
}

// Plays with the given codec and returns how it went, after a second or more of the film was shown.
export async function play(page, codec) {
  await page.locator('[data-player] video').evaluate(async (video, codec) => {
    const box = video.closest('[data-player]');
    const list = await (await fetch(box.dataset.hls)).text();
    const found = new RegExp(`${codec}[^",]*`).exec(list);
    box.dataset.prefer = codec === 'avc1' ? '' : found?.[0] ?? '';
    video.muted = true;
    await video.play().catch(() => {});
  }, codec);
  const begun = Date.now();
  let seen = {};
  while (Date.now() - begun < 60_000) {
    seen = await page.locator('[data-player] video').evaluate((video) => ({
      time: video.currentTime, width: video.videoWidth, codec: video.closest('[data-player]').dataset.codec ?? '',
      frames: video.getVideoPlaybackQuality().totalVideoFrames, error: video.error?.message ?? null, paused: video.paused,
    }));
    if (seen.time > 1.5 && seen.codec.startsWith(codec) && seen.frames > 10) break;
    await sleep(250);
  }
  assert.equal(seen.error, null);
  assert.ok(seen.time > 1.5, `currentTime came to ${seen.time}: ${JSON.stringify(seen)}`);
  assert.ok(seen.codec.startsWith(codec), `plays ${seen.codec}, not ${codec}: ${JSON.stringify(seen)}`);
  return seen;
}
