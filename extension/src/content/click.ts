// Clicks in the page: one listener in the capturing phase, ahead of every listener of the page.
import { isFlattrPage } from "../detect/hosts";
import type { Pointer } from "../detect/pointer";
import { pointerOf } from "../detect/scan";
import type { ClickReply } from "../messages";
import { thingOf } from "../thing/thing";
import type { Thing } from "../wire.gen";
import { ask } from "./ask";
import { isForeignFrame, isHonest } from "./honest";
import type { Overlay } from "./overlay";

/** Where is what the listener must know of the reader's ledger; it captures nothing before it knows. */
export interface Where {
  readonly known: boolean;
  readonly ledgerHost: string | undefined;
}

/** start listens until the signal aborts, and returns how to listen again: document.open takes listeners away. */
export function start(signal: AbortSignal, where: () => Where, overlay: Overlay): () => void {
  const heard = (event: MouseEvent): void => onClick(event, where(), overlay);
  const listen = (): void => window.addEventListener("click", heard, { capture: true, signal });
  listen();
  return listen;
}

function onClick(event: MouseEvent, { known, ledgerHost }: Where, overlay: Overlay): void {
  // A page can make up clicks of its own; only the browser makes trusted ones.
  if (!event.isTrusted || !known || !isPlain(event)) return;
  if (isFlattrPage(new URL(document.URL), ledgerHost)) return;
  const element = linkUnder(event);
  const pointer = element === undefined ? undefined : pointerOf(element, ledgerHost);
  if (element === undefined || pointer === undefined || !flattrs(pointer, element)) return;
  const thing = thingOf(pointer);
  // Whether a frame from elsewhere is there to be seen, nobody in it can tell.
  if (thing === undefined || isForeignFrame() || !isHonest(element, event)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  void send(thing, pointer, element, overlay);
}

// Clicks that open tabs or windows, or a menu, are the browser's.
function isPlain(event: MouseEvent): boolean {
  return event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
}

function linkUnder(event: MouseEvent): Element | undefined {
  for (const target of event.composedPath()) {
    if (target instanceof Element && target.localName === "a") return target;
  }
  return undefined;
}

/** flattrs tells whether a click on the pointer means a flattr; text links to a thing lead to its page. */
export function flattrs(pointer: Pointer, element: Element): boolean {
  switch (pointer.form) {
    case "js-a-rev":
    case "js-a-rel":
    case "js-a-data":
    case "js-a-bare":
    case "link-submit-auto":
      return true;
    case "link-thing":
    case "link-t":
      return element.querySelector("img, svg, picture") !== null;
    case "head-rel-payment":
      return false;
  }
}

async function send(thing: Thing, { form }: Pointer, element: Element, overlay: Overlay): Promise<void> {
  overlay.flattred(element); // within a frame; what follows only settles it
  const reply = await ask<ClickReply>({ kind: "flattr", thing, form });
  if (reply.ok) overlay.kept(element, reply.value);
  else overlay.failed(element, reply.code, reply.sentence);
}
