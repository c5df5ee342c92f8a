// The subscriber's own page: signed out and in, two languages, phone and desktop, light and dark.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { look, open, overflow, photograph, start, violations } from './browser.mjs';

const ways = [[390, 'light'], [390, 'dark'], [1280, 'light'], [1280, 'dark']];
const login = 'taro@tokai.example';
const password = 'correct horse';
let world;
before(async () => { world = await start(); });
after(async () => { await world?.stop(); });

async function seen(page, name) {
  for (const [width, scheme] of ways) {
    await look(page, { width, scheme });
    assert.equal(await overflow(page), 0, `${name} ${width}: no sideways scrolling`);
    if (width === 1280 || scheme === 'light') assert.deepEqual(await violations(page), [], `${name} ${width} ${scheme}`);
    await photograph(page, `my-${name}-${width}-${scheme}`);
  }
}

async function signIn(page, word = password) {
  await page.fill('#login', login);
  await page.fill('#password', word);
  await page.press('#password', 'Enter');
  await page.waitForLoadState('load');
}

const session = async () => (await world.context.cookies()).find((c) => c.name.endsWith('sekisho-session'));
const button = (page, action) => page.locator(`form[action$="${action}"] button`);

for (const language of ['ja', 'en']) {
  test(`${language}: sign in, look at every page, sign out`, async () => {
    const { page, faults } = await open(world, `/${language}/my`, { width: 390 });
    await seen(page, `${language}-sign-in`);
    await signIn(page, 'wrong');
    assert.equal(await page.locator('[role="alert"]').count(), 1);
    assert.equal(await page.inputValue('#login'), login, 'what was typed stays');
    assert.equal(await page.inputValue('#password'), '', 'the password does not');
    assert.deepEqual(await violations(page), []);
    await signIn(page);
    assert.equal(new URL(page.url()).pathname, `/${language}/my`);
    for (const path of ['', '/password', '/devices', '/sendas', '/exemption']) {
      await page.goto(`${world.base}/${language}/my${path}`);
      assert.equal(await page.locator('h1').count(), 1);
      assert.equal(await page.locator('script, img[src="x"], main b').count(), 0, 'what others wrote is text');
      assert.ok((await page.content()).length < 100_000);
      await seen(page, `${language}${path.replace('/', '-') || '-overview'}`);
    }
    const cookie = await session();
    assert.ok(cookie.httpOnly && cookie.secure && cookie.path === '/' && cookie.name.startsWith('__Host-'));
    await button(page, '/sign-out').click();
    await page.waitForURL(/told=signed-out/);
    assert.equal(await session(), undefined);
    assert.deepEqual(faults.filter((f) => !f.includes('403')), []);
    await page.close();
  });
}

test('nothing is shown or taken without a session, or with one that was brought along', async () => {
  const { page } = await open(world, '/en/my');
  await world.context.addCookies([{ name: '__Host-sekisho-session', value: 'chosenbyanattacker123456', url: world.base, secure: true }].map((c) => ({ ...c, url: world.base.replace('http:', 'https:') }))).catch(() => {});
  await page.goto(`${world.base}/en/my/devices`);
  assert.equal(await page.locator('#password').count(), 1);
  await signIn(page);
  const first = (await session()).value;
  assert.notEqual(first, 'chosenbyanattacker123456');
  const response = await page.request.post(`${world.base}/en/my/sign-out`, { form: { form: 'guessed' }, maxRedirects: 0 });
  assert.equal(response.status(), 403);
  await page.goto(`${world.base}/en/my`);
  assert.equal(await page.locator('.who').count(), 1, 'still signed in');
  await button(page, '/sign-out-everywhere').click();
  await page.waitForURL(/told=everywhere/);
  await page.close();
});

test('sending from abroad is forbidden and allowed again, without a script', async () => {
  const { page } = await open(world, '/en/my', { width: 390 });
  await signIn(page);
  await button(page, '/abroad').click();
  await page.waitForURL(/told=abroad-off/);
  assert.match(await page.textContent('[role="status"]'), /nothing is sent/);
  assert.match(await button(page, '/abroad').textContent(), /Allow/);
  assert.deepEqual(await violations(page), []);
  await photograph(page, 'my-en-abroad-off');
  await button(page, '/abroad').click();
  await page.waitForURL(/told=abroad-on/);
  await button(page, '/sign-out').click();
  await page.close();
});

test('an exemption is asked for from the line, and withdrawn', async () => {
  const { page } = await open(world, '/en/my', { width: 390 });
  await signIn(page);
  await page.goto(`${world.base}/en/my/exemption`);
  await page.fill('#domain', 'Taro.example');
  await page.fill('#reason', 'mail of my club');
  await page.press('#reason', 'Enter');
  await page.waitForURL(/told=asked/);
  assert.match(await page.textContent('main'), /is being looked up/);
  assert.equal(await page.locator('#domain').count(), 0, 'one at a time');
  assert.ok(!(await page.content()).includes('hanako'), 'nobody else\'s');
  await seen(page, 'en-asked');
  await page.locator('input[value="withdraw"] ~ p button').click();
  await page.waitForURL(/told=withdrawn/);
  await button(page, '/sign-out').click();
  await page.close();
});

test('an app password is shown once, and the password is changed', async () => {
  const { page } = await open(world, '/en/my', { width: 390 });
  await signIn(page);
  await page.goto(`${world.base}/en/my/devices`);
  await page.fill('#name', '<script>alert(1)</script>');
  await page.press('#name', 'Enter');
  await page.waitForSelector('#fresh');
  const made = await page.textContent('.reference');
  assert.match(made, /^[a-z0-9]{4}(-[a-z0-9]{4}){4}$/);
  assert.equal(await page.locator('script').count(), 0);
  await seen(page, 'en-made');
  await page.goto(`${world.base}/en/my/devices`);
  assert.ok(!(await page.content()).includes(made), 'shown once');

  await page.goto(`${world.base}/en/my/sendas`);
  await page.fill('#address', 'boss@outside.example');
  await seen(page, 'en-sendas');

  await page.goto(`${world.base}/en/my/password`);
  await page.fill('#current', password);
  await page.fill('#new', 'a new passphrase');
  await page.fill('#again', 'a new passphrase');
  await page.press('#again', 'Enter');
  await page.waitForURL(/told=changed/);
  assert.equal(await page.locator('[role="status"]').count(), 1);
  await button(page, '/sign-out').click();
  await page.waitForURL(/told=signed-out/);
  await signIn(page);
  assert.equal(await page.locator('[role="alert"]').count(), 1, 'the old one is wrong now');
  await signIn(page, 'a new passphrase');
  assert.equal(await page.locator('.who').count(), 1);
  await page.close();
});
