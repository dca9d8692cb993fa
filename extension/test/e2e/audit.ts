// What every page is held to, whoever's it is: axe-core finds nothing, nothing is wider than its window, and the keyboard
// reaches everything.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type axe from "axe-core";
import type { Page } from "puppeteer-core";
import { root } from "./programs.js";
import type { Suite } from "./suite.js";

const require = createRequire(path.join(root, "extension", "package.json"));
const AXE = `${readFileSync(require.resolve("axe-core"), "utf8")}; undefined`;

/** What a reader may have chosen, as the browser tells a page of it. Nothing moves: a colour on its way is nobody's. */
const STILL = { name: "prefers-reduced-motion", value: "reduce" };
const LOOKS = {
  light: [STILL, { name: "prefers-color-scheme", value: "light" }],
  dark: [STILL, { name: "prefers-color-scheme", value: "dark" }],
  "forced colours": [
    STILL,
    { name: "forced-colors", value: "active" },
    { name: "prefers-color-scheme", value: "dark" },
  ],
} as const;

/** CONTROLS is what the keyboard has to reach. */
const CONTROLS = "a[href], button, input, select, textarea, summary";

/** audit is what axe-core has to say against a page. */
async function audit(page: Page): Promise<readonly string[]> {
  return page.evaluate(async () => {
    const scope = globalThis as unknown as { axe: typeof axe };
    const { violations } = await scope.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    );
  });
}

/** Look is one of the ways in which a reader sees a page. */
export type Look = keyof typeof LOOKS;

/** ALL are the ways in which a page that anybody may have is looked at. */
const ALL = Object.keys(LOOKS) as readonly Look[];

/** looks audits a page as each reader sees it. */
export async function looks(
  page: Page,
  name: string,
  suite: Suite,
  wanted: readonly Look[] = ALL,
): Promise<void> {
  await page.evaluate(AXE); // the page's own policy lets no script in
  const session = await page.createCDPSession();
  for (const look of wanted) {
    const features = LOOKS[look];
    await suite.test(`${name}, ${look}: axe finds nothing`, async () => {
      await session.send("Emulation.setEmulatedMedia", { features: [...features] });
      assert.deepEqual(await audit(page), []);
    });
  }
  await session.detach();
}

/** neverWider holds a page to the widths of windows, each from left to right and from right to left. */
export async function neverWider(
  page: Page,
  widths: readonly [number, ...number[]],
  name: string,
  suite: Suite,
): Promise<void> {
  await suite.test(`${name}: nothing is wider than its window, in either direction of writing`, async () => {
    for (const direction of ["ltr", "rtl"]) {
      for (const width of widths) {
        await page.setViewport({ width, height: 600 });
        const wide = await page.evaluate((dir) => {
          document.documentElement.dir = dir;
          const out = [...document.querySelectorAll<HTMLElement>("body *")].filter((element) => {
            const { left, right, width: own } = element.getBoundingClientRect();
            return (
              own > 0 &&
              (left < -1 || right > document.documentElement.clientWidth + 1) &&
              !element.closest(".wide, .skip, .overflow-auto, table.stack thead")
            );
          });
          return out.map((element) => element.outerHTML.slice(0, 120));
        }, direction);
        assert.deepEqual(wide, [], `${direction} at ${width}`);
      }
    }
    await page.evaluate(() => {
      document.documentElement.dir = "ltr";
    });
    await page.setViewport({ width: widths[0], height: 600 });
  });
}

/** focus goes through a page by the Tab key. */
export async function focus(page: Page, name: string, suite: Suite): Promise<void> {
  await suite.test(`${name}: the keyboard reaches every control, and its focus is seen`, async () => {
    // Of choices that exclude each other the Tab key reaches the chosen one only.
    const wanted = await page.$$eval(CONTROLS, (all) =>
      all.flatMap((one, at) => {
        const { name, type, checked, form } = one as HTMLInputElement;
        const others = [...document.querySelectorAll<HTMLInputElement>(`input[type=radio][name="${name}"]`)];
        const chosen = others.find((other) => other.checked && other.form === form) ?? others[0];
        const left = type === "radio" && !checked && chosen !== one;
        const shown = one.checkVisibility() && !one.matches(":disabled"); // a closed element hides what is in it
        return shown && !left ? [at] : [];
      }),
    );
    const reached = new Set<number>();
    for (let press = 0; press < wanted.length * 1.2 + 3; press++) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate((controls) => {
        const now = document.activeElement;
        if (now === null || now === document.body) return undefined;
        const { outlineStyle, outlineWidth } = getComputedStyle(now);
        const all = [...document.querySelectorAll(controls)];
        return {
          index: all.indexOf(now),
          seen: outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 1,
          html: now.outerHTML,
        };
      }, CONTROLS);
      if (at === undefined) continue;
      assert.ok(at.seen, at.html);
      reached.add(at.index);
    }
    const missed = wanted.filter((at) => !reached.has(at));
    const html = await page.$$eval(CONTROLS, (all, left) => left.map((at) => all[at]?.outerHTML), missed);
    assert.deepEqual(html, []);
  });
}
