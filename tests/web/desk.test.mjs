// The operator's console: signing in, roles, overview, look-up, trace, audit; and what a hostile
// record can't do.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { codeAt, open as openFrom, overflow, photograph, signIn, start, violations } from './browser.mjs';

// From the machine itself: passwords are taken over HTTPS only, else.
const open = (place, path, options = {}) => openFrom(place, path, { peer: '127.0.0.1', ...options });

let world;
before(async () => { world = await start(); });
after(async () => { await world?.stop(); });

// A code opens once, so each one who signs in does it once, and the pages share his cookie.
const cookies = {};
async function signedIn(role, options) {
  await world.context.clearCookies();
  if (cookies[role]) await world.context.addCookies(cookies[role]);
  const opened = await open(world, '/desk', options);
  const { page } = opened;
  if (!cookies[role]) {
    await page.waitForSelector('#sign:not([hidden])');
    await signIn(page, role);
  }
  await page.waitForSelector('#work:not([hidden])');
  cookies[role] = await world.context.cookies();
  return opened;
}

async function giveReason(page, reason) {
  await page.waitForSelector('#why[open]');
  await page.fill('#why-reason', reason);
  await page.press('#why-reason', 'Enter');
}

async function lookUp(page, query, reason, button = 'subscriber') {
  await page.click('#to-find');
  await page.fill('#query', query);
  await page.click(`button[value=${button}]`);
  if (reason) await giveReason(page, reason);
  await page.waitForFunction((q) => document.getElementById('message').textContent.startsWith(q), query);
}

test('without name, password and code nothing opens', async () => {
  const { page, faults } = await open(world, '/desk');
  await page.waitForSelector('#sign:not([hidden])');
  assert.deepEqual(await violations(page), []);
  await photograph(page, 'desk-sign-in');
  for (const [name, password, code] of [['support', 'wrong horse battery', codeAt(Math.floor(Date.now() / 30000))], ['support', 'correct horse battery', '000000'], ['nobody', 'correct horse battery', '000000']]) {
    await page.fill('#name', name);
    await page.fill('#password', password);
    await page.fill('#code', code);
    await page.press('#code', 'Enter');
    await page.waitForSelector('#message.bad');
    assert.equal(await page.textContent('#message'), 'name, password or code is wrong');
    await page.evaluate(() => say(''));
  }
  assert.equal(await page.isVisible('#work'), false);
  assert.deepEqual(await world.context.cookies(), []);
  assert.equal(faults.filter((f) => !f.includes('401')).length, 0);
  await page.close();
});

for (const width of [390, 1280]) {
  for (const scheme of ['light', 'dark']) {
    test(`overview, subscriber and message at ${width} px, ${scheme}`, async () => {
      const { page, faults } = await signedIn('abuse', { width, scheme });
      assert.ok(await page.getByText('gate-blocked, 24 h').isVisible());
      assert.equal(await page.locator('.chart canvas').count(), 3);
      assert.equal(await overflow(page), 0);
      assert.deepEqual(await violations(page), []);
      await photograph(page, `desk-overview-${width}-${scheme}`);
      for (const [query, seen] of [['198.51.100.7', 'L-0042'], ['taro@tokai.example', '東海 太郎'], ['L-0042', 'ticket 4712'], ['K7-22Q', 'use port 587']]) {
        await lookUp(page, query, 'ticket 4711');
        for (const text of [seen, 'stage slow', 'recipients_per_hour', 'wrong password', 'Message Q7KX2: finished']) {
          assert.ok(await page.locator('#found', { hasText: text }).isVisible(), `${query}: ${text}`);
        }
      }
      assert.equal(await overflow(page), 0);
      assert.deepEqual(await violations(page), []);
      await photograph(page, `desk-subscriber-${width}-${scheme}`);
      // Once asked is asked: the same subject needs no second reason.
      await lookUp(page, 'L-0042', null);
      await lookUp(page, '<m1@tokai.example>', '問合せ 4711', 'trace');
      await page.waitForSelector('text=Message Q7KX2: finished');
      assert.deepEqual(await violations(page), []);
      assert.deepEqual(faults, []);
      await photograph(page, `desk-trace-${width}-${scheme}`);
      await page.close();
    });
  }
}

test('no reason, no look', async () => {
  const { page } = await signedIn('abuse');
  await page.click('#to-find');
  await page.fill('#query', '198.51.100.9');
  await page.click('button[value=subscriber]');
  await page.waitForSelector('#why[open]');
  assert.deepEqual(await violations(page), []);
  await photograph(page, 'desk-why');
  await page.click('#why-not');
  assert.equal(await page.locator('#found table').count(), 0);
  await page.close();
});

test('an order asks why, and support has no button for what is not its own', async () => {
  const abuse = await signedIn('abuse');
  await lookUp(abuse.page, 'taro@tokai.example', 'ticket 4711');
  await abuse.page.getByRole('button', { name: 'Suspend', exact: true }).click();
  await giveReason(abuse.page, 'stolen password');
  await abuse.page.waitForSelector('text=read as account');
  assert.deepEqual(abuse.faults, []);
  await abuse.page.close();
  const { page, faults } = await signedIn('support');
  await lookUp(page, 'taro@tokai.example', 'ticket 4711');
  assert.equal(await page.locator('button:has-text("Suspend")').count(), 0);
  assert.equal(await page.getByRole('button', { name: 'Send the notice again', exact: true }).count(), 1);
  assert.equal(await page.locator('#to-audit').count(), 0);
  assert.deepEqual(faults, []);
  await page.close();
});

