// Every page of the ledger, held to what the extension's are.
import { strict as assert } from "node:assert";
import type { Page } from "puppeteer-core";
import { focus, looks, neverWider } from "./audit.js";
import type { Language } from "./language.js";
import { tell } from "./seen.js";
import type { Suite } from "./suite.js";

/** A window on a desk, and the narrowest telephone. */
const WIDTHS = { en: [1100, 320], de: [320, 1100] } as const;

/** LOOKS are what each language is seen in, so that everything is audited that can differ, and nothing twice. */
const LOOKS = { en: ["light", "forced colours"], de: ["dark"] } as const;

/** MOST is how many bytes a page may have. */
const MOST = 100_000;

/** accessOfLedger audits every page in both languages: English on a desk by day, German on a telephone by night. */
export async function accessOfLedger(suite: Suite, folder: string): Promise<void> {
  const both = (["en", "de"] as const).map((language) =>
    suite.test(`${language}: every page of the ledger was seen`, () =>
      tell(`${folder}-${language}`, language, (name, page) => heldTo(name, page, language, suite)),
    ),
  );
  await Promise.all(both); // each has a browser and a ledger of its own
}

async function heldTo(seen: string, page: Page, language: Language, suite: Suite): Promise<void> {
  const name = `${language}: ledger, ${seen}`;
  await page.setViewport({ width: WIDTHS[language][0], height: 600 });
  await looks(page, name, suite, LOOKS[language]);
  await neverWider(page, WIDTHS[language], name, suite);
  if (language === "en") await focus(page, name, suite);
  await suite.test(`${name}: is in its language, and small`, async () => {
    const { lang, bytes } = await page.evaluate(() => ({
      lang: document.documentElement.lang,
      bytes: new Blob([document.documentElement.outerHTML]).size,
    }));
    assert.equal(lang, seen === "api" ? "en" : language);
    if (seen !== "api") assert.ok(bytes < MOST, `${bytes} bytes`);
  });
}
