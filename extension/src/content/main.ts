// The content script: finds what can be flattred, takes the reader's clicks, and shows what became of them.
// It never opens a connection: only the background does.
import { browser, orphaned } from "../browser";
import { type Found, isFeed } from "../detect/scan";
import type { Given } from "../given";
import type { ToContent } from "../messages";
import { DEFAULTS, type Settings } from "../settings";
import { ask } from "./ask";
import * as click from "./click";
import { onGiven, readGiven } from "./given";
import { isForeignFrame } from "./honest";
import { Known } from "./known";
import { afterLayout, atLayout } from "./layout";
import { Overlay } from "./overlay";
import { Replacements } from "./replace";
import { HOST } from "./replace.style";
import { Seen } from "./seen";
import { isFlattrHere, isLedgerHere, sitesHere } from "./site";
import * as watch from "./watch";

/** TAKE_OVER is the event by which a new script asks the one before an update to restore the page. */
const TAKE_OVER = "flattr-take-over";

// A script that runs already, of this extension, makes room for this one.
const scope: { flattrStop?: () => void } = globalThis as never;
scope.flattrStop?.();
const life = new AbortController();
scope.flattrStop = () => life.abort();

/** Page is this frame, as one life of the content script sees it. */
class Page {
  readonly #known: Known;
  readonly #overlay: Overlay;
  readonly #replacements: Replacements;
  readonly #seen: Seen;
  #where: click.Where = { known: false, ledgerHost: undefined, captures: false };
  #settings: Settings = DEFAULTS;
  #found: readonly Found[] = [];
  #own: () => void = () => {};

  constructor(signal: AbortSignal) {
    this.#known = new Known(signal, () => this.#replacements?.repaint());
    this.#overlay = new Overlay(signal, (id) => this.#known.settled(id, { standing: "free", link: "idle" }));
    this.#replacements = new Replacements(signal, this.#known, (done) => {
      this.#own();
      if (done) atLayout(signal, () => this.#watchPlaces());
    });
    this.#seen = new Seen(signal, alive);
    const listen = click.start(signal, {
      where: () => this.#where,
      alive,
      overlay: this.#overlay,
      known: this.#known,
      seen: this.#seen,
      replacements: this.#replacements,
    });
    this.#hear(signal);
    void this.#begin(signal, listen);
  }

  async #begin(signal: AbortSignal, listen: () => void): Promise<void> {
    const given = await readGiven();
    if (signal.aborted) return;
    this.#choose(given);
    if (isLedgerHere(given.ledgerHost)) void ask({ kind: "at-ledger" });
    onGiven(signal, (changed) => this.#choose(changed));
    const settleSoon = afterLayout(signal, () => this.#settle());
    this.#own = watch.start(
      signal,
      () => this.#where.ledgerHost,
      () => life.abort(),
      {
        looking: listen,
        found: (found) => {
          this.#found = found;
          settleSoon();
        },
        states: (states) => this.#known.tell(states),
      },
    );
  }

  #hear(signal: AbortSignal): void {
    const onMessage = (message: ToContent): void => {
      if (message.kind === "states") this.#known.tell(message.states);
      if (message.kind === "stop") life.abort();
      if (message.kind !== "settled") return;
      this.#known.settled(message.click, message.view);
      this.#overlay.settled(message.click, message.view);
    };
    browser.runtime.onMessage.addListener(onMessage);
    signal.addEventListener("abort", () => orphaned() || browser.runtime.onMessage.removeListener(onMessage));
  }

  #choose({ ledgerHost, settings }: Given): void {
    this.#settings = settings;
    const off = sitesHere().some((site) => settings.sitesOff.includes(site));
    this.#where = { known: true, ledgerHost, captures: !off && !settings.toolbarOnly };
    this.#settle();
  }

  // What the page holds, and what the reader wants, decide what stands in it.
  #settle(): void {
    const { captures, ledgerHost } = this.#where;
    // In a frame of another site no click is taken, so nothing may look as if it were.
    const takes = captures && !isForeignFrame() && !isFlattrHere(ledgerHost);
    const replaces = takes && this.#settings.replace;
    if (replaces) this.#replacements.settle(this.#found);
    else this.#replacements.restore();
  }

  #watchPlaces(): void {
    const standIns = [...this.#replacements.all()];
    const replaced = new Set<Element>(standIns.map(({ original }) => original));
    const links = this.#found.filter(
      ({ pointer, element }) => !replaced.has(element) && click.flattrs(pointer, element),
    );
    this.#seen?.watch([...standIns.map(({ host }) => host), ...links.map(({ element }) => element)]);
  }
}

/** alive tells whether the extension is still there; if not, it restores the page and ends this script. */
function alive(): boolean {
  if (orphaned()) life.abort();
  return !life.signal.aborted;
}

function start(signal: AbortSignal): void {
  if (document.getElementsByTagName(HOST).length > 0) document.dispatchEvent(new Event(TAKE_OVER));
  // A page can send this event as well; a script whose extension lives does not mind.
  document.addEventListener(TAKE_OVER, alive, { signal });
  new Page(signal);
}

/** read only tells what a feed or a page in plain XML holds: there is nowhere to show anything. */
async function read(signal: AbortSignal): Promise<void> {
  const { ledgerHost } = await readGiven();
  browser.runtime.onMessage.addListener(({ kind }: ToContent) => {
    if (kind === "stop") life.abort();
  });
  const ignore = (): void => {};
  const seen = { looking: ignore, found: ignore, states: ignore };
  if (!signal.aborted)
    watch.start(
      signal,
      () => ledgerHost,
      () => life.abort(),
      seen,
    );
}

if (isFeed(document)) void read(life.signal);
else if (document.documentElement instanceof HTMLElement) {
  // What is made in a page that was sent as plain XML is no HTML.
  if (document.createElement("a") instanceof HTMLElement) start(life.signal);
  else void read(life.signal);
}
