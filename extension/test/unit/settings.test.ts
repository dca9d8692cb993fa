// Settings: what is damaged or from another time counts as never chosen, and two changes at once both hold.
import { beforeEach, expect, it } from "vitest";
import {
  changeSettings,
  DEFAULTS,
  MAX_SITES_OFF,
  onSettings,
  readSettings,
  type Settings,
  siteOf,
  switchSite,
} from "../../src/settings";
import { MapShelf } from "./shelf";

const shelf = new MapShelf();
const listeners = new Set<(changes: object, area: string) => void>();

beforeEach(() => {
  shelf.items.clear();
  shelf.full = false;
  listeners.clear();
  const onChanged = {
    addListener: (listener: () => void) => listeners.add(listener),
    removeListener: (listener: () => void) => listeners.delete(listener),
  };
  Object.assign(chrome, { storage: { local: shelf, onChanged } });
});

it("reads defaults where nothing was chosen, or what is stored is damaged", async () => {
  expect(await readSettings()).toEqual(DEFAULTS);
  const damaged = { replace: "no", sitesOff: [1, "", "a.example", "a.example"], appearance: "pink" };
  await shelf.set({ settings: damaged });
  expect(await readSettings()).toEqual({ ...DEFAULTS, sitesOff: ["a.example"] });
});

it("keeps both of two changes made at once", async () => {
  await Promise.all([switchSite("a.example", false), changeSettings(() => ({ replace: false }))]);
  expect(await readSettings()).toEqual({ ...DEFAULTS, replace: false, sitesOff: ["a.example"] });
  expect((await switchSite("a.example", true)).sitesOff).toEqual([]);
});

it("says when the browser has no room, and goes on afterwards", async () => {
  shelf.full = true;
  await expect(changeSettings(() => ({ toolbarOnly: true }))).rejects.toThrow();
  shelf.full = false;
  expect((await changeSettings(() => ({ appearance: "dark" }))).appearance).toBe("dark");
});

it("names a site by its host and port", () => {
  expect(siteOf("https://A.example/b?c#d")).toBe("a.example");
  expect(siteOf("http://127.0.0.1:8090/")).toBe("127.0.0.1:8090");
  expect([siteOf("about:blank"), siteOf("null"), siteOf("chrome://x/")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

it("tells of changes until nobody listens any more", () => {
  const life = new AbortController();
  const heard: Settings[] = [];
  onSettings(life.signal, (settings) => heard.push(settings));
  for (const listener of listeners) listener({ settings: { newValue: { replace: false } } }, "local");
  for (const listener of listeners) listener({ other: {} }, "local");
  expect(heard).toEqual([{ ...DEFAULTS, replace: false }]);
  life.abort();
  expect(listeners.size).toBe(0);
});

it("holds no more sites than a page can bear to read", async () => {
  const many = Array.from({ length: MAX_SITES_OFF + 5 }, (_, index) => `s${index}.example`);
  const { sitesOff } = await changeSettings(() => ({ sitesOff: many })).catch(() => ({
    sitesOff: [] as readonly string[],
  }));
  expect(sitesOff.length).toBeLessThanOrEqual(MAX_SITES_OFF);
});
