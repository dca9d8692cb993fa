// Looks at pages with Flattr's buttons in a real Chromium, for the ledger's tests.
//
//   node oldpages.mjs EXTENSION CHROMIUM PICTURES <ADDRESSES
//
// Each line in is the address of a page, each line out, in the same order, what is seen there: the frames, each with what
// it shows, and the address of the window after a click on the first one. EXTENSION has puppeteer-core in its
// node_modules. A picture of each page is put into the folder PICTURES, unless it is "".
import { createRequire } from "node:module";
import path from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [extension, executablePath, pictures] = process.argv.slice(2);
const require = createRequire(path.resolve(extension, "package.json"));
const { default: puppeteer } = await import(pathToFileURL(require.resolve("puppeteer-core")).href);

/** A page on this machine is there within this. */
const TIMEOUT_MS = 15_000;

const args = [
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];
const browser = await puppeteer.launch({ executablePath, headless: true, pipe: true, args });

function elementsOfFrames() {
  return [...document.querySelectorAll("iframe")].map((frame) => ({
    src: frame.src,
    class: frame.className,
    width: frame.clientWidth,
    height: frame.clientHeight,
    parent: frame.parentElement.id,
    next: frame.nextElementSibling?.id ?? "",
  }));
}

async function shownIn(element) {
  const frame = await element.contentFrame();
  await frame.waitForSelector("a", { timeout: TIMEOUT_MS });
  return frame.evaluate(() => ({
    label: document.querySelector("a").getAttribute("aria-label"),
    count: document.querySelector("b").textContent,
    // What does not fit would be cut off by the page.
    fits:
      document.documentElement.scrollWidth <= innerWidth &&
      document.documentElement.scrollHeight <= innerHeight,
  }));
}

async function look(address, number) {
  const page = await browser.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  try {
    await page.goto(address, { waitUntil: "networkidle0" });
    const frames = await page.evaluate(elementsOfFrames);
    const handles = await page.$$("iframe");
    for (const [index, handle] of handles.entries()) Object.assign(frames[index], await shownIn(handle));
    const harmed = await page.evaluate(() => window.harmed === true);
    const cookies = (await page.browserContext().cookies()).map(({ name }) => name);
    const buttons = await page.evaluate(() => document.querySelectorAll("a.FlattrButton").length);
    if (pictures !== "") await page.screenshot({ path: path.join(pictures, `oldpage-${number}.png`) });
    let opened = "";
    if (handles.length > 0) {
      await Promise.all([page.waitForNavigation(), handles[0].click()]);
      opened = page.url();
    }
    return { frames, harmed, cookies, buttons, opened };
  } finally {
    await page.close();
  }
}

try {
  let number = 0;
  for await (const address of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await look(address, number++))}\n`);
  }
} finally {
  await browser.close();
}
