// A maker brings in several files at once, pauses one, reloads in the middle, and turns a model around.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { axe, launch, person, signIn } from './lib/browser.mjs';
import { studio } from './lib/studio.mjs';

let kinora, browser, page;
before(async () => {
  kinora = await studio();
  browser = await launch();
  page = await person(browser, kinora);
  await signIn(page, await kinora.login('creator'));
});
after(async () => { await browser?.close(); await kinora?.stop(); });

const text = (name, words) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(words) });

test('several files arrive, each under a title of its own', async () => {
  await page.goto('/studio/uploads');
  await page.locator('input[type=file]').setInputFiles([text('walk_cycle-notes.md', '# Walk cycle\n'), text('rig.py', 'import bpy\n'), text('left-out.txt', 'x\n')]);
  const titles = page.getByRole('textbox', { name: 'Title' });
  assert.equal(await titles.count(), 3);
  assert.equal(await titles.first().inputValue(), 'walk cycle notes');
  await titles.nth(1).fill('Rig helper');
  await page.getByRole('button', { name: 'Leave out' }).nth(2).click();
  assert.equal(await titles.count(), 2);
  assert.deepEqual(await axe(page), []);
  await page.getByRole('button', { name: 'Upload', exact: true }).click();
  await page.waitForFunction(() => document.querySelectorAll('.upload-row').length === 0 && /Rig helper/.test(document.body.innerText), null, { timeout: 60_000 });
  const list = await page.locator('#uploads').innerText();
  assert.match(list, /walk cycle notes/);
  assert.doesNotMatch(list, /left out/);
  assert.deepEqual(page.faults, []);
});

test('a new file takes the place of the one there; one of another kind does not', { timeout: 600_000 }, async () => {
  const until = async (path, pattern) => {
    // The demo's own works may stand before it at the encoders.
    for (const end = Date.now() + 240_000; ;) {
      await page.goto(path);
      const words = await page.locator('main').innerText();
      if (pattern.test(words)) return words;
      assert.ok(Date.now() < end, `${path} never said ${pattern}: ${words}`);
      await page.waitForTimeout(1000);
    }
  };
  await page.goto('/studio/uploads');
  await page.getByRole('link', { name: 'Rig helper' }).first().click();
  const editor = new URL(page.url()).pathname;
  assert.match(editor, /^\/studio\/media\//);
  await until(editor, /import bpy/);
  const send = async (file) => {
    await page.getByLabel('New file').setInputFiles(file);
    // The work has its title: a new file gets none.
    assert.equal(await page.locator('.upload-row').getByRole('textbox').count(), 0);
    assert.deepEqual(await axe(page), []);
    await Promise.all([page.waitForResponse((answer) => answer.request().method() === 'PATCH' && answer.ok()), page.getByRole('button', { name: 'Replace', exact: true }).click()]);
    await page.waitForFunction(() => document.querySelectorAll('.upload-row').length === 0);
    assert.equal(new URL(page.url()).pathname, editor);
  };
  await send(text('rig-new.py', 'import mathutils\n'));
  const words = await until(editor, /import mathutils/);
  assert.doesNotMatch(words, /import bpy/);
  assert.equal(await page.getByLabel('Title', { exact: true }).inputValue(), 'Rig helper');
  assert.match(words, /rig-new\.py/);
  const dot = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
  await send({ name: 'dot.png', mimeType: 'image/png', buffer: dot });
  const refused = await until(editor, /was not accepted, and what was there stays/);
  assert.match(refused, /import mathutils/);
  assert.deepEqual(page.faults, []);
});

test('what was cut off goes on after a reload, from where it stopped', { timeout: 120_000 }, async () => {
  // A file on disk: what it is known by again includes the time it was last changed.
  const folder = mkdtempSync(join(tmpdir(), 'kinora-upload-'));
  const file = join(folder, 'long.txt');
  writeFileSync(file, Buffer.alloc(20 << 20, 'a line of a very long text\n'));
  let sent = 0;
  // The second piece of eight MiB never leaves the browser. The rule stays for the whole test: taking it
  // back would let the piece that waits go on, and the studio rightly keeps whatever of it arrives.
  await page.route('**/uploads/*', (route) => {
    if (route.request().method() !== 'PATCH') return route.continue();
    sent += 1;
    return sent === 2 ? undefined : route.continue();
  });
  await page.goto('/studio/uploads');
  await page.locator('input[type=file]').setInputFiles(file);
  await page.getByRole('button', { name: 'Upload', exact: true }).click();
  await page.waitForFunction(() => document.querySelector('.upload-row progress').value >= 0.39);
  while (sent < 2) await page.waitForTimeout(50);
  await page.getByRole('button', { name: 'Pause' }).click();
  assert.match(await page.locator('.upload-row').innerText(), /Paused/);
  page.once('dialog', (dialog) => dialog.accept());
  await page.goto('/studio/uploads');
  assert.match(await page.locator('main').innerText(), /Not sent completely: long\.txt/);
  const offsets = [];
  page.on('request', (request) => request.method() === 'PATCH' && offsets.push(Number(request.headers()['upload-offset'])));
  await page.locator('input[type=file]').setInputFiles(file);
  await page.getByRole('button', { name: 'Upload', exact: true }).click();
  await page.waitForFunction(() => document.querySelectorAll('.upload-row').length === 0, null, { timeout: 60_000 });
  rmSync(folder, { recursive: true });
  assert.equal(offsets[0], 8 << 20);
  assert.doesNotMatch(await page.locator('main').innerText(), /Not sent completely/);
});

test('a model is loaded only when somebody wants to turn it, and pages and code are read', { timeout: 660_000 }, async () => {
  const end = Date.now() + 600_000;
  const ready = async (path, part) => {
    for (;;) {
      await page.goto(path);
      if (await page.locator(part).count()) return;
      assert.ok(Date.now() < end, `${path} showed nothing in ten minutes`);
      await page.waitForTimeout(2000);
    }
  };
  await ready('/media/pine-island', '.stage.model');
  const loaded = [];
  page.on('request', (request) => loaded.push(request.url()));
  assert.equal(await page.locator('canvas').count(), 0);
  await page.getByRole('button', { name: 'Turn it around' }).click();
  await page.locator('.stage.model[data-open] canvas').waitFor({ timeout: 60_000 });
  assert.ok(loaded.some((url) => url.endsWith('/view.glb')));
  await page.keyboard.press('ArrowRight');
  assert.deepEqual(await axe(page), []);
  await ready('/media/shot-list-good-morning', '.leaves img');
  assert.equal(await page.locator('.leaves img').count(), 2);
  assert.match(await page.locator('.leaf-text').first().textContent(), /Meadow, wide/);
  assert.deepEqual(await axe(page), []);
  await ready('/media/overlap-for-ears', '.stage.code');
  await page.locator('code[data-coloured=py]').waitFor();
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(page.faults, []);
});
