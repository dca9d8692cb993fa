// The value of an expression in a snippet, as far as it can be known from its text: texts, sums, and the page's address.
import type { Token } from "./lexer";

/** UNKNOWN stands in a value for a part that only running the script would tell. No address or name holds it. */
export const UNKNOWN = "\u0000";

/** Surroundings are what an expression may refer to. */
export interface Surroundings {
  readonly address: string; // of the page
  readonly title: string; // of the page
}

/** Value is what an expression gives, and where the script goes on after it. */
export interface Value {
  readonly text: string;
  readonly next: number;
}

const ADDRESS = /^(?:document\.)?(?:location(?:\.href)?|URL|documentURI)(?:\.toString)?$/;

/** Expressions in brackets in brackets: deeper ones are not followed. */
const MAX_DEPTH = 9;

/** Words looked at for a closing bracket, so that brackets which are never closed cost no more than this each. */
const MAX_SPAN = 500;

/** evaluate reads the sum that begins at a token. What it cannot know is UNKNOWN; it always moves on. */
export function evaluate(tokens: readonly Token[], from: number, around: Surroundings, depth = 0): Value {
  const sum = partsOf(tokens, from, around, depth);
  const end = tokens[sum.next];
  // An expression ends at punctuation, or where a new line begins with a word.
  const isEnd = end === undefined || (end.kind === "mark" ? ",;)}]:".includes(end.text) : end.fresh);
  return isEnd ? sum : { text: UNKNOWN, next: sum.next };
}

/** partsOf reads the sum that begins at a token and keeps what is known of it, whatever follows. */
export function partsOf(tokens: readonly Token[], from: number, around: Surroundings, depth = 0): Value {
  const parts: string[] = [];
  let at = from - 1;
  do {
    const part = operand(tokens, at + 1, around, depth);
    parts.push(part.text);
    at = part.next;
  } while (isMark(tokens[at], "+"));
  return { text: parts.join(""), next: at };
}

/** isMark tells whether a token is this punctuation. */
export function isMark(token: Token | undefined, mark: string): boolean {
  return token?.kind === "mark" && token.text === mark;
}

/** isAssignment tells whether the token is an equals sign that assigns. */
export function isAssignment(tokens: readonly Token[], at: number): boolean {
  return isMark(tokens[at], "=") && !isMark(tokens[at + 1], "=") && !isMark(tokens[at + 1], ">");
}

/** afterBrackets is the place behind the bracket that closes the one at a token, or where looking for it ends; behind any other token the next. */
export function afterBrackets(tokens: readonly Token[], from: number): number {
  let depth = 0;
  for (let at = from; at < from + MAX_SPAN; at++) {
    const token = tokens[at];
    if (token?.kind === "mark") depth += "([{".includes(token.text) ? 1 : ")]}".includes(token.text) ? -1 : 0;
    if (depth <= 0) return at + 1;
  }
  return from + MAX_SPAN;
}

function operand(tokens: readonly Token[], from: number, around: Surroundings, depth: number): Value {
  const token = tokens[from];
  if (token?.kind === "text") return { text: token.text, next: from + 1 };
  let path = "";
  let at = from;
  if (token?.kind === "name") {
    path = token.text;
    for (at++; isMark(tokens[at], ".") && tokens[at + 1]?.kind === "name"; at += 2) {
      path += `.${tokens[at + 1]?.text}`;
    }
    path = path.replace(/^window\./, "");
  }
  const next = afterBrackets(tokens, at);
  if (isMark(tokens[at], "(") && depth < MAX_DEPTH) {
    return { text: called(path, evaluate(tokens, at + 1, around, depth + 1), next - 1, around), next };
  }
  // What stands in other brackets behind a name, or instead of one, is not known.
  const isPlain = path !== "" && next === at + 1;
  return { text: isPlain ? constantOf(path, around) : UNKNOWN, next: isPlain ? at : next };
}

// The value of brackets, or of a call: of those that are known, one way to the page's address, the others encode.
function called(path: string, inner: Value, end: number, around: Surroundings): string {
  if (path.endsWith(".toString")) return constantOf(path, around);
  if (inner.next !== end || inner.text.includes(UNKNOWN)) return UNKNOWN;
  if (path === "") return inner.text;
  try {
    if (path === "encodeURI") return encodeURI(inner.text);
    return path === "encodeURIComponent" || path === "escape" ? encodeURIComponent(inner.text) : UNKNOWN;
  } catch {
    return UNKNOWN; // half a surrogate pair
  }
}

function constantOf(path: string, { address, title }: Surroundings): string {
  if (/^(?:\d+|true|false)$/.test(path)) return path;
  if (path === "document.title") return title;
  return ADDRESS.test(path) ? address : UNKNOWN;
}
