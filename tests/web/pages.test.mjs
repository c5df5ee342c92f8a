// Every page of the guide: two languages, phone and desktop, light and dark.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { look, open, overflow, peers, photograph, start, violations } from './browser.mjs';

const pages = ['', 'check', 'affected', 'remedies', 'settings', 'setup', 'setup?address=hanako%40tokai.example', 'setup?address=wrong', 'setup?address=a%40company.example',
  'programs', 'thunderbird', 'outlook', 'outlook-new', 'apple-mail', 'iphone', 'gmail', 'android', 'devices', 'op25b', 'ip25b', 'servers', 'limits', 'contact', 'refused?ref=K7-22Q', 'no-such-page'];
// Of one make: iphone is seen in all ways, these in two.
const alike = ['thunderbird', 'outlook', 'outlook-new', 'apple-mail', 'gmail', 'android'];
const everyWay = [[390, 'light'], [390, 'dark'], [1280, 'light'], [1280, 'dark']];
const ways = (path) => (alike.includes(path) ? [everyWay[0], everyWay[3]] : everyWay);
let world;
before(async () => { world = await start(); });
after(async () => { await world?.stop(); });

const nameOf = (text) => text.replace(/[^a-z0-9]+/gi, '-').replace(/^-+|-+$/g, '') || 'start';

for (const language of ['ja', 'en']) {
  for (const path of pages) {
    test(`/${language}/${path}`, async () => {
      const missing = path === 'no-such-page';
      const { page, response, faults } = await open(world, `/${language}/${path}`, { width: 390 });
      assert.equal(response.status(), missing ? 404 : 200);
      assert.equal(await page.getAttribute('html', 'lang'), language);
      assert.equal(await page.locator('h1').count(), 1);
      for (const [width, scheme] of ways(path)) {
        const where = `${width} ${scheme}`;
        await look(page, { width, scheme });
        assert.equal(await overflow(page), 0, `${where}: no sideways scrolling`);
        if (width === 1280 || scheme === 'light') assert.deepEqual(await violations(page), [], where);
        await photograph(page, `${language}-${nameOf(path)}-${width}-${scheme}`);
      }
      assert.deepEqual(faults.filter((f) => !(missing && f.includes('404'))), []);
      await page.close();
    });
  }
}

for (const [who, peer] of Object.entries(peers)) {
  test(`the verdict of ${who}`, async () => {
    const { page, faults } = await open(world, '/ja/check', { peer, width: 390 });
    const kind = { subscriber: 'stopped', fixed: 'open', roaming: 'stopped', trial: 'planned', outside: 'outside', shared: 'stopped' }[who];
    assert.equal(await page.locator(`.verdict.${kind}`).count(), 1);
    assert.ok((await page.locator('.verdict .meta').textContent()).includes(peer));
    assert.deepEqual(faults, []);
    assert.deepEqual(await violations(page), []);
    await photograph(page, `verdict-${who}`);
    await page.close();
  });
}

test('a line sees its own count, and not that of the line before it', async () => {
  const { page } = await open(world, '/en/check');
  const row = page.locator('tr', { hasText: 'Tries stopped on port 25' });
  assert.equal(await row.locator('strong').textContent(), '37');
  assert.equal(await page.getByText('2001:db8:100:700::/56').count(), 1);
  await page.close();
});

test('320 px wide and text twice the size: nothing is cut off', async () => {
  for (const path of pages) {
    const { page } = await open(world, `/ja/${path}`, { width: 320 });
    assert.equal(await overflow(page), 0, path);
    await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
    assert.equal(await overflow(page), 0, `${path} at 200 %`);
    await page.close();
  }
});

test('the form works without scripts, and the language switch keeps the address', async () => {
  const { page } = await open(world, '/ja/setup');
  await page.fill('#address', 'hanako@tokai.example');
  await page.press('#address', 'Enter');
  await page.waitForURL(/address=/);
  assert.equal(await page.locator('.sheet code', { hasText: 'hanako@tokai.example' }).count() > 0, true);
  await page.click('a[lang="en"]');
  assert.equal(await page.inputValue('#address'), 'hanako@tokai.example');
  await page.close();
});

test('the keyboard reaches the text first, and focus is seen', async () => {
  const { page } = await open(world, '/ja/');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await page.keyboard.press('Tab');
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, 'solid');
  await page.close();
});

