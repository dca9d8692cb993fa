// The reader's choices on the options page: buttons in pages, sites that are left alone, appearance.
import { PAGES } from "../background/reading";
import { browser } from "../browser";
import type { Overview } from "../messages";
import { ask, button, byID, keepFocus, make } from "../page";
import { type Appearance, changeSettings, type Settings, switchSite } from "../settings";
import { plural, text } from "../words";

/** start listens to the controls; failed tells that the browser had no room for a choice. */
export function start(signal: AbortSignal, failed: () => void): void {
  const keep = (change: Partial<Settings>): void => void changeSettings(() => change).catch(failed);
  const replace = byID<HTMLInputElement>("replace");
  replace.addEventListener("change", () => keep({ replace: replace.checked }), { signal });
  const toolbarOnly = byID<HTMLInputElement>("toolbar-only");
  toolbarOnly.addEventListener("change", () => keep({ toolbarOnly: toolbarOnly.checked }), { signal });
  byID("appearance").addEventListener(
    "change",
    (event) => keep({ appearance: (event.target as HTMLInputElement).value as Appearance }),
    { signal },
  );
  // Both must be asked for inside the click.
  byID("allow").addEventListener(
    "click",
    () => void settle(browser.permissions.request({ origins: [...PAGES] })),
    { signal },
  );
  byID("forbid").addEventListener(
    "click",
    () => void settle(browser.permissions.remove({ origins: [...PAGES] })),
    { signal },
  );
}

async function settle(asked: Promise<boolean>): Promise<void> {
  if (await asked.catch(() => false)) await ask({ kind: "granted" });
}

/** showSettings brings the controls in line with what is stored. */
export function showSettings(settings: Settings, failed: () => void): void {
  byID<HTMLInputElement>("replace").checked = settings.replace;
  byID<HTMLInputElement>("toolbar-only").checked = settings.toolbarOnly;
  for (const choice of byID("appearance").querySelectorAll("input"))
    choice.checked = choice.value === settings.appearance;
  const off = settings.sitesOff;
  byID("sites-words").textContent = off.length === 0 ? text("sitesNone") : plural("sitesOff", off.length);
  keepFocus(byID("sites"), () => {
    byID("sites").replaceChildren(...off.map((site) => siteLine(site, failed)));
  });
}

function siteLine(site: string, failed: () => void): HTMLLIElement {
  const remove = (): void => void switchSite(site, true).catch(failed);
  const line = make("li", "", make("span", "", site), button("remove", text("siteRemove"), remove, site));
  line.dataset["key"] = site;
  return line;
}

/** showReading says whether all sites are allowed, and offers the other. */
export function showReading({ reading }: Overview): void {
  byID("reading-words").textContent = text(reading ? "allowed" : "allowHint");
  keepFocus(byID("reading-words").parentElement ?? document.body, () => {
    byID("allow").hidden = reading;
    byID("forbid").hidden = !reading;
  });
}