test('the auditor sees who looked, at whom, and why, and nobody else', async () => {
  const { page, faults } = await signedIn('auditor', { width: 1280 });
  await page.waitForSelector('#audit-rows table');
  const text = await page.textContent('#audit-rows');
  for (const part of ['lookSubscriber', 'q=L-0042', 'ticket 4711', '問合せ 4711', 'suspendAccount', 'stolen password', '401 Unauthorized']) assert.ok(text.includes(part), part);
  assert.match(await page.textContent('#audit-state'), /the chain is whole/);
  assert.equal(await page.locator('#to-find').count(), 0);
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(faults, []);
  await photograph(page, 'desk-audit');
  await page.setViewportSize({ width: 390, height: 844 });
  assert.equal(await overflow(page), 0);
  await photograph(page, 'desk-audit-390');
  await page.close();
});

test('the overview is told of what happens', async () => {
  const { page, faults } = await signedIn('abuse');
  const told = await page.evaluate(() => new Promise((resolve) => { const s = new EventSource('/api/v1/live'); s.addEventListener('totals', (e) => { s.close(); resolve(JSON.parse(e.data)); }); }));
  assert.deepEqual(told.roles, { gate: false, mail: true });
  await page.waitForSelector('.light.down:has-text("gate down")');
  await page.waitForSelector('#recent:has-text("new since then")');
  assert.deepEqual(faults, []);
  await page.close();
});

test('support sees requests for exemptions, an operator decides', async () => {
  const seen = await signedIn('support', { width: 1280 });
  await seen.page.click('#to-requests');
  await giveReason(seen.page, 'ticket 4720');
  await seen.page.waitForSelector('#request-rows table');
  assert.equal(await seen.page.locator('#request-rows button').count(), 0);
  assert.equal(await seen.page.locator('#request-rows img').count(), 0, 'what others wrote is text');
  assert.deepEqual(await violations(seen.page), []);
  await seen.page.close();
  const { page, faults } = await signedIn('operator', { width: 390 });
  await page.click('#to-requests');
  await giveReason(page, 'ticket 4720');
  await page.waitForSelector('#request-rows table');
  assert.equal(await overflow(page), 0);
  assert.deepEqual(await violations(page), []);
  await photograph(page, 'desk-requests-390');
  await page.setViewportSize({ width: 1280, height: 900 });
  await photograph(page, 'desk-requests');
  await page.click('#request-rows button:text("Grant")');
  await giveReason(page, 'ticket 4720: known to us');
  await page.waitForSelector('#request-rows button:text("Revoke")');
  assert.match(await page.textContent('#request-rows'), /granted.*operator at the desk: ticket 4720: known to us/s);
  assert.deepEqual(faults, []);
  await page.close();
});

test('signing out ends it for every page', async () => {
  const { page } = await signedIn('support');
  await page.click('#leave');
  await page.waitForSelector('#sign:not([hidden])');
  assert.equal(await page.locator('#found > *, #view-overview > *').count(), 0);
  await world.context.addCookies(cookies.support);
  const again = await open(world, '/desk');
  await again.page.waitForSelector('#sign:not([hidden])');
  await page.close();
  await again.page.close();
});

test('markup in a record stays text, in every field of every view', async () => {
  const { page, faults } = await signedIn('abuse');
  const attack = '"><img src=x onerror=alert(1)><script>alert(1)</script>';
  const hostile = (text) => JSON.parse(text, (key, value) => (typeof value === 'string' && !['since', 'csrf'].includes(key) ? attack : value));
  for (const path of ['subscriber?*', 'trace?*', 'status', 'history?*']) {
    await page.route(`**/api/v1/${path}`, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ json: hostile(await response.text()) });
    });
  }
  await page.click('#to-overview');
  await page.waitForSelector('#view-overview td:has-text("onerror")');
  await page.click('#to-find');
  await page.fill('#query', 'L-0042');
  await page.click('button[value=subscriber]');
  await giveReason(page, attack);
  await page.waitForSelector('#found table');
  assert.ok((await page.textContent('#found')).includes(attack));
  await page.fill('#query', '<m1@tokai.example>');
  await page.click('button[value=trace]');
  await giveReason(page, attack);
  await page.waitForFunction(() => document.querySelectorAll('#found section').length === 1);
  assert.equal(await page.locator('main script, main img, #why script, #why img').count(), 0);
  assert.deepEqual(faults, []);
  await page.close();
  const auditor = await signedIn('auditor');
  assert.ok((await auditor.page.textContent('#audit-rows')).includes('onerror'));
  assert.equal(await auditor.page.locator('main img').count(), 0);
  assert.deepEqual(auditor.faults, []);
  await auditor.page.close();
});

test('the policy of the page lets nothing else in', async () => {
  const response = await fetch(`${world.base}/desk`);
  const policy = response.headers.get('content-security-policy');
  for (const part of ["default-src 'none'", "script-src 'self'", "form-action 'none'", "frame-ancestors 'none'"]) assert.ok(policy.includes(part), part);
  assert.ok(!policy.includes('unsafe'));
  assert.ok(!(await response.text()).includes('style='));
});
