// Pictures of the main pages at 1280 and 390 pixels.
//   node tests/browser/screenshots.mjs FOLDER        (STUDIO_URL and STUDIO_DATA name a running studio)
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { launch, person, signIn } from './lib/browser.mjs';
import { pages, resolve } from './lib/pages.mjs';
import { studio } from './lib/studio.mjs';

const folder = process.argv[2] ?? 'screenshots';
await mkdir(folder, { recursive: true });
const kinora = await studio();
const browser = await launch();
for (const [role, paths] of Object.entries(pages)) {
  const page = await person(browser, kinora);
  if (role !== 'visitor') await signIn(page, await kinora.login(role));
  for (const path of paths) {
    const target = await resolve(page, path);
    if (!target) { console.log(`${role} ${path}: nothing is linked`); continue; }
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: width === 1280 ? 900 : 844 });
      const response = await page.goto(target);
      // Lazy pictures load when they come into view.
      await page.evaluate(async () => {
        for (let y = 0; y < document.body.scrollHeight; y += 600) { scrollTo(0, y); await new Promise((r) => setTimeout(r, 30)); }
        scrollTo(0, 0);
      });
      await page.waitForLoadState('networkidle');
      const name = `${role}${path === '/' ? '-home' : path.replace(/\?.*/, '').replaceAll('/*', '-one').replaceAll('/', '-')}-${width}.png`;
      await page.screenshot({ path: join(folder, name), fullPage: true });
      console.log(`${name} ${response.status()}`);
    }
  }
  await page.context().close();
}
await browser.close();
await kinora.stop();
