// axe-core over a page built by jsdom: structure, names and roles. Contrast needs eyes: look.test.ts computes it.
import axe, { type AxeResults, type RunOptions } from "axe-core";
import { JSDOM, VirtualConsole } from "jsdom";

const OPTIONS: RunOptions = {
  rules: { "color-contrast": { enabled: false } },
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
};

/** openPage makes a page that axe can run in, without running the page's own scripts. */
export function openPage(html: string): Window {
  const virtualConsole = new VirtualConsole(); // what jsdom does not draw is no news
  const { window } = new JSDOM(html, {
    url: "https://page.test/",
    runScripts: "outside-only",
    virtualConsole,
  });
  return window as unknown as Window;
}

/** audit returns what axe finds, one line each; none is good. */
export async function audit(page: Document): Promise<readonly string[]> {
  const window = page.defaultView as (Window & { axe?: typeof axe; eval(source: string): void }) | null;
  if (window === null) throw new Error("page without window");
  if (window.axe === undefined) window.eval(axe.source);
  if (window.axe === undefined) throw new Error("axe did not load");
  const results: AxeResults = await window.axe.run(page, OPTIONS);
  return results.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
