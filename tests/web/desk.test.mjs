// The operator's console: token, overview, look-up, trace; and what a hostile record can't do.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { open, overflow, photograph, start, token, violations } from './browser.mjs';

let world;
before(async () => { world = await start(); });
after(async () => { await world?.stop(); });

async function signedIn(options) {
  const opened = await open(world, '/desk', options);
  await opened.page.fill('#token', token);
  await opened.page.press('#token', 'Enter');
  await opened.page.waitForSelector('#work:not([hidden])');
  return opened;
}

test('without the token nothing opens', async () => {
  const { page, faults } = await open(world, '/desk');
  assert.deepEqual(await violations(page), []);
  await page.fill('#token', 'guess');
  await page.press('#token', 'Enter');
  await page.waitForSelector('#message.bad');
  assert.equal(await page.isVisible('#work'), false);
  assert.equal(faults.filter((f) => !f.includes('401')).length, 0);
  await page.close();
});

for (const width of [390, 1280]) {
  for (const scheme of ['light', 'dark']) {
    test(`overview, subscriber and message at ${width} px, ${scheme}`, async () => {
      const { page, faults } = await signedIn({ width, scheme });
      assert.ok(await page.getByText('gate-blocked, 24 h').isVisible());
      await photograph(page, `desk-overview-${width}-${scheme}`);
      for (const [query, seen] of [['198.51.100.7', 'L-0042'], ['taro@tokai.example', '東海 太郎'], ['L-0042', 'S2'], ['K7-22Q', 'use port 587']]) {
        await page.fill('#query', query);
        await page.click('button[value=subscriber]');
        await page.waitForFunction((q) => document.getElementById('message').textContent.startsWith(q), query);
        if (seen !== 'S2') assert.ok(await page.locator('#found', { hasText: seen }).isVisible(), query);
      }
      assert.equal(await overflow(page), 0);
      assert.deepEqual(await violations(page), []);
      await photograph(page, `desk-subscriber-${width}-${scheme}`);
      await page.fill('#query', '<m1@tokai.example>');
      await page.click('button[value=trace]');
      await page.waitForSelector('text=Message Q7KX2: finished');
      assert.deepEqual(await violations(page), []);
      assert.deepEqual(faults, []);
      await photograph(page, `desk-trace-${width}-${scheme}`);
      await page.close();
    });
  }
}

test('markup in a record stays text', async () => {
  const { page, faults } = await signedIn();
  await page.route('**/api/v1/subscriber?*', async (route) => {
    const attack = '"><img src=x onerror=alert(1)><script>alert(1)</script>';
    const response = await route.fetch();
    const hostile = JSON.parse(await response.text(), (key, value) => (typeof value === 'string' && !['severity', 'at', 'start'].includes(key) ? attack : value));
    await route.fulfill({ json: hostile });
  });
  await page.fill('#query', 'L-0042');
  await page.click('button[value=subscriber]');
  await page.waitForSelector('#found table');
  assert.equal(await page.locator('#found script, #found img').count(), 0);
  assert.deepEqual(faults, []);
  await page.close();
});
