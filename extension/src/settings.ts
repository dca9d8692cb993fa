// Settings: what the reader chose, kept by the browser on this machine and told to nobody.
import { parseAddress } from "./address";
import { browser, orphaned } from "./browser";

/** SETTINGS is the key under which they are stored. */
export const SETTINGS = "settings";

/** Sites switched off at a time: the list is read by every page, and nobody keeps a longer one by hand. */
export const MAX_SITES_OFF = 1000;

/** A host has at most 253 characters; with its port, a few more. */
const MAX_SITE_CHARS = 260;

/** Appearance is light or dark, or what the browser says. */
export type Appearance = "auto" | "light" | "dark";

/** Settings are the reader's choices. */
export interface Settings {
  readonly replace: boolean; // old buttons are made to work again in the page
  readonly sitesOff: readonly string[]; // sites (siteOf) where nothing is replaced and no click is taken
  readonly toolbarOnly: boolean; // buttons in pages do nothing; only the toolbar flattrs
  readonly appearance: Appearance;
}

/** DEFAULTS hold until the reader chooses. */
export const DEFAULTS: Settings = { replace: true, sitesOff: [], toolbarOnly: false, appearance: "auto" };

/** siteOf is the site of an address as `sitesOff` names it: its host, with the port where it has one. */
export function siteOf(address: string): string | undefined {
  const url = parseAddress(address);
  return url?.protocol === "https:" || url?.protocol === "http:" ? url.host : undefined;
}

/** readSettings reads what is stored; what is missing or damaged is as if never chosen. */
export async function readSettings(): Promise<Settings> {
  return settingsOf((await browser.storage.local.get(SETTINGS))[SETTINGS]);
}

let changing: Promise<unknown> = Promise.resolve();

/** changeSettings stores what the change makes of the present settings; it fails when the browser has no room. */
export function changeSettings(change: (now: Settings) => Partial<Settings>): Promise<Settings> {
  const changed = changing.then(async () => {
    const now = await readSettings();
    const next = settingsOf({ ...now, ...change(now) });
    await browser.storage.local.set({ [SETTINGS]: next });
    return next;
  });
  changing = changed.catch(() => {});
  return changed;
}

/** switchSite switches a site on or off. */
export function switchSite(site: string, on: boolean): Promise<Settings> {
  return changeSettings(({ sitesOff }) => {
    const others = sitesOff.filter((known) => known !== site);
    return { sitesOff: on ? others : [...others, site] };
  });
}

/** onSettings calls back at every change, in whichever page it was made, until the signal aborts. */
export function onSettings(signal: AbortSignal, heard: (settings: Settings) => void): void {
  const onChanged = (changes: Record<string, chrome.storage.StorageChange>, area: string): void => {
    const change = changes[SETTINGS];
    if (area === "local" && change !== undefined) heard(settingsOf(change.newValue));
  };
  browser.storage.onChanged.addListener(onChanged);
  // Of an extension that is gone, the browser has taken the listeners away already.
  signal.addEventListener("abort", () => orphaned() || browser.storage.onChanged.removeListener(onChanged));
}

// What is stored may be from another version of the extension.
function settingsOf(stored: unknown): Settings {
  const { replace, sitesOff, toolbarOnly, appearance } = (stored ?? {}) as Partial<Record<string, unknown>>;
  return {
    replace: typeof replace === "boolean" ? replace : DEFAULTS.replace,
    sitesOff: Array.isArray(sitesOff) ? [...new Set(sitesOff.filter(isSite))].slice(-MAX_SITES_OFF) : [],
    toolbarOnly: typeof toolbarOnly === "boolean" ? toolbarOnly : DEFAULTS.toolbarOnly,
    appearance: appearance === "light" || appearance === "dark" ? appearance : DEFAULTS.appearance,
  };
}

function isSite(site: unknown): site is string {
  return typeof site === "string" && site !== "" && site.length <= MAX_SITE_CHARS;
}
