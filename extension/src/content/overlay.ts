// What a click leaves in the page: a mark on the button and a line with Undo, in a closed shadow root that the
// page's style cannot reach. Only the clicked button gets a mark: a page must not learn what else was flattred.
import type { ClickReply, Settled, Standing, ThingState } from "../messages";
import { sentenceFor, settledSentence } from "../sentences";
import { dateOf, text } from "../words";
import { ask } from "./ask";
import { STYLE } from "./overlay.style";

/** LINE_HOST is the name of the element that holds line and marks; the next script after an update knows it by it. */
const LINE_HOST = "flattr-line";

/** The line with Undo stays this long, and longer while it is pointed at or focused. */
const LINE_MS = 10_000;
const MARK_PX = 18;
const SVG = "http://www.w3.org/2000/svg";

const SHAPES: Readonly<Record<"done" | "waiting" | "refused", string>> = {
  done: "M4.5 9.5l3 3 6-7",
  waiting: "M9 5v4.5l3 2",
  refused: "M5.5 5.5l7 7m0-7l-7 7",
};

interface Mark {
  readonly element: Element;
  readonly mark: HTMLElement;
  click: string | undefined;
}

/** Overlay shows marks and the line; nothing of it exists before the first click. */
export class Overlay {
  readonly #signal: AbortSignal;
  readonly #undone: (click: string) => void;
  readonly #marks = new Map<Element, Mark>();
  #host: HTMLElement | undefined;
  #root: ShadowRoot | undefined;
  #line: HTMLElement | undefined;
  #status: HTMLElement | undefined;
  #undo: HTMLButtonElement | undefined;
  #undoes: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #placing = false;

  /** undone is told of a click that was taken back here. */
  constructor(signal: AbortSignal, undone: (click: string) => void) {
    this.#signal = signal;
    this.#undone = undone;
    for (const left of [...document.getElementsByTagName(LINE_HOST)]) left.remove();
    signal.addEventListener("abort", () => {
      clearTimeout(this.#timer);
      this.#host?.remove();
    });
  }

  /** flattred reacts to a click at once; the mark is for an element that cannot show it itself. */
  flattred(marked: Element | undefined): void {
    if (marked !== undefined) this.#mark(marked, "done");
    this.#say(text("toastFlattred"), undefined);
    // The line has its size from the start; the click that is taken back gets its name in a moment.
    if (this.#undo !== undefined) this.#undo.hidden = false;
  }

  /** kept tells that the click is safe, or where the reader stood before it. */
  kept(element: Element, { click, standing, at, undoable, isNew }: ClickReply): void {
    const mark = this.#marks.get(element);
    if (mark !== undefined) mark.click = click;
    if (isNew) this.#offerUndo(click);
    else
      this.#say(
        text(standing === "refused" ? "toastRefusedBefore" : "toastBefore", dateOf(at)),
        undoable ? click : undefined,
      );
  }

  /** ask offers to take back a click that stands; without one that can be, it says when it was made. */
  ask({ click, at, undoable }: ThingState): void {
    if (click === undefined) return; // it is on its way
    const undoes = undoable === true ? click : undefined;
    if (undoes !== undefined) this.#say(text("toastUndo"), undoes);
    else this.#say(at === undefined ? text("toastFlattred") : text("toastBefore", dateOf(at)), undefined);
  }

  /** say tells what a click met. */
  say(words: string): void {
    this.#say(words, undefined);
  }

  /** failed tells that nothing was kept, and why. */
  failed(element: Element, code: string, sentence: string | undefined): void {
    this.#unmark(element);
    this.#say(sentenceFor(code, sentence), undefined);
  }

  /** settled takes what became of a click. */
  settled(click: string, view: Settled): void {
    for (const mark of this.#marks.values()) {
      if (mark.click !== click) continue;
      if (view.standing === "free") this.#unmark(mark.element);
      else paint(mark.mark, shapeOf(view.standing));
    }
    if (this.#undoes !== click || view.standing === "free") return;
    // A refusal is worth a new line; anything else only changes the line that is still there.
    if (view.standing === "refused") this.#say(settledSentence(view), undefined);
    else if (this.#line?.hidden === false) this.#write(settledSentence(view));
  }

  #say(words: string, undoes: string | undefined): void {
    this.#build();
    if (this.#line !== undefined) this.#line.hidden = false;
    this.#write(words);
    this.#offerUndo(undoes);
    this.#hideLater();
  }

  #write(words: string): void {
    const plain = words.replaceAll("`", "");
    if (this.#status !== undefined && this.#status.textContent !== plain) this.#status.textContent = plain;
  }

  #offerUndo(click: string | undefined): void {
    this.#undoes = click;
    if (this.#undo !== undefined) this.#undo.hidden = click === undefined;
  }

  async #takeBack(): Promise<void> {
    const click = this.#undoes;
    if (click === undefined) return;
    const reply = await ask({ kind: "undo", click });
    if (!reply.ok) {
      this.#say(sentenceFor(reply.code, reply.sentence), undefined);
      return;
    }
    for (const mark of [...this.#marks.values()]) if (mark.click === click) this.#unmark(mark.element);
    this.#undone(click);
    this.#say(text("toastUndone"), undefined);
  }

  #hideLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const busy = this.#line?.matches(":hover, :focus-within") === true;
      if (busy) this.#hideLater();
      else if (this.#line !== undefined) this.#line.hidden = true;
    }, LINE_MS);
  }

  #mark(element: Element, shape: keyof typeof SHAPES): void {
    this.#build();
    const known = this.#marks.get(element);
    const mark = known?.mark ?? document.createElement("div");
    if (known === undefined) {
      mark.className = "mark";
      this.#root?.append(mark);
      this.#marks.set(element, { element, mark, click: undefined });
    }
    paint(mark, shape);
    this.#place();
  }

  #unmark(element: Element): void {
    this.#marks.get(element)?.mark.remove();
    this.#marks.delete(element);
  }

