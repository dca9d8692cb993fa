// What the tests of old buttons share: pages with such buttons, and what stands in for them.
import path from "node:path";
import type { Page } from "puppeteer-core";
import type { Browser } from "./browser.js";
import { sheetOf } from "./chromium.js";
import * as pages from "./pages.js";
import { until } from "./programs.js";
import type { Reader } from "./reader.js";
import { frame } from "./site/site.js";
import type { Stage } from "./stage.js";
import type { Suite } from "./suite.js";

/** A reader looks before clicking; what has only just come is not taken. */
export const LOOK_MS = 600;

/** World is what the checks need: a reader who is connected, linked, has means and lets the extension read pages. */
export interface World {
  suite: Suite;
  stage: Stage;
  browser: Browser;
  robin: Reader;
  ledgerPage: Page; // where the reader is signed in at the ledger
  pictures?: string; // a folder for pictures to look at
}

/** serve makes a page of the sample site and gives its address; a policy in head holds for all of it. */
export async function serve(
  { stage }: World,
  name: string,
  body: string,
  head = "",
  doctype = true,
): Promise<string> {
  // A policy holds for what comes after it.
  const html = frame(name, body).replace("<head>", `<head>${head}`);
  stage.site.extra.set(`/${name}`, doctype ? html : html.replace("<!DOCTYPE html>\n", ""));
  return `${stage.site.origin}/${name}`;
}

/** shown opens a page and waits until it has so many stand-ins. */
export async function shown({ browser }: World, url: string, count: number): Promise<Page> {
  const page = await browser.open(url);
  await has(page, count);
  return page;
}

/** has waits until a page has so many stand-ins. */
export async function has(page: Page, count: number): Promise<void> {
  await until(`${count} stand-ins on ${page.url()}`, async () => {
    const faces = await sheetOf(page).closed("[data-state]");
    if (faces.length === count) return true;
    throw new Error(`${faces.length}`);
  });
}

/** states are what the stand-ins show, in the order of the page. */
export async function states(page: Page): Promise<string[]> {
  return (await sheetOf(page).closed("[data-state]")).map(({ data }) => data["state"] ?? "");
}

/** becomes waits until a stand-in shows one of the states that are wanted. */
export async function becomes(page: Page, index: number, ...wanted: string[]): Promise<void> {
  await until(`stand-in ${index} becomes ${wanted.join(" or ")}`, async () => {
    const found = (await states(page))[index] ?? "";
    if (wanted.includes(found)) return true;
    throw new Error(found);
  });
}

/** rows is how many clicks the ledger lists for the reader. */
export async function rows({ ledgerPage, stage }: World): Promise<number> {
  return (await pages.month(ledgerPage, stage.ledger.origin)).rows.length;
}

/** clicks is how many events wait in the extension's outbox or were told by the companion: nothing else is a click. */
export async function clicks(world: World): Promise<number> {
  const worker = await world.browser.background();
  return worker.evaluate(async () => {
    const all = await chrome.storage.local.get(null);
    const rows = (all["rows"] as { state: string }[] | undefined) ?? [];
    return rows.length + Object.keys(all).filter((key) => key.startsWith("out:")).length;
  });
}

/** line is what our line in the page says. */
export async function line(page: Page): Promise<string> {
  const [found] = await sheetOf(page).closed(".line");
  return found?.text ?? "";
}

/** settings makes these the reader's choices, all others as never chosen. */
export async function settings(world: World, settings: object): Promise<void> {
  const worker = await world.browser.background();
  await worker.evaluate(async (next) => chrome.storage.local.set({ settings: next }), settings as never);
}

/** picture keeps a picture of a page, where pictures are wanted. */
export async function picture(world: World, page: Page, name: string): Promise<void> {
  if (world.pictures === undefined) return;
  await page.screenshot({ path: path.join(world.pictures, `${name}.png`) as `${string}.png` });
}
