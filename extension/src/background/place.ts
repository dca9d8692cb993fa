// The place of a click or of a thing: which document it is in, and how that one is told something.
import { browser } from "../browser";
import type { ToContent } from "../messages";

/** Place is where in the browser a click was made. */
export interface Place {
  readonly tab?: number;
  readonly frame?: number;
  readonly document?: string | undefined; // the browser's id of the very document; Firefox has none before 153
}

/**
 * tell tells one document, and no other that has come into its frame since, where the browser can tell them apart.
 * Nobody waits for it; one that is gone is nobody's loss.
 */
export function tell({ tab, frame, document }: Place, message: ToContent): void {
  if (tab === undefined || frame === undefined) return;
  const to = document === undefined ? { frameId: frame } : { documentId: document };
  try {
    browser.tabs.sendMessage(tab, message, to).catch(() => {});
  } catch {
    // Firefox throws at once where it does not know an option; nothing that follows may be held up by that.
  }
}
