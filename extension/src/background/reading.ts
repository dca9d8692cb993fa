// Reading pages: the content script is registered when the reader has allowed it, and at no other time.
import { browser } from "../browser";

const SCRIPT_ID = "content";
const SCRIPT_FILE = "content.js";

/** PAGES are the addresses the reader may allow, all or none. */
export const PAGES: readonly string[] = ["https://*/*", "http://*/*"];

let settling: Promise<boolean> | undefined;

/** mayRead tells whether the reader has allowed buttons to be found by themselves. */
export function mayRead(): Promise<boolean> {
  return browser.permissions.contains({ origins: [...PAGES] });
}

/**
 * settleReading makes the registration agree with the permission and resolves with what holds. The browser's event
 * and the page's own message may both ask at once: they share one promise, or the second would fail.
 */
export function settleReading(): Promise<boolean> {
  settling ??= settle().finally(() => {
    settling = undefined;
  });
  return settling;
}

async function settle(): Promise<boolean> {
  const allowed = await mayRead();
  const registered = await browser.scripting.getRegisteredContentScripts({ ids: [SCRIPT_ID] });
  if (allowed && registered.length === 0) {
    await browser.scripting.registerContentScripts([
      {
        id: SCRIPT_ID,
        matches: [...PAGES],
        js: [SCRIPT_FILE],
        allFrames: true,
        matchOriginAsFallback: true,
        runAt: "document_start",
        persistAcrossSessions: true,
      },
    ]);
    await injectIntoOpenTabs();
  }
  if (!allowed && registered.length > 0) {
    await browser.scripting.unregisterContentScripts({ ids: [SCRIPT_ID] });
  }
  return allowed;
}

/** readAgain brings the script of a new version into the pages that are open: the one before it is orphaned there. */
export async function readAgain(): Promise<void> {
  if ((await settleReading()) && !injected) await injectIntoOpenTabs();
}

let injected = false; // into the open tabs, by this run of the background

// Pages that are open already would seem broken until they are loaded again.
async function injectIntoOpenTabs(): Promise<void> {
  injected = true;
  const tabs = await browser.tabs.query({});
  await Promise.all(tabs.map(({ id }) => (id === undefined ? undefined : inject(id))));
}

/** inject runs the content script in a tab; false where the browser does not allow it. */
export async function inject(tabId: number): Promise<boolean> {
  try {
    await browser.scripting.executeScript({ target: { tabId, allFrames: true }, files: [SCRIPT_FILE] });
    return true;
  } catch {
    return false;
  }
}