test('no field of a request can put markup into a page', async () => {
  const attack = encodeURIComponent('"\'><script>alert(1)</script><img src=x onerror=alert(1)>');
  const fields = ['address', 'ref', 'lang', 'emailaddress', attack];
  for (const path of [...pages.map((p) => `/ja/${p.split('?')[0]}`), '/25', `/${attack}`, `/ja/${attack}`]) {
    const query = fields.map((field) => `${field}=${attack}`).join('&');
    const { page, faults } = await open(world, `${path}?${query}`, { headers: { 'Accept-Language': '"><script>alert(1)</script>' } });
    assert.equal(await page.locator('script, img[src="x"]').count(), 0, path);
    assert.deepEqual(faults.filter((f) => !f.includes('404')), [], path);
    await page.close();
  }
});

test('a Host header with markup does not reach any page', async () => {
  const { connect } = await import('node:net');
  const { hostname, port } = new URL(world.base);
  for (const path of ['/', '/ja/', '/25', '/mail/config-v1.1.xml', '/autodiscover/autodiscover.xml', '/nowhere']) {
    const answer = await new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => socket.write(`GET ${path} HTTP/1.1\r\nHost: "><script>alert(1)</script>\r\nConnection: close\r\n\r\n`));
      let text = '';
      socket.on('data', (data) => { text += data; });
      socket.on('end', () => resolve(text));
      socket.on('error', reject);
    });
    assert.match(answer, /^HTTP\/1\.1 \d+/);
    assert.ok(!answer.includes('<script'), path);
  }
});

test('every page is light and strict', async () => {
  for (const language of ['ja', 'en']) {
    for (const path of pages) {
      const response = await fetch(`${world.base}/${language}/${path}`);
      const text = await response.text();
      assert.ok(text.length < 100_000, path);
      assert.match(response.headers.get('content-security-policy'), /default-src 'none'/);
      assert.ok(!text.includes('<script') && !text.includes('style="'), path);
    }
  }
  const style = await (await fetch(`${world.base}/guide.css`)).text();
  assert.ok(!/url\(|@import/.test(style), 'the style sheet fetches nothing');
});

test('settings print on one A4 sheet', async () => {
  const { page } = await open(world, '/ja/setup?address=hanako%40tokai.example', { media: 'print' });
  const pdf = await page.pdf({ preferCSSPageSize: true });
  assert.equal((pdf.toString('latin1').match(/\/Type\s*\/Page[^s]/g) ?? []).length, 1);
  await page.close();
});

test('pictures of real programs stand in the place of drawn ones', async () => {
  const shown = await start(fileURLToPath(new URL('../../web/guide/pictures', import.meta.url)));
  try {
    for (const [language, title] of [['ja', 'Thunderbird の送信サーバーの設定'], ['en', 'Outgoing server in Thunderbird']]) {
      for (const path of ['thunderbird', 'settings']) {
        const { page, faults } = await open(shown, `/${language}/${path}`, { width: 390 });
        const picture = page.locator('figure.picture img');
        await picture.scrollIntoViewIfNeeded();
        await page.waitForFunction((image) => image.complete && image.naturalWidth > 0, await picture.elementHandle());
        const [width, height, natural] = await picture.evaluate((image) => [image.getAttribute('width'), image.getAttribute('height'), image.naturalWidth]);
        assert.equal(Number(width), natural);
        assert.ok(Number(height) > 0 && (await picture.getAttribute('loading')) === 'lazy');
        const alt = await picture.getAttribute('alt');
        for (const word of [title, 'smtp.tokai.example', '465', 'SSL/TLS', 'taro@tokai.example']) assert.ok(alt.includes(word), `${alt}: ${word}`);
        assert.equal(await page.locator('.marks li').first().isVisible(), true);
        for (const [wide, scheme] of everyWay) {
          await look(page, { width: wide, scheme });
          assert.equal(await overflow(page), 0, `${wide} ${scheme}`);
          assert.deepEqual(await violations(page), [], `${wide} ${scheme}`);
          await photograph(page, `real-${language}-${path}-${wide}-${scheme}`);
        }
        assert.deepEqual(faults, []);
        await page.close();
      }
    }
  } finally {
    await shown.stop();
  }
});
