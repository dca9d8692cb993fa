// Takes the pictures of the ledger's pages for publishers and their readers in docs/pictures:
//
//   node .ci/e2e.mjs pictures-ledger [FOLDER]   all of them, in both languages, light and dark, at two widths, into FOLDER
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Page } from "puppeteer-core";
import { palettePNG, readPNG } from "../../tools/png.mjs";
import type { Language } from "./language.js";
import { delay, perform, root } from "./programs.js";
import { Published, show } from "./published.js";

/** Colours of a picture: letters need no more. */
const COLOURS = 40;

const WIDE = 860;
const NARROW = 320;

type Scheme = "light" | "dark";

/** KEPT are the pictures in docs/pictures: page, language, scheme and width. */
const KEPT: readonly (readonly [string, Language, Scheme, number])[] = [
  ["buttons-large", "en", "light", WIDE],
  ["buttons-compact", "de", "dark", NARROW],
  ["thing-visitor", "en", "light", WIDE],
  ["profile", "en", "light", WIDE],
  ["profile-own", "en", "light", WIDE],
  ["submit-before", "en", "light", WIDE],
  ["submit-after", "en", "light", WIDE],
  ["consent", "en", "light", WIDE],
  ["grants", "en", "light", WIDE],
  ["applications", "en", "light", WIDE],
  ["claims", "en", "light", WIDE],
  ["optout", "en", "light", WIDE],
];

/** take writes all of a page with few colours. */
async function take(page: Page, file: string, scheme: Scheme, width: number): Promise<void> {
  await page.bringToFront();
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: scheme },
    { name: "prefers-reduced-motion", value: "reduce" },
  ]);
  await page.setViewport({ width, height: 400 });
  await delay(150); // the picture is of the next frame
  const shot = await page.screenshot({ fullPage: true });
  const { width: wide, height, pixels } = readPNG(Buffer.from(shot));
  writeFileSync(file, palettePNG(pixels, wide, height, { colours: COLOURS }));
}

const folder = mkdtempSync(path.join(os.tmpdir(), "flattr-pictures-"));
const into = process.argv[2];

await perform(async () => {
  const target = into ?? path.join(root, "docs", "pictures");
  mkdirSync(target, { recursive: true });
  for (const language of ["en", "de"] as const) {
    const set = await Published.set(path.join(folder, language));
    try {
      for (const { name, page } of await show(set, language)) {
        for (const scheme of ["light", "dark"] as const) {
          for (const width of [WIDE, NARROW]) {
            const kept = KEPT.some(
              ([of, spoken, look, wide]) =>
                of === name && spoken === language && look === scheme && wide === width,
            );
            const file =
              into === undefined ? `ledger-${name}.png` : `${name}-${language}-${scheme}-${width}.png`;
            if (kept || into !== undefined) await take(page, path.join(target, file), scheme, width);
          }
        }
      }
    } finally {
      await set.close();
    }
  }
  rmSync(folder, { recursive: true, force: true });
});
