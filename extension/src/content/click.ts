// Clicks in the page: one listener in the capturing phase, ahead of every listener of the page.
import type { Form, Pointer } from "../detect/pointer";
import { pointerOf } from "../detect/scan";
import type { ClickReply } from "../messages";
import { sentenceFor } from "../sentences";
import { namesOf, thingOf } from "../thing/thing";
import type { Thing } from "../wire.gen";
import { text } from "../words";
import { ask } from "./ask";
import { isGiven } from "./face";
import { isEdited, isForeignFrame, isHonest } from "./honest";
import type { Known } from "./known";
import type { Overlay } from "./overlay";
import type { Replacements, StandIn } from "./replace";
import type { Seen } from "./seen";
import { isFlattrHere } from "./site";

/** Where is what the listener must know of the reader's choices; it captures nothing before it knows. */
export interface Where {
  readonly known: boolean;
  readonly ledgerHost: string | undefined;
  readonly captures: boolean; // false: the reader wants buttons in this page left alone
}

/** Hands are the parts that a click needs. */
export interface Hands {
  readonly where: () => Where;
  readonly alive: () => boolean; // false, and the page restored, when the extension is gone
  readonly overlay: Overlay;
  readonly known: Known;
  readonly seen: Seen;
  readonly replacements: Replacements;
}

interface Target {
  readonly element: Element;
  readonly form: Form;
  readonly thing: Thing;
  readonly standIn: StandIn | undefined;
}

/** start listens until the signal aborts, and returns how to listen again: document.open takes listeners away. */
export function start(signal: AbortSignal, hands: Hands): () => void {
  const heard = (event: MouseEvent): void => onClick(event, hands);
  const listen = (): void => {
    window.addEventListener("click", heard, { capture: true, signal });
    window.addEventListener("auxclick", heard, { capture: true, signal });
  };
  listen();
  return listen;
}

function onClick(event: MouseEvent, hands: Hands): void {
  const { known, ledgerHost, captures } = hands.where();
  // A page can make up clicks of its own; only the browser makes trusted ones.
  if (!event.isTrusted || !known || !captures || isFlattrHere(ledgerHost)) return;
  const target = targetOf(event, ledgerHost, hands.replacements);
  // Whether a frame from elsewhere is there to be seen, nobody in it can tell.
  if (target === undefined || !hands.alive() || isForeignFrame()) return;
  if (!isPlain(event)) {
    if (target.standIn !== undefined) navigate(target.standIn, event);
    return;
  }
  if (!isHonest(target.element, event)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (hands.seen.isLong(target.element, event)) take(target, hands);
  else hands.overlay.say(text("toastEarly"));
}

// Clicks that open tabs or windows, or a menu, are the browser's.
function isPlain(event: MouseEvent): boolean {
  const { type, button, ctrlKey, metaKey, shiftKey, altKey } = event;
  return type === "click" && button === 0 && !(ctrlKey || metaKey || shiftKey || altKey);
}

function targetOf(
  event: MouseEvent,
  ledgerHost: string | undefined,
  replacements: Replacements,
): Target | undefined {
  for (const element of event.composedPath()) {
    if (!(element instanceof Element)) continue;
    const standIn = replacements.of(element);
    if (standIn !== undefined) return { element, form: standIn.pointer.form, thing: standIn.thing, standIn };
    if (element.localName !== "a") continue;
    const pointer = pointerOf(element, ledgerHost);
    if (pointer === undefined || !flattrs(pointer, element)) return undefined;
    const thing = thingOf(pointer);
    return thing === undefined ? undefined : { element, form: pointer.form, thing, standIn: undefined };
  }
  return undefined;
}

/**
 * flattrs tells whether a click on the element itself means a flattr. Other forms have no element that a reader could
 * click, or lead to a page: those are listed in the popup. Who edits a page clicks to put the caret there.
 */
export function flattrs({ form }: Pointer, element: Element): boolean {
  if (isEdited(element)) return false;
  switch (form) {
    case "js-a-rev":
    case "js-a-rel":
    case "js-a-data":
    case "js-a-bare":
    case "link-submit-auto":
      return true;
    case "link-thing":
    case "link-t":
      return element.querySelector("img, svg, picture") !== null;
    default:
      return false;
  }
}

/** navigate opens the page of the original for a middle or modified click, as on any link. What leads to no page is not run. */
export function navigate(
  { original }: Pick<StandIn, "original">,
  { button }: Pick<MouseEvent, "button">,
): void {
  if (button === 2 || !(original instanceof HTMLAnchorElement)) return;
  if (original.protocol.startsWith("http")) window.open(original.href, "_blank", "noopener");
}

function take(target: Target, hands: Hands): void {
  const { known, overlay } = hands;
  const state = known.of(namesOf(target.thing));
  if (state !== undefined && isGiven(state)) overlay.ask(state);
  else if (state?.standing === "refused" && !canRetry(state.code))
    overlay.say(sentenceFor(state.code ?? "internal", state.sentence));
  else void send(target, hands);
}

// Means can be topped up, and a click made in another browser may have been taken back there.
function canRetry(code: string | undefined): boolean {
  return code === "no_means" || code === "duplicate";
}

async function send({ element, form, thing, standIn }: Target, hands: Hands): Promise<void> {
  const { known, overlay } = hands;
  const names = namesOf(thing);
  const asked = ask<ClickReply>({ kind: "flattr", thing, form }); // it is on its way while the button is painted
  known.begin(names); // within a frame; what follows only settles it
  overlay.flattred(standIn === undefined ? element : undefined);
  const reply = await asked;
  if (reply.ok) {
    known.kept(names, reply.value);
    overlay.kept(element, reply.value);
  } else {
    known.failed(names);
    overlay.failed(element, reply.code, reply.sentence);
  }
}
