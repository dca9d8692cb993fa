// Dead buttons live again: each gets a stand-in of the same size that shows where the reader stands and takes the
// click. The original stays in the page, hidden, and comes back as it was. Nothing is asked of anybody for it.
import type { Pointer } from "../detect/pointer";
import type { Found } from "../detect/scan";
import { namesOf, thingOf } from "../thing/thing";
import type { Thing } from "../wire.gen";
import { nameOf } from "../words";
import { Face } from "./face";
import { isEdited } from "./honest";
import type { Known } from "./known";
import { isScript, type Measure, measure, probe, raisedPx, sheetOf } from "./place";
import { HOST } from "./replace.style";

/** Stand-ins made at a time; between two helpings the page has its turn. */
const HELPING = 50;
const IDLE_TIMEOUT_MS = 500;

/** A page's buttons beyond this stay as they are; they can still be clicked. */
const MAX_REPLACED = 1000;

const FORMS: readonly string[] = [
  "js-a-rev",
  "js-a-rel",
  "js-a-data",
  "js-a-bare",
  "js-global",
  "js-render",
  "iframe-view",
  "iframe-script",
];

/** StandIn is a button of ours in the place of one of the page's. */
export interface StandIn {
  readonly original: HTMLElement;
  readonly pointer: Pointer;
  readonly thing: Thing;
  readonly names: readonly string[];
  readonly host: HTMLElement;
}

interface Made extends StandIn {
  readonly face: Face;
  hidden: Hidden | undefined;
}

/** Hidden is what the original's style attribute said before, and what it says now. */
interface Hidden {
  readonly before: string | null;
  readonly after: string | null;
}

type Wanted = Pick<StandIn, "original" | "pointer" | "thing" | "names">;

/** Replacements keeps the stand-ins of a frame. */
export class Replacements {
  readonly #signal: AbortSignal;
  readonly #known: Known;
  readonly #changed: (done: boolean) => void;
  readonly #byOriginal = new Map<Element, Made>();
  readonly #byHost = new WeakMap<Element, Made>();
  #queue: Wanted[] = [];
  #swept = false;
  #working = false;

  /** changed is called in the task of each change to the page, and last when all stand-ins are there. */
  constructor(signal: AbortSignal, known: Known, changed: (done: boolean) => void) {
    this.#signal = signal;
    this.#known = known;
    this.#changed = changed;
    signal.addEventListener("abort", () => this.restore());
  }

  /** of is the stand-in whose host an element is. */
  of(element: Element): StandIn | undefined {
    const made = this.#byHost.get(element);
    return made !== undefined && this.#byOriginal.get(made.original) === made ? made : undefined;
  }

  /** all are the stand-ins that are in the page now. */
  all(): Iterable<StandIn> {
    return this.#byOriginal.values();
  }

