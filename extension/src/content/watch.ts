// Watching the page for things that can be flattred, at a cost that the page does not notice.
import { browser, orphaned } from "../browser";
import { type Found, scanning } from "../detect/scan";
import { allRootsIn, openRoot, rootsIn } from "../detect/shadow";
import type { FoundThing, FromContent, ThingState, ToContent } from "../messages";
import { mergePointers } from "../thing/merge";
import { ask } from "./ask";
import { isFlattrHere } from "./site";

/** After a scan the page is left alone for this long at least, and for so many times the scan's own cost, but not for ever. */
const MIN_REST_MS = 500;
const REST_PER_COST = 200;
const MAX_REST_MS = 5000;

/** An idle moment is waited for no longer than this. */
const IDLE_TIMEOUT_MS = 1000;

/** A scan that took so long goes on in the next idle moment: of pages of a hundred thousand elements no frame is missed. */
const PIECE_MS = 4;

/** Things told of one frame; an index of old posts has fifty. */
const MAX_THINGS = 300;

/** Between two searches for shadow roots lies so much time at least, and so many times the search's own cost. */
const MIN_SEARCH_REST_MS = 2000;
const SEARCH_REST_PER_COST = 200;

/** So long after the first look a page that does not change is looked at once more, for shadow roots that came. */
const LATE_LOOK_MS = 3000;

/** What is watched: elements that come, and addresses that are filled in late. */
const CHANGES: MutationObserverInit = { childList: true, subtree: true, attributeFilter: ["href", "src"] };

/** Seen is told of each look: before it, what it found, and where the reader stands with that. */
export interface Seen {
  readonly looking: () => void;
  readonly found: (found: readonly Found[]) => void;
  readonly states: (states: readonly ThingState[]) => void;
}

/**
 * start scans, watches for changes and answers the background's wish to look again. What it returns is to be called
 * in the task of every change that is our own: that is no change of the page.
 */
export function start(
  signal: AbortSignal,
  ledgerHost: () => string | undefined,
  stop: () => void,
  seen: Seen,
): () => void {
  const watch = new Watch(signal, ledgerHost, stop, seen);
  const onMessage = (message: ToContent, _sender: unknown, respond: (reply: boolean) => void): boolean => {
    if (message.kind === "settled") void watch.tell(true);
    if (message.kind !== "look") return false;
    void watch.lookClosely().then(() => respond(true));
    return true;
  };
  browser.runtime.onMessage.addListener(onMessage);
  signal.addEventListener("abort", () => {
    if (!orphaned()) browser.runtime.onMessage.removeListener(onMessage);
  });
  whenShown(() => watch.begin(), signal);
  return () => watch.forget();
}

// A page rendered ahead of its visit has not been visited.
function whenShown(begin: () => void, signal: AbortSignal): void {
  const page: Document & { readonly prerendering?: boolean } = document;
  if (page.prerendering === true) page.addEventListener("prerenderingchange", begin, { once: true, signal });
  else begin();
}

// Firefox gives closed roots to extensions by a getter that pages do not have, Chromium by a call; only elements of
// HTML have one.
const closedRootOf = Object.getOwnPropertyDescriptor(Element.prototype, "openOrClosedShadowRoot")?.get;

function anyRoot(element: Element): ShadowRoot | null {
  if (!(element instanceof HTMLElement)) return null;
  const root: unknown = closedRootOf?.call(element) ?? browser.dom?.openOrClosedShadowRoot(element);
  return (root as ShadowRoot | null | undefined) ?? openRoot(element);
}

class Watch {
  readonly #signal: AbortSignal;
  readonly #ledgerHost: () => string | undefined;
  readonly #stop: () => void;
  readonly #seen: Seen;
  readonly #observer = new MutationObserver(() => this.#changed());
  #things: readonly FoundThing[] = [];
  #told = "[]";
  #fresh = true;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #costMs = 0;
  #looks = 0;
  #roots: readonly ShadowRoot[] = [];
  #searchDueMs = 0;
  #searchLater: ReturnType<typeof setTimeout> | undefined;

  constructor(signal: AbortSignal, ledgerHost: () => string | undefined, stop: () => void, seen: Seen) {
    this.#signal = signal;
    this.#ledgerHost = ledgerHost;
    this.#stop = stop;
    this.#seen = seen;
  }

