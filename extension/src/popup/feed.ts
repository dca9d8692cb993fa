// Feeds that the browser shows as plain text: nothing is found in them, and the reader should know why.
import { browser } from "../browser";

/** isUnshownFeed tells whether a tab holds a feed that this browser shows as text; false where it cannot be looked at. */
export async function isUnshownFeed(tabId: number): Promise<boolean> {
  try {
    const [frame] = await browser.scripting.executeScript({ target: { tabId }, func: beginsLikeFeed });
    return frame?.result === true;
  } catch {
    return false;
  }
}

// Runs in the page, so it can use nothing from outside itself.
function beginsLikeFeed(): boolean {
  if (document.contentType !== "text/plain") return false;
  const beginning = document.body?.textContent?.slice(0, 4096) ?? "";
  return /^\s*(?:<\?[^>]*\?>\s*|<!--[\s\S]*?-->\s*|<!DOCTYPE[^>]*>\s*)*<(?:rss|feed|rdf:RDF)[\s>]/i.test(
    beginning,
  );
}