  // Marks follow their buttons; nothing runs while there are none.
  #place(): void {
    for (const { element, mark } of this.#marks.values()) {
      const box = element.getBoundingClientRect();
      const gone = !element.isConnected || (box.width === 0 && box.height === 0);
      mark.hidden = gone;
      mark.style.transform = `translate(${box.right - MARK_PX / 2}px, ${box.top - MARK_PX / 2}px)`;
    }
  }

  #placeSoon = (): void => {
    if (this.#placing || this.#marks.size === 0) return;
    this.#placing = true;
    requestAnimationFrame(() => {
      this.#placing = false;
      this.#place();
    });
  };

  #build(): void {
    if (this.#host?.isConnected === true) return;
    if (this.#host !== undefined) {
      document.documentElement.append(this.#host); // the page threw it out; the reader still needs it
      return;
    }
    const host = document.createElement(LINE_HOST);
    const root = host.attachShadow({ mode: "closed" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const status = document.createElement("span");
    status.setAttribute("role", "status");
    const undo = document.createElement("button");
    undo.type = "button";
    undo.dataset["action"] = "undo";
    undo.textContent = text("undo");
    undo.hidden = true;
    undo.addEventListener("click", (event) => event.isTrusted && void this.#takeBack(), {
      signal: this.#signal,
    });
    const line = document.createElement("div");
    line.className = "line";
    line.dir = text("@@bidi_dir") === "rtl" ? "rtl" : "ltr";
    line.lang = text("languageTag");
    line.hidden = true;
    line.append(status, undo);
    root.append(line);
    document.documentElement.append(host);
    addEventListener("scroll", this.#placeSoon, { capture: true, passive: true, signal: this.#signal });
    addEventListener("resize", this.#placeSoon, { passive: true, signal: this.#signal });
    this.#host = host;
    this.#root = root;
    this.#line = line;
    this.#status = status;
    this.#undo = undo;
  }
}

function shapeOf(standing: Standing): keyof typeof SHAPES {
  if (standing === "refused") return "refused";
  return standing === "kept" ? "waiting" : "done";
}

function paint(mark: HTMLElement, shape: keyof typeof SHAPES): void {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 18 18");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SHAPES[shape]);
  svg.append(path);
  mark.dataset["shape"] = shape;
  mark.replaceChildren(svg);
}
