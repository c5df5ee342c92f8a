// Starts the preview server and Chromium once for a test file; opens pages that may fail on nothing.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const token = 'preview-token-0123456789';
// Pictures are for eyes: made when SCREENSHOTS names a folder.
const screenshots = process.env.SCREENSHOTS;
export const peers = { subscriber: '198.51.100.7', fixed: '198.51.100.241', roaming: '203.0.113.5', trial: '203.0.113.130', outside: '192.0.2.99', shared: '198.51.100.9' };

// `pictures`: a folder with pictures of real programs, in place of drawn ones.
export async function start(pictures) {
  const binary = process.env.WEB_PREVIEW;
  if (!binary) throw new Error('WEB_PREVIEW must name the web_preview binary');
  if (screenshots) mkdirSync(screenshots, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-web-'));
  writeFileSync(join(folder, 'operator.token'), `${token}\n`);
  const server = spawn(binary, pictures ? [folder, pictures] : [folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  const base = await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`web_preview ended with ${code}`)));
    server.stdout.once('data', (data) => resolve(String(data).trim()));
  });
  const context = await chromium.launchPersistentContext(join(folder, 'profile'), {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    timezoneId: 'Asia/Tokyo',
    args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  return {
    base,
    context,
    async stop() {
      await context.close();
      server.removeAllListeners('exit');
      server.stdin.end();
      await new Promise((resolve) => server.once('exit', resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// A page that notes everything that goes wrong, and every request to somewhere else.
export async function open(world, path, { peer = peers.subscriber, width = 1280, scheme = 'light', media, headers = {} } = {}) {
  const page = await world.context.newPage();
  const faults = [];
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) faults.push(message.text()); });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('dialog', (dialog) => { faults.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
  page.on('request', (request) => { if (!request.url().startsWith(world.base) && !request.url().startsWith('data:')) faults.push(`outside ${request.url()}`); });
  await page.setExtraHTTPHeaders({ 'X-Preview-Peer': peer, ...headers });
  await look(page, { width, scheme, media });
  const response = await page.goto(world.base + path, { waitUntil: 'load' });
  return { page, response, faults };
}

// The window and what the reader prefers; on a page that is open as well.
export async function look(page, { width, scheme, media }) {
  await page.setViewportSize({ width, height: width < 600 ? 844 : 900 });
  await page.emulateMedia({ colorScheme: scheme, media });
}

export async function photograph(page, name) {
  if (screenshots) await page.screenshot({ path: `${screenshots}/${name}.png`, fullPage: true });
}

// RFC 6238 over the key of its examples.
export function codeAt(step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', '12345678901234567890').update(counter).digest();
  const value = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(value % 1000000).padStart(6, '0');
}

// As one of the console's operators, each named as his role.
export async function signIn(page, role) {
  await page.fill('#name', role);
  await page.fill('#password', 'correct horse battery');
  await page.fill('#code', codeAt(Math.floor(Date.now() / 30000)));
  await page.press('#code', 'Enter');
}

export async function violations(page) {
  // The page's own policy forbids scripts, so axe is evaluated by the debugger, not inserted.
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(axeSource);
  const found = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  return found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target} ${n.failureSummary}`));
}

export async function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