  /** settle makes the page's stand-ins agree with what was found on it. */
  settle(found: readonly Found[]): void {
    const wanted = wantedOf(found);
    for (const made of [...this.#byOriginal.values()]) {
      const still = wanted.get(made.original);
      if (still !== undefined && String(still.names) === String(made.names)) this.#keep(made);
      else this.#remove(made);
    }
    this.#sweep(wanted.keys());
    this.#queue = [...wanted.values()].filter(({ original }) => !this.#byOriginal.has(original));
    this.#work();
  }

  /** repaint shows the present states. */
  repaint(): void {
    for (const made of this.#byOriginal.values()) this.#show(made);
  }

  /** restore gives the page back as it was. */
  restore(): void {
    this.#queue = [];
    if (!this.#swept) this.#sweep([]);
    for (const made of [...this.#byOriginal.values()]) this.#remove(made);
    this.#changed(true);
  }

  // The first helping is made at once: the scan before it was in an idle moment already.
  #work(): void {
    if (this.#working || this.#signal.aborted) return;
    this.#make(this.#queue.splice(0, HELPING));
    this.#changed(this.#queue.length === 0);
    if (this.#queue.length === 0) return;
    this.#working = true;
    requestIdleCallback(
      () => {
        this.#working = false;
        this.#work();
      },
      { timeout: IDLE_TIMEOUT_MS },
    );
  }

  // All reads, all writes, and once more where hosts stand on lines of text: two layouts, however many there are.
  #make(helping: readonly Wanted[]): void {
    const read: [Made, Measure][] = [];
    for (const wanted of helping) {
      if (!wanted.original.isConnected) continue;
      const measured = measure(wanted.original, wanted.pointer.button === "compact");
      const face = new Face();
      read.push([{ ...wanted, face, host: face.host, hidden: undefined }, measured]);
    }
    for (const [{ face, original, host }, { isInline }] of read) {
      if (isInline) face.place(probe(), "");
      original.before(host);
    }
    const raised = read.map(([{ original, host }, measured]) =>
      measured.isInline ? raisedPx(host, original, measured) : 0,
    );
    read.forEach(([made, measured], index) => {
      this.#byOriginal.set(made.original, made);
      this.#byHost.set(made.host, made);
      this.#show(made);
      made.face.place(sheetOf(measured, raised[index] ?? 0), measured.fit);
      if (measured.shown) hide(made);
    });
  }

  // Hosts that no living script cares for go: left behind by an extension that was updated, or copied by the page
  // together with its button. What stands before a button is looked at each time, the whole page once.
  #sweep(originals: Iterable<Element>): void {
    const hosts = [...originals].map((original) => original.previousElementSibling);
    if (!this.#swept) hosts.push(...document.getElementsByTagName(HOST));
    this.#swept = true;
    for (const host of hosts) {
      if (host?.localName !== HOST || this.of(host) !== undefined) continue;
      if (host.nextElementSibling instanceof HTMLElement) unhide(host.nextElementSibling);
      host.remove();
    }
  }

  // A page may have moved its button, or shown it again.
  #keep(made: Made): void {
    const { original, host } = made;
    if (host.nextElementSibling !== original) original.before(host);
    if (isScript(original) || getComputedStyle(original).display === "none") return;
    hide(made);
  }

  #remove(made: Made): void {
    this.#byOriginal.delete(made.original);
    made.host.remove();
    show(made);
  }

  #show({ face, thing, names }: Made): void {
    face.show(nameOf(thing), this.#known.of(names));
  }
}

// One stand-in for each button; for a script that used to write one, only where nothing else shows its thing.
function wantedOf(found: readonly Found[]): Map<Element, Wanted> {
  const wanted = new Map<Element, Wanted>();
  const scripts: Wanted[] = [];
  const shown = new Set<string>();
  for (const { pointer, element } of found) {
    if (wanted.size >= MAX_REPLACED) break;
    const thing = FORMS.includes(pointer.form) && canReplace(element) ? thingOf(pointer) : undefined;
    if (thing === undefined || wanted.has(element)) continue;
    const names = namesOf(thing);
    const one = { original: element as HTMLElement, pointer, thing, names };
    if (isScript(element)) scripts.push(one);
    else {
      wanted.set(element, one);
      for (const name of names) shown.add(name);
    }
  }
  for (const one of scripts) {
    if (one.names.some((name) => shown.has(name))) continue;
    wanted.set(one.original, one);
    for (const name of one.names) shown.add(name);
  }
  return wanted;
}

// What a reader is writing is theirs: a stand-in in it would be saved with it.
function canReplace(element: Element): boolean {
  if (!(element instanceof HTMLElement) || !element.isConnected || isEdited(element)) return false;
  if (isClosedIn(element)) return false;
  return element.localName === "a" || element.localName === "iframe" || isPlacedScript(element);
}

// Of a click in a closed root of the page's, nobody outside is told what was clicked.
function isClosedIn(element: Element): boolean {
  const root = element.getRootNode();
  return root instanceof ShadowRoot && (root.mode === "closed" || isClosedIn(root.host));
}

function isPlacedScript(element: Element): boolean {
  return isScript(element) && element.closest("body") !== null;
}

function hide(made: Made): void {
  const { style } = made.original;
  const now = made.original.getAttribute("style");
  const before = made.hidden !== undefined && made.hidden.after === now ? made.hidden.before : now;
  style.setProperty("display", "none", "important");
  made.hidden = { before, after: made.original.getAttribute("style") };
}

function show({ original, hidden }: Made): void {
  if (hidden === undefined) return;
  // Where the page has changed its style since, only what is ours goes.
  if (original.getAttribute("style") !== hidden.after) unhide(original);
  else if (hidden.before === null) original.removeAttribute("style");
  else original.setAttribute("style", hidden.before);
}

function unhide(original: HTMLElement): void {
  const { style } = original;
  if (style.display === "none" && style.getPropertyPriority("display") === "important")
    style.removeProperty("display");
  if (original.getAttribute("style") === "") original.removeAttribute("style");
}
