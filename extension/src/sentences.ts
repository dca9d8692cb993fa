// Codes become sentences: what it means, and the next step. What has no words here is said in the companion's.
import type { Link, Settled } from "./messages";
import { amount } from "./money";
import type { ClickRow } from "./wire.gen";
import { dateOf, language, text, textIfAny } from "./words";

/** sentenceFor says a code in the reader's language; else in the companion's words, with the code as reference. */
export function sentenceFor(code: string, sentence: string | undefined): string {
  // The ledger and the companion have a word each for the same.
  const known = textIfAny(`code_${code === "flattr_once" ? "duplicate" : code}`);
  if (known !== "") return known;
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
      if (view.promise === true) return text("toastPromise");
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
