// The context menu: "Flattr this page", and "Flattr this link" where the link points to a thing.
import { browser } from "../browser";
import { thingOfLink, thingOfPage } from "../thing/subject";
import type { Thing } from "../wire.gen";
import { text } from "../words";
import { LEDGER } from "./month";
import { PAGES } from "./reading";

const PAGE = "page";
const LINK = "link";

/** Paths that can point to a thing, as match patterns know them; the click looks closer. */
const THING_PATHS: readonly string[] = [
  "/thing/*",
  "/t/*",
  "/submit/auto?*",
  "/profile/*",
  "/user/*",
  "/@*",
  "/domain/*",
];

/** linkPatterns are the links over which the menu offers to flattr. Patterns know no port: any port matches. */
export function linkPatterns(ledgerHost: string | undefined): string[] {
  const hosts = ["flattr.com", "www.flattr.com"];
  const ledger = ledgerHost?.replace(/:\d+$/, "");
  if (ledger !== undefined && /^[a-z0-9.-]+$/i.test(ledger)) hosts.push(ledger);
  return hosts.flatMap((host) => THING_PATHS.map((path) => `*://${host}${path}`));
}

/** startMenu lays the menu when it may have changed, and tells what was chosen in it, empty where that is no thing. */
export function startMenu(chosen: (thing: Thing, tab: number | undefined) => void): void {
  const menus: typeof browser.contextMenus | undefined = browser.contextMenus;
  if (menus === undefined) return; // browsers on telephones have none
  browser.runtime.onInstalled.addListener(() => void layMenu());
  browser.runtime.onStartup.addListener(() => void layMenu());
  browser.storage.onChanged.addListener((changes) => {
    if (changes[LEDGER] !== undefined) void layMenu();
  });
  menus.onClicked.addListener((info, tab) => {
    void ledgerHost().then((host) => {
      chosen(chosenThing(info, tab?.title, host) ?? {}, tab?.id); // patterns are wider than what is a thing
    });
  });
}

/** ledgerHost is host and port of the reader's own ledger, as far as known. */
export async function ledgerHost(): Promise<string | undefined> {
  const host: unknown = (await browser.storage.local.get(LEDGER))[LEDGER];
  return typeof host === "string" ? host : undefined;
}

let laying: Promise<void> = Promise.resolve();

// One laying at a time: an item that is there already cannot be made again.
function layMenu(): Promise<void> {
  laying = laying.then(lay).catch(() => {}); // without a menu there is still the toolbar
  return laying;
}

async function lay(): Promise<void> {
  const host = await ledgerHost();
  await browser.contextMenus.removeAll();
  add({ id: PAGE, title: text("flattrPage"), contexts: ["page"], documentUrlPatterns: [...PAGES] });
  add({ id: LINK, title: text("flattrLink"), contexts: ["link"], targetUrlPatterns: linkPatterns(host) });
}

function add(item: chrome.contextMenus.CreateProperties): void {
  browser.contextMenus.create(item, heard);
}

// A browser that refuses an item says so here; unread it would be written to the console as an error.
function heard(): void {
  void browser.runtime.lastError;
}

/** chosenThing is what an item of the menu was chosen for; undefined where that is nothing to flattr. */
export function chosenThing(
  info: Pick<chrome.contextMenus.OnClickData, "menuItemId" | "linkUrl" | "pageUrl">,
  title: string | undefined,
  ledgerHost: string | undefined,
): Thing | undefined {
  const { menuItemId, linkUrl, pageUrl } = info;
  if (menuItemId === LINK && linkUrl !== undefined)
    return thingOfLink(linkUrl, pageUrl ?? linkUrl, ledgerHost);
  if (menuItemId !== PAGE || pageUrl === undefined) return undefined;
  return thingOfPage(pageUrl, title, ledgerHost);
}
