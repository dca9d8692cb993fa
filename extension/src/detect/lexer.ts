// The words of a script: enough of JavaScript's grammar to read what a snippet says, without running any of it.

/** Token is one word of a script. Text of `text` is decoded; `mark` is one character of punctuation. */
export interface Token {
  readonly kind: "name" | "text" | "number" | "mark" | "other";
  readonly text: string;
  readonly fresh: boolean; // first of its line
}

/** Tokens read of one script: snippets have hundreds, and what has more is a program. */
const MAX_TOKENS = 50_000;

/** A pattern is looked through up to here, so that slashes which begin none cost no more than this each. */
const MAX_PATTERN_CHARS = 500;

const NAME = /[\p{L}\p{Nl}$_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}$\u200c\u200d]*/uy;
const NUMBER = /(?:0[xXoObB][\da-fA-F_]+|\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?n?/y;
const BLANK = /[\s\ufeff]+/y;
const ESCAPE = /\\(?:u\{([\da-fA-F]{1,6})\}|u([\da-fA-F]{4})|x([\da-fA-F]{2})|(\r\n|[\s\S]))/y;
const LETTERS: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  b: "\b",
  f: "\f",
  v: "\v",
  "0": "\0",
};

/** After these words a slash begins a pattern, not a division. */
const BEFORE_PATTERN: readonly string[] = ["return", "typeof", "case", "in", "of", "else", "void", "delete"];

/** tokensOf splits a script into words, in time linear in its length. Comments and patterns are left out. */
export function tokensOf(script: string): readonly Token[] {
  return new Lexer(script).read();
}

class Lexer {
  readonly #script: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #fresh = true;

  constructor(script: string) {
    this.#script = script;
  }

  read(): readonly Token[] {
    while (this.#at < this.#script.length && this.#tokens.length < MAX_TOKENS) this.#step();
    return this.#tokens;
  }

  #step(): void {
    const blank = this.#match(BLANK);
    if (blank !== undefined) this.#fresh ||= /[\n\r\u2028\u2029]/.test(blank);
    else if (!this.#skipComment()) this.#readToken(this.#script[this.#at] ?? "");
  }

  #readToken(sign: string): void {
    if (sign === '"' || sign === "'" || sign === "`") this.#readText(sign);
    else if (!this.#readWord("name", NAME) && !this.#readWord("number", NUMBER)) {
      if (sign === "/" && this.#skipPattern()) this.#push("other", "");
      else {
        this.#at++;
        this.#push("mark", sign);
      }
    }
  }

  #readWord(kind: Token["kind"], pattern: RegExp): boolean {
    const word = this.#match(pattern);
    if (word !== undefined) this.#push(kind, word);
    return word !== undefined;
  }

  #push(kind: Token["kind"], text: string): void {
    this.#tokens.push({ kind, text, fresh: this.#fresh });
    this.#fresh = false;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#script)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  // Old pages hide their scripts in `<!--` and `-->`, each of which comments out its line.
  #skipComment(): boolean {
    const script = this.#script;
    if (script.startsWith("/*", this.#at)) {
      const end = script.indexOf("*/", this.#at + 2);
      this.#at = end < 0 ? script.length : end + 2;
      return true;
    }
    const isLine =
      script.startsWith("//", this.#at) ||
      script.startsWith("<!--", this.#at) ||
      (this.#fresh && script.startsWith("-->", this.#at));
    if (!isLine) return false;
    while (this.#at < script.length && !isLineEnd(script[this.#at])) this.#at++;
    return true;
  }

  // A text that is not closed on its line is an error in JavaScript, and ends there.
  #readText(quote: string): void {
    const script = this.#script;
    const parts: string[] = [];
    let known = true;
    this.#at++;
    let from = this.#at;
    for (; this.#at < script.length; ) {
      const sign = script[this.#at];
      if (sign === quote) break;
      if (quote !== "`" && (sign === "\n" || sign === "\r")) {
        known = false;
        break;
      }
      if (quote === "`" && sign === "$" && script[this.#at + 1] === "{") known = false;
      if (sign !== "\\") {
        this.#at++;
        continue;
      }
      parts.push(script.slice(from, this.#at), this.#readEscape());
      from = this.#at;
    }
    parts.push(script.slice(from, this.#at));
    this.#at++;
    this.#push(known ? "text" : "other", known ? parts.join("") : "");
  }

  #readEscape(): string {
    ESCAPE.lastIndex = this.#at;
    const found = ESCAPE.exec(this.#script);
    if (found === null) {
      this.#at++;
      return "";
    }
    this.#at += found[0].length;
    const [, braced, four, two, plain = ""] = found;
    const code = braced ?? four ?? two;
    if (code !== undefined) {
      const point = Number.parseInt(code, 16);
      return point <= 0x10ffff ? String.fromCodePoint(point) : "";
    }
    if (isLineEnd(plain) || plain === "\r\n") return "";
    return LETTERS[plain] ?? plain;
  }

  #skipPattern(): boolean {
    if (!this.#mayBeginPattern()) return false;
    let inClass = false;
    const end = Math.min(this.#script.length, this.#at + MAX_PATTERN_CHARS);
    for (let at = this.#at + 1; at < end; at++) {
      const sign = this.#script[at];
      if (isLineEnd(sign)) return false;
      if (sign === "\\") at++;
      else if (sign === "[") inClass = true;
      else if (sign === "]") inClass = false;
      else if (sign === "/" && !inClass) {
        this.#at = at + 1;
        return true;
      }
    }
    return false;
  }

  #mayBeginPattern(): boolean {
    const before = this.#tokens.at(-1);
    if (before === undefined) return true;
    if (before.kind === "mark") return ![")", "]", "}"].includes(before.text);
    return before.kind === "name" && BEFORE_PATTERN.includes(before.text);
  }
}

function isLineEnd(sign: string | undefined): boolean {
  return sign === "\n" || sign === "\r" || sign === "\u2028" || sign === "\u2029";
}
