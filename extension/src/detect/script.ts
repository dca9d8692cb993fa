// What an inline script says about things: global variables, calls of the loader, frames it makes. It is read, never run.
import { KEYS } from "./button";
import { afterBrackets, evaluate, isAssignment, isMark, partsOf, type Surroundings } from "./expression";
import { type Token, tokensOf } from "./lexer";

/** Saying is one thing that a script says, in the order in which it says them. */
export type Saying =
  | { readonly kind: "variable"; readonly key: string; readonly value: string }
  | { readonly kind: "render"; readonly fields: ReadonlyMap<string, string> }
  | { readonly kind: "frame"; readonly address: string }
  | { readonly kind: "address"; readonly address: string }; // of a script that may be a loader

/** The global variables of the first button, and the keys they stand for. */
const VARIABLES: Readonly<Record<string, string>> = {
  flattr_uid: "uid",
  flattr_tle: "title",
  flattr_dsc: "description",
  flattr_cat: "category",
  flattr_lng: "language",
  flattr_tag: "tags",
  flattr_url: "url",
  flattr_btn: "button",
  flattr_hide: "hidden",
};

/** Scripts longer than this are programs, not snippets. */
const MAX_SCRIPT_CHARS = 200_000;

/** Sayings of one script. */
const MAX_SAYINGS = 500;

const VIEW = /^\s*(?:https?:)?\/\/[^/\s]+\/(?:button\/)?view\/?\?/i;
// The scheme, and the slashes with it, may come from a part that only running the script would tell.
const LOADER = /(?:\/\/|^)([\w.:[\]-]+\/(?:js\/[\d.]+|button)\/load\.js(?:\?[^\s"'<>]*)?)/i;

/** sayingsOf reads a script. An address of the page or its title in it stands for those of this page. */
export function sayingsOf(script: string, address: string, title: string): readonly Saying[] {
  if (script.length > MAX_SCRIPT_CHARS || !/flattr|load\.js|\/view/i.test(script)) return [];
  return new Reader(tokensOf(script), address, title).read();
}

class Reader {
  readonly #tokens: readonly Token[];
  readonly #around: Surroundings;
  readonly #sayings: Saying[] = [];
  readonly #makesFrame: boolean;

  constructor(tokens: readonly Token[], address: string, title: string) {
    this.#tokens = tokens;
    this.#around = { address, title };
    this.#makesFrame = tokens.some(({ kind, text }) => kind === "text" && /^iframe$/i.test(text));
  }

  read(): readonly Saying[] {
    let at = 0;
    while (at < this.#tokens.length && this.#sayings.length < MAX_SAYINGS) at = this.#step(at);
    return this.#sayings;
  }

  #step(at: number): number {
    const token = this.#tokens[at];
    if (token?.kind === "name") return this.#readName(token.text, at);
    return token?.kind === "text" ? this.#readText(at) : at + 1;
  }

  #readName(name: string, at: number): number {
    const tokens = this.#tokens;
    if (name === "FlattrLoader" && tokens[at + 2]?.text === "render") return this.#readRender(at + 3);
    const key = Object.hasOwn(VARIABLES, name) ? VARIABLES[name] : undefined;
    const isElsewhere = isMark(tokens[at - 1], ".") && tokens[at - 2]?.text !== "window";
    if (key === undefined || isElsewhere || !isAssignment(tokens, at + 1)) return at + 1;
    const { text, next } = evaluate(tokens, at + 2, this.#around);
    this.#sayings.push({ kind: "variable", key, value: text });
    return next;
  }

  // FlattrLoader.render({ key: value, ... }, target, place)
  #readRender(at: number): number {
    const tokens = this.#tokens;
    if (!isMark(tokens[at], "(") || !isMark(tokens[at + 1], "{")) return at;
    const end = afterBrackets(tokens, at + 1) - 1;
    const fields = new Map<string, string>();
    for (let place = at + 2; place < end; ) {
      const key = tokens[place];
      const isKey = place === at + 2 || isMark(tokens[place - 1], ",");
      if (key !== undefined && isKey && isMark(tokens[place + 1], ":")) {
        const { text, next } = evaluate(tokens, place + 2, this.#around);
        if (KEYS.includes(key.text)) fields.set(key.text, text);
        place = next;
      } else place = afterBrackets(tokens, place);
    }
    this.#sayings.push({ kind: "render", fields });
    return end;
  }

  #readText(at: number): number {
    const { text, next } = partsOf(this.#tokens, at, this.#around);
    const address = LOADER.exec(text)?.[1];
    if (address !== undefined) this.#sayings.push({ kind: "address", address: `//${address}` });
    else if (this.#makesFrame && VIEW.test(text) && this.#isSource(at)) {
      this.#sayings.push({ kind: "frame", address: text });
    }
    return next;
  }

  // `frame.src = "..."` or `frame.setAttribute("src", "...")`
  #isSource(at: number): boolean {
    const [before, named] = [this.#tokens[at - 1], this.#tokens[at - 2]];
    return (isMark(before, "=") || isMark(before, ",")) && named?.text === "src";
  }
}
