// Asking the background, from a content script that may have outlived its extension.
import { browser, orphaned } from "../browser";
import type { FromContent, Reply } from "../messages";

/** ask sends a question; an extension that is gone or not ready answers with the code `gone`. */
export async function ask<T>(question: FromContent): Promise<Reply<T>> {
  if (orphaned()) return { ok: false, code: "gone" };
  try {
    const reply: Reply<T> | undefined = await browser.runtime.sendMessage(question);
    return reply ?? { ok: false, code: "gone" };
  } catch {
    return { ok: false, code: "gone" };
  }
}
