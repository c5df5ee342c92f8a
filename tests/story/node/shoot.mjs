// Photographs pages with Chromium. Reads {shots: [{url, file, width, height?, language}]} from stdin
// and writes one JSON line: for each page its title, visible text, and what overflows or is broken.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

async function shoot(browser, shot) {
  const context = await browser.newContext({
    viewport: { width: shot.width, height: shot.height ?? 900 },
    locale: shot.language ?? "ja-JP",
    isMobile: shot.width < 600,
    deviceScaleFactor: shot.width < 600 ? 2 : 1,
  });
  try {
    const page = await context.newPage();
    const response = await page.goto(shot.url, { waitUntil: "load", timeout: 20000 });
    await page.screenshot({ path: shot.file, fullPage: true });
    const found = await page.evaluate(() => ({
      text: document.body.innerText,
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      broken: [...document.images].filter((i) => !i.complete || i.naturalWidth === 0).map((i) => i.src),
      pictures: [...document.querySelectorAll("img, svg, picture")].map(
        (e) => e.getAttribute("alt") ?? e.getAttribute("aria-label") ?? e.textContent.trim().slice(0, 400),
      ),
      links: [...document.links].map((a) => a.href),
    }));
    return { status: response.status(), title: await page.title(), file: shot.file, ...found };
  } finally {
    await context.close();
  }
}

async function main() {
  const { shots } = JSON.parse(readFileSync(0, "utf8"));
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  try {
    const pages = [];
    for (const shot of shots) pages.push(await shoot(browser, shot));
    console.log(JSON.stringify({ pages }));
  } finally {
    await browser.close();
  }
}

try {
  await main();
} catch (error) {
  console.log(JSON.stringify({ error: error.message }));
}
