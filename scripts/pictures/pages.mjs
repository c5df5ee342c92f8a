// Photographs pages of the guide and the desk for the README: node pages.mjs FOLDER, with WEB_PREVIEW as for tests/web.
import { open, peers, signIn, start } from '../../tests/web/browser.mjs';

const [folder, pictures] = process.argv.slice(2);
const world = await start(pictures);
const shoot = (page, name, height) => page.screenshot({ path: `${folder}/${name}.png`, clip: { x: 0, y: 0, width: page.viewportSize().width, height } });

for (const language of ['en', 'ja']) {
  for (const [name, path, width, height] of [
    ['start', '', 1100, 900], ['check', 'check', 1100, 900], ['setup', 'setup?address=taro%40tokai.example', 390, 844],
  ]) {
    const { page } = await open(world, `/${language}/${path}`, { peer: peers.subscriber, width });
    await shoot(page, `${name}-${language}`, height);
    await page.close();
  }
}

// The desk, from the machine itself: elsewhere passwords are taken over HTTPS only.
const { page } = await open(world, '/desk', { peer: '127.0.0.1', width: 1100 });
await page.waitForSelector('#sign:not([hidden])');
await signIn(page, 'abuse');
await page.waitForSelector('#work:not([hidden])');
await page.click('#to-find');
await page.fill('#query', '198.51.100.7');
await page.click('button[value=subscriber]');
await page.waitForSelector('#why[open]');
await page.fill('#why-reason', 'ticket 4711');
await page.press('#why-reason', 'Enter');
await page.waitForSelector('#found:not([hidden])');
await page.locator('#found', { hasText: 'L-0042' }).waitFor();
await page.evaluate(() => document.activeElement.blur());
await shoot(page, 'desk', 900);
await world.stop();
