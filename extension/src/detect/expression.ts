// The value of an expression in a snippet, as far as it can be known from its text: texts, sums, and the page's address.
import type { Token } from "./lexer";

/**
 * UNKNOWN stands in a value for a part that only running the script would tell. No text of HTML holds it; it must be a
 * character nevertheless: Chromium refuses a script file with code points that are none.
 */
export const UNKNOWN = "\u0000";

/** Surroundings are what an expression may refer to. */
export interface Surroundings {
  readonly address: string; // of the page
  readonly title: string; // of the page
  readonly names: ReadonlyMap<string, string>; // constants of the same script
}

/** Value is what an expression gives, and where the script goes on after it. */
export interface Value {
  readonly text: string;
  readonly next: number;
}

const ADDRESSES: readonly string[] = [
  "document.URL",
  "document.documentURI",
  "document.location",
  "document.location.href",
  "location",
  "location.href",
];
const ENCODERS: Readonly<Record<string, (text: string) => string>> = {
  encodeURIComponent: encodeURIComponent,
  encodeURI: encodeURI,
  escape: encodeURIComponent,
  String: (text) => text,
};
const CLOSERS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** Expressions in brackets in brackets: deeper ones are not followed. */
const MAX_DEPTH = 20;

/** Words looked at for a closing bracket, so that brackets which are never closed cost no more than this each. */
const MAX_SPAN = 1000;

/** evaluate reads the sum that begins at a token. What it cannot know is UNKNOWN; it always moves on. */
export function evaluate(tokens: readonly Token[], from: number, around: Surroundings, depth = 0): Value {
  let text = "";
  let at = from;
  for (;;) {
    const part = operand(tokens, at, around, depth);
    text += part.text;
    at = Math.max(part.next, at + 1);
    if (!isMark(tokens[at], "+") || isMark(tokens[at + 1], "+")) break;
    at++;
  }
  return { text: isEnd(tokens[at]) ? text : UNKNOWN, next: at };
}

/** partsOf reads the sum that begins at a token and keeps what is known of it, whatever follows. */
export function partsOf(tokens: readonly Token[], from: number, around: Surroundings): Value {
  let text = "";
  let at = from;
  for (;;) {
    const part = operand(tokens, at, around, 0);
    text += part.text;
    at = Math.max(part.next, at + 1);
    if (!isMark(tokens[at], "+")) return { text, next: at };
    at++;
  }
}

/** isMark tells whether a token is this punctuation. */
export function isMark(token: Token | undefined, mark: string): boolean {
  return token?.kind === "mark" && token.text === mark;
}

/** isAssignment tells whether the token is an equals sign that assigns. */
export function isAssignment(tokens: readonly Token[], at: number): boolean {
  return isMark(tokens[at], "=") && !isMark(tokens[at + 1], "=") && !isMark(tokens[at + 1], ">");
}

/** afterBrackets is the place behind the bracket that closes the one at a token, or where looking for it ends. */
export function afterBrackets(tokens: readonly Token[], from: number): number {
  const open: string[] = [];
  const end = Math.min(tokens.length, from + MAX_SPAN);
  for (let at = from; at < end; at++) {
    const token = tokens[at];
    if (token?.kind !== "mark") continue;
    const closer = CLOSERS[token.text];
    if (closer !== undefined) open.push(closer);
    else if (token.text === open.at(-1)) open.pop();
    if (open.length === 0) return at + 1;
  }
  return end;
}

// Where an expression may end: at punctuation, or where a new line begins with a word.
function isEnd(token: Token | undefined): boolean {
  if (token === undefined) return true;
  if (token.kind === "mark" && [",", ";", ")", "}", "]", ":"].includes(token.text)) return true;
  return token.fresh && (token.kind === "name" || isMark(token, "}"));
}

function operand(tokens: readonly Token[], at: number, around: Surroundings, depth: number): Value {
  const token = tokens[at];
  if (token === undefined || depth > MAX_DEPTH) return { text: UNKNOWN, next: at + 1 };
  if (token.kind === "text" || token.kind === "number") return { text: token.text, next: at + 1 };
  if (isMark(token, "(")) {
    const next = afterBrackets(tokens, at);
    const inner = evaluate(tokens, at + 1, around, depth + 1);
    return { text: inner.next === next - 1 ? inner.text : UNKNOWN, next };
  }
  return token.kind === "name"
    ? named(tokens, at, around, depth)
    : { text: UNKNOWN, next: isOpening(token) ? afterBrackets(tokens, at) : at + 1 };
}

function isOpening(token: Token): boolean {
  return token.kind === "mark" && token.text in CLOSERS;
}

function named(tokens: readonly Token[], from: number, around: Surroundings, depth: number): Value {
  let path = tokens[from]?.text ?? "";
  let at = from + 1;
  while (isMark(tokens[at], ".") && tokens[at + 1]?.kind === "name") {
    path += `.${tokens[at + 1]?.text}`;
    at += 2;
  }
  path = path.replace(/^(?:window|self|top)\./, "");
  if (isMark(tokens[at], "(")) {
    const next = afterBrackets(tokens, at);
    if (path.endsWith(".toString"))
      return { text: constantOf(path.slice(0, -".toString".length), around), next };
    const encode = Object.hasOwn(ENCODERS, path) ? ENCODERS[path] : undefined;
    const inner = encode === undefined ? undefined : evaluate(tokens, at + 1, around, depth + 1);
    const known = inner !== undefined && inner.next === next - 1 && !inner.text.includes(UNKNOWN);
    return { text: encode !== undefined && known ? attempt(encode, inner.text) : UNKNOWN, next };
  }
  if (isMark(tokens[at], "[")) return { text: UNKNOWN, next: afterBrackets(tokens, at) };
  return { text: constantOf(path, around), next: at };
}

function constantOf(path: string, around: Surroundings): string {
  if (path === "true" || path === "false") return path;
  if (ADDRESSES.includes(path)) return around.address;
  if (path === "document.title") return around.title;
  return around.names.get(path) ?? UNKNOWN;
}

// Half a surrogate pair cannot be encoded.
function attempt(encode: (text: string) => string, text: string): string {
  try {
    return encode(text);
  } catch {
    return UNKNOWN;
  }
}
