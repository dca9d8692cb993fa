// Asking the background, from a content script that may have outlived its extension.
import { browser, orphaned } from "../browser";
import type { FromContent, Reply } from "../messages";

/** A background that was stopped over a question is started by the next; asking twice never makes two clicks. */
const ATTEMPTS = 2;

/** ask sends a question; an extension that is gone or not ready answers with the code `gone`. */
export async function ask<T>(question: FromContent): Promise<Reply<T>> {
  for (let attempt = 0; attempt < ATTEMPTS && !orphaned(); attempt++) {
    try {
      const reply: Reply<T> | undefined = await browser.runtime.sendMessage(question);
      if (reply !== undefined) return reply;
    } catch {
      // The answer is lost; whether the question was, the next one tells.
    }
  }
  return { ok: false, code: "gone" };
}
