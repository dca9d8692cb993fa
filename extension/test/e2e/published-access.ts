// The ledger's pages for publishers and their readers, held to what the extension's are.
import { focus, looks, neverWider } from "./audit.js";
import { Published, show } from "./published.js";
import type { Suite } from "./suite.js";

/** A window on a desk, and the narrowest telephone. */
const WIDTHS = [1100, 320] as const;

/** accessOfPublished audits every page that publishers and their readers have, in both languages. */
export async function accessOfPublished(suite: Suite, folder: string): Promise<void> {
  for (const language of ["en", "de"] as const) {
    const set = await Published.set(`${folder}-${language}`);
    try {
      for (const { name, page } of await show(set, language)) {
        await page.bringToFront();
        await page.setViewport({ width: WIDTHS[0], height: 600 });
        await looks(page, `${language}: ledger, ${name}`, suite);
        await neverWider(page, WIDTHS, `${language}: ledger, ${name}`, suite);
        if (language === "en") await focus(page, `ledger, ${name}`, suite);
      }
    } finally {
      await set.close();
    }
  }
}