  begin(): void {
    const signal = this.#signal;
    if (document.readyState === "loading") {
      document.addEventListener("DOMContentLoaded", () => this.#whenIdle(), { once: true, signal });
    } else this.#whenIdle();
    // Elements that a late script makes of old ones are no change of the page.
    setTimeout(() => this.#rest ?? this.#whenIdle(), LATE_LOOK_MS);
    document.addEventListener("visibilitychange", () => document.hidden || this.#shown(), { signal });
    window.addEventListener("pageshow", (event) => event.persisted && void this.look(true), { signal });
    window.addEventListener("pagehide", () => this.#leave(), { signal });
    signal.addEventListener("abort", () => {
      this.#observer.disconnect();
      clearTimeout(this.#rest);
      clearTimeout(this.#searchLater);
    });
  }

  // lookClosely asks every element for its root, closed ones included, because the reader asked what is here.
  lookClosely(): Promise<void> {
    if (!this.#signal.aborted && !orphaned()) this.#roots = allRootsIn(document, anyRoot);
    return this.look(true);
  }

  // look scans now and tells what is new; forced, it tells in any case.
  async look(forced: boolean): Promise<void> {
    if (this.#signal.aborted) return;
    if (orphaned()) {
      this.#stop();
      return;
    }
    this.#seen.looking();
    this.#search();
    for (const root of [document, ...this.#roots]) this.#observer.observe(root, CHANGES);
    const found = await this.#scan(++this.#looks, forced);
    if (found === undefined) return;
    this.#seen.found(found);
    const pointers = found.map(({ pointer }) => pointer);
    this.#things = mergePointers(pointers, document.URL).slice(0, MAX_THINGS);
    await this.tell(forced);
  }

  async tell(forced: boolean): Promise<void> {
    const telling = JSON.stringify(this.#things);
    if (telling === this.#told && !forced) return;
    const fresh = this.#fresh;
    this.#told = telling;
    this.#fresh = false;
    const reply = await ask<readonly ThingState[]>({ kind: "found", things: this.#things, fresh });
    if (reply.ok && !this.#signal.aborted) this.#seen.states(reply.value ?? []);
  }

  // Roots come without any change that could be watched, so they are looked for now and then while the page changes.
  #search(): void {
    this.#roots = this.#roots.filter((root) => root.host.isConnected);
    const startMs = performance.now();
    if (startMs < this.#searchDueMs) {
      this.#searchLater ??= setTimeout(() => this.#whenIdle(), this.#searchDueMs - startMs);
      return;
    }
    clearTimeout(this.#searchLater);
    this.#searchLater = undefined;
    this.#roots = [...new Set([...this.#roots, ...rootsIn(document)])];
    const endMs = performance.now();
    this.#searchDueMs = endMs + Math.max(MIN_SEARCH_REST_MS, SEARCH_REST_PER_COST * (endMs - startMs));
  }

  // Forced it is over at once; a later look takes the place of one that has not come to its end.
  async #scan(look: number, forced: boolean): Promise<readonly Found[] | undefined> {
    const ledgerHost = this.#ledgerHost();
    if (isFlattrHere(ledgerHost)) return [];
    const steps = scanning(document, ledgerHost, this.#roots);
    for (let costMs = 0, pieceMs = 0; ; ) {
      const startMs = performance.now();
      const { done, value } = steps.next();
      const stepMs = performance.now() - startMs;
      costMs += stepMs;
      pieceMs += stepMs;
      if (done === true) {
        this.#costMs = costMs;
        return value;
      }
      if (forced || pieceMs < PIECE_MS) continue;
      await new Promise((goOn) => requestIdleCallback(goOn, { timeout: IDLE_TIMEOUT_MS }));
      if (look !== this.#looks || this.#signal.aborted) return undefined;
      pieceMs = 0;
    }
  }

  // What the page itself changed in this task's time came before it: that was told already.
  forget(): void {
    this.#observer.takeRecords();
  }

  // The first change ends the watching until the page has had its rest.
  #changed(): void {
    this.#observer.disconnect();
    clearTimeout(this.#rest);
    const restMs = Math.min(MAX_REST_MS, Math.max(MIN_REST_MS, REST_PER_COST * this.#costMs));
    this.#rest = setTimeout(() => {
      this.#rest = undefined;
      this.#whenIdle();
    }, restMs);
  }

  // The background may have slept and forgotten this page: what changes meanwhile must reach it.
  #shown(): void {
    if (orphaned()) this.#stop();
    else if (this.#things.length > 0) void this.tell(true);
    this.#whenIdle();
  }

  #whenIdle(): void {
    if (document.hidden || this.#signal.aborted) return; // visibilitychange comes back to it
    requestIdleCallback(() => void this.look(false), { timeout: IDLE_TIMEOUT_MS });
  }

  // Told once and never again: the answer is lost while the page is kept for going back, and a second telling would
  // come after the page has been shown again.
  #leave(): void {
    if (this.#told === "[]" || orphaned()) return;
    this.#told = "[]";
    const left: FromContent = { kind: "found", things: [], fresh: true };
    browser.runtime.sendMessage(left).catch(() => {});
  }
}
