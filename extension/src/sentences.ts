// Codes become sentences: what it means, and the next step. What has no words here is said in the companion's.
import type { Link, Settled } from "./messages";
import { amount } from "./money";
import type { ClickRow } from "./wire.gen";
import { dateOf, language, text } from "./words";

// Codes with words of our own, in _locales as `code_<code>`.
const KNOWN: readonly string[] = [
  "not_linked",
  "other_account",
  "degraded",
  "ledger_away",
  "sign_in_again",
  "busy",
  "duplicate",
  "flattr_once",
  "flattr_owner",
  "no_means",
  "month_frozen",
  "not_found",
  "id_reused",
  "too_fast",
  "too_large",
  "storage_full",
  "settings_full",
  "bad_thing",
  "bad_message",
  "bad_ticket",
  "unknown_message",
  "gone",
  "away",
  "closed",
  "unknown",
  "version",
  "other_program",
  "not_running",
  "not_trusted",
  "too_many",
  "no_host",
  "denied",
  "internal",
];

/** sentenceFor says a code in the reader's language; else in the companion's words, with the code as reference. */
export function sentenceFor(code: string, sentence: string | undefined): string {
  if (KNOWN.includes(code)) return text(`code_${code}`);
  return sentence === undefined || sentence === "" ? text("codeOther", code) : sentence;
}

/** keptSentence says why a click is still here, and what moves it on. */
export function keptSentence(link: Link, code: string | undefined, sentence: string | undefined): string {
  if (code !== undefined) return sentenceFor(code, sentence);
  switch (link) {
    case "unpaired":
      return text("keptUnpaired");
    case "away":
      return text("keptAway");
    case "closed":
      return text("code_closed");
    case "unknown":
      return text("keptUnknown");
    case "other_program":
      return text("keptOtherProgram");
    case "version":
      return text("keptVersion");
    case "idle":
    case "dialling":
    case "up":
      return text("keptSending");
  }
}

/** settledSentence says what became of a click. */
export function settledSentence(view: Settled): string {
  switch (view.standing) {
    case "kept":
      return keptSentence(view.link, view.code, view.sentence);
    case "refused":
      return sentenceFor(view.code ?? "internal", view.sentence);
    case "free":
      return text("toastUndone");
    case "waiting":
    case "flattred":
      return view.shareMicro === undefined || view.shareMicro === 0
        ? text("toastFlattred")
        : text("toastWorth", amount(view.shareMicro, language()));
  }
}

/** stateWords says in a word or two, or with the reason, what became of a click. */
export function stateWords(row: ClickRow): string {
  switch (row.state) {
    case "kept":
    case "waiting":
      return text("stateWaiting");
    case "accepted":
      return text(row.promise === true ? "statePromise" : "stateAccepted");
    case "late":
      return text("stateLate");
    case "refused":
      if (row.code === "duplicate" && row.countsAt !== undefined)
        return text("toastBefore", dateOf(row.countsAt));
      return row.code === undefined ? text("stateRefused") : sentenceFor(row.code, row.sentence);
    case "undone":
      return text("stateUndone");
  }
}
