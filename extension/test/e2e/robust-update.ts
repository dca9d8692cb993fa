// The extension is updated while five of its pages are open: each click counts once or the page is as it was.
import { strict as assert } from "node:assert";
import type { Sheet } from "./hands.js";
import { until } from "./programs.js";
import { BUTTON } from "./reader.js";
import { raiseVersion, type Trial } from "./trial.js";

export async function update({ suite, hands, robin, build, books }: Trial): Promise<void> {
  await suite.test(
    `${hands.name}: an update with five pages open loses no click and makes none`,
    async () => {
      await books.open(robin);
      const urls = [books.next(), books.next(), books.next(), books.next(), books.next()];
      const open: Sheet[] = [];
      for (const url of urls) open.push(await robin.visit(url));
      const [before, during, after, again, rest] = open as [Sheet, Sheet, Sheet, Sheet, Sheet];
      await robin.press(before);
      books.clicks++;
      await robin.counts(books.clicks);

      const version = raiseVersion(build);
      await during.front();
      const pressed = robin.press(during).catch(() => {}); // the update may take the button from under the pointer
      await hands.update(build);
      await pressed;
      await until("the new version runs", async () => {
        return (await hands.inside(() => chrome.runtime.getManifest().version)) === version;
      });
      const reads = await hands.inside(() => chrome.permissions.contains({ origins: ["http://*/*"] }));
      console.log(`         the new version may ${reads ? "" : "not "}read pages`); // Chromium takes the grant with the old one
      for (const sheet of [after, again, rest]) await settledIn(sheet, reads);
      const caught = await once(robin, books.clicks);
      books.clicks = caught;

      await after.front();
      await robin.press(after);
      await again.front();
      await robin.press(again);
      if (reads) books.clicks += 2;
      await robin.counts(books.clicks);
      await until("nothing is kept", async () => (await robin.kept()).length === 0);
      for (const sheet of open) await sheet.close();
    },
  );
}

// A click during the update counts once or not at all: what is there now must stay what is there.
async function once(robin: Trial["robin"], before: number): Promise<number> {
  const { clicks } = await until("the ledger has settled", async () => {
    if ((await robin.kept()).length > 0) return undefined;
    return robin.month();
  });
  assert.ok(clicks === before || clicks === before + 1, `${clicks - before} clicks from one`);
  return clicks;
}

// The page has one button and it is the page's own, or stands in for it by the new script: never two, never none.
async function settledIn(sheet: Sheet, reads: boolean): Promise<void> {
  await until(`the page is ${reads ? "taken over" : "restored"}`, async () => {
    const shown = await sheet.run(
      (button) =>
        [...document.querySelectorAll(button)]
          .filter((element) => element.checkVisibility())
          .map((element) => element.localName),
      BUTTON,
    );
    if (shown.length !== 1) throw new Error(`it shows ${shown.join(", ") || "no button"}`);
    return reads || shown[0] !== "flattr-button";
  });
}
