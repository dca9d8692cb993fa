// The words of a script: enough of JavaScript's grammar to read what a snippet says, without running any of it.

/** Token is one word of a script: a name or number, a decoded text, or one character of punctuation. */
export interface Token {
  readonly kind: "name" | "text" | "mark";
  readonly text: string;
  readonly fresh: boolean; // first of its line
}

/** Tokens read of one script: snippets have hundreds, and what has more is a program. */
const MAX_TOKENS = 50_000;

// Blanks and comments, texts, words, all else. Old pages comment lines out by `<!--`. A text that is never closed takes
// all that was searched for its end, or each quote in it would be searched from again.
const TOKEN =
  /(\s+)|(\/\*[\s\S]*?(?:\*\/|$)|(?:\/\/|<!--).*)|("(?:\\[\s\S]|[^"\\\n\r])*"|'(?:\\[\s\S]|[^'\\\n\r])*'|`(?:\\[\s\S]|[^`\\])*`)|([\w$\xaa-\uffff]+)|["'](?:\\[\s\S]|[^\\\n\r])*|`[\s\S]*|[\s\S]/y;

// A pattern is looked through so far only: slashes and brackets that begin none must not cost more than this each.
const PATTERN = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.){0,99}\]){1,400}\//y;

const ESCAPE = /\\(?:u([\da-f]{4})|u\{([\da-f]{1,6})\}|x([\da-f]{2})|(\r\n|[\s\S]))/gi;
const LETTERS: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\n": "", "\r\n": "" };

/** tokensOf splits a script into words, in time linear in its length. Comments and patterns are left out. */
export function tokensOf(script: string): readonly Token[] {
  const tokens: Token[] = [];
  let fresh = true;
  for (let at = 0; at < script.length && tokens.length < MAX_TOKENS; ) {
    PATTERN.lastIndex = TOKEN.lastIndex = at;
    const found = script[at] === "/" && mayBeginPattern(tokens.at(-1)) ? PATTERN.exec(script) : null;
    const [word = "", blank, comment, text, name] = found ?? TOKEN.exec(script) ?? [];
    at += word.length || 1;
    if (blank !== undefined) fresh ||= /[\n\r]/.test(blank);
    else if (fresh && script.startsWith("-->", at - 1)) at += /.*/.exec(script.slice(at))?.[0].length ?? 0;
    else if (comment === undefined) {
      // A text with a value inside is not known.
      const isText = text !== undefined && !/^`[\s\S]*\$\{/.test(text);
      const kind = isText ? "text" : name === undefined ? "mark" : "name";
      tokens.push({ kind, text: isText ? decoded(text.slice(1, -1)) : word, fresh });
      fresh = false;
    }
  }
  return tokens;
}

function decoded(text: string): string {
  return text.replaceAll(ESCAPE, (_, four?: string, braced?: string, two?: string, plain = "") => {
    const code = Number.parseInt(four ?? braced ?? two ?? "", 16);
    if (Number.isNaN(code)) return LETTERS[plain] ?? plain;
    return code > 0x10ffff ? "" : String.fromCodePoint(code);
  });
}

// After a value a slash divides.
function mayBeginPattern(before: Token | undefined): boolean {
  if (before?.kind === "name") return /^(?:return|typeof|case|in|of|else)$/.test(before.text);
  return before === undefined || (before.kind === "mark" && !")]}".includes(before.text));
}
