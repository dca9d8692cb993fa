// Takes the pictures of the ledger's pages that docs/pages.md shows, all of them anew:
//
//   node .ci/e2e.mjs pictures-ledger [FOLDER [NAME …]]   all pages into FOLDER instead, or those whose name begins so
//
// A picture shows a page four times, side by side: on a desk by day and by night in English, on a telephone by day and by
// night in German.
import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Page } from "puppeteer-core";
import { palettePNG, readPNG } from "../../tools/png.mjs";
import type { Language } from "./language.js";
import { perform, root } from "./programs.js";
import { tell } from "./seen.js";

/** COLOURS of a picture: letters by day and by night need no more, and fewer where there are very many letters. */
const COLOURS = [28, 16, 12, 8];

/** MOST is how many bytes a picture should have at most. */
const MOST = 60_000;

/** SCALE is how large a picture is of what a reader sees: still to be read. */
const SCALE = 0.6;

/** WINDOWS are the widths and greatest heights that are shown; longer pages are cut. */
const WINDOWS = { en: { width: 900, most: 1000 }, de: { width: 360, most: 1000 } } as const;

/** SHEET is how wide a sheet of paper is. */
const SHEET = 720;

/** GAP is what lies between two views, in pixels, and GROUND its grey. */
const GAP = 12;
const GROUND = 128;

type Scheme = "light" | "dark";

/** view is all of a page, or its upper part, as a PNG; print is how a printer sees it. */
async function view(page: Page, language: Language, scheme: Scheme | "print"): Promise<Buffer> {
  const { most } = WINDOWS[language];
  const width = scheme === "print" ? SHEET : WINDOWS[language].width;
  const session = await page.createCDPSession(); // page.emulateMedia… sets one and takes back the other
  await session.send("Emulation.setEmulatedMedia", {
    media: scheme === "print" ? "print" : "screen",
    features: [
      { name: "prefers-color-scheme", value: scheme === "print" ? "light" : scheme },
      { name: "prefers-reduced-motion", value: "reduce" },
    ],
  });
  await page.setViewport({ width, height: 400, deviceScaleFactor: SCALE });
  const tall = await page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return document.documentElement.scrollHeight;
  });
  await page.setViewport({ width, height: Math.min(tall, most), deviceScaleFactor: SCALE });
  const shot = Buffer.from(await page.screenshot());
  await session.detach();
  return shot;
}

/** beside lays pictures side by side. */
function beside(shots: readonly Buffer[]): Buffer {
  const views = shots.map(readPNG);
  const height = Math.max(...views.map((one) => one.height));
  const width = views.reduce((sum, one) => sum + one.width + GAP, -GAP);
  const pixels = Buffer.alloc(width * height * 4, GROUND);
  for (let at = 3; at < pixels.length; at += 4) pixels[at] = 255;
  let left = 0;
  for (const one of views) {
    for (let y = 0; y < one.height; y++)
      one.pixels.copy(pixels, (y * width + left) * 4, y * one.width * 4, (y + 1) * one.width * 4);
    left += one.width + GAP;
  }
  let written: Buffer = Buffer.alloc(0);
  for (const colours of COLOURS) {
    written = palettePNG(pixels, width, height, { colours });
    if (written.length <= MOST) break;
  }
  return written;
}

/** named are the pages that docs/pages.md shows. */
function named(): readonly string[] {
  const text = readFileSync(path.join(root, "docs", "pages.md"), "utf8");
  return [...text.matchAll(/pictures\/ledger-([\w-]+)\.png/g)].map(([, name]) => name ?? "");
}

const folder = mkdtempSync(path.join(os.tmpdir(), "flattr-pictures-"));
const [into, ...only] = process.argv.slice(2);

/** shoot has every page seen that is wanted, and keeps its views. */
async function shoot(wanted: (name: string) => boolean, shots: Map<string, Buffer[]>): Promise<void> {
  const add = (name: string, ...views: Buffer[]) => shots.set(name, [...(shots.get(name) ?? []), ...views]);
  for (const language of ["en", "de"] as const) {
    await tell(path.join(folder, language), language, async (name, page) => {
      console.log(`${Math.round(performance.now() / 1000)} s  ${language}: ${name}`);
      const views = async (...looks: readonly (Scheme | "print")[]) => {
        for (const look of looks)
          add(look === "print" ? `${name}-print` : name, await view(page, language, look));
      };
      if (wanted(name)) await views("light", "dark");
      if (wanted(`${name}-print`) && name === "statement") await views("print");
    });
  }
}

await perform(async () => {
  const target = into ?? path.join(root, "docs", "pictures");
  mkdirSync(target, { recursive: true });
  const names = named();
  const wanted = (name: string) => {
    if (into === undefined) return names.includes(name);
    return only.length === 0 || only.some((start) => name.startsWith(start));
  };
  const shots = new Map<string, Buffer[]>();
  try {
    await shoot(wanted, shots);
  } finally {
    for (const [name, views] of shots) writeFileSync(path.join(target, `ledger-${name}.png`), beside(views));
  }
  if (into === undefined) {
    assert.deepEqual(
      [...shots.keys()].toSorted(),
      names.toSorted(),
      "docs/pages.md shows what nobody has seen",
    );
    const kept = new Set(names.map((name) => `ledger-${name}.png`));
    for (const file of readdirSync(target))
      if (file.startsWith("ledger-") && !kept.has(file)) rmSync(path.join(target, file));
  }
  rmSync(folder, { recursive: true, force: true });
});
