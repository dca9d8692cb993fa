// The messages inside the extension: content scripts and pages ask, the background answers.
import type { Form } from "./detect/pointer";
import type { Reason } from "./protocol/dial";
import type { ClickRow, Status, Thing } from "./wire.gen";

/** ClickForm is how a reader flattred: by a form in the page, or from the toolbar or menu. */
export type ClickForm = Form | "popup" | "shortcut" | "menu";

/** FoundThing is a distinct thing of one frame. */
export interface FoundThing {
  readonly thing: Thing;
  readonly form: Form;
}

/**
 * Standing says where a reader stands with a thing this month:
 * `free` not flattred, `kept` in the outbox, `waiting` with the companion, `flattred` counted, `refused` by the ledger.
 */
export type Standing = "free" | "kept" | "waiting" | "flattred" | "refused";

/** ThingState is where the reader stands with a thing of a frame; what is free is not told. */
export interface ThingState {
  readonly names: readonly string[]; // of the thing, as namesOf gives them
  readonly standing: Standing;
  readonly click?: string; // id of the click that is meant
  readonly at?: string; // the reader's time of that click
  readonly code?: string; // why refused, or why still kept
  readonly sentence?: string;
  readonly undoable?: boolean;
}

/** ThingView is a thing and where the reader stands with it. */
export interface ThingView {
  readonly thing: Thing;
  readonly form: ClickForm;
  readonly standing: Standing;
  readonly click?: string; // id of the click that is meant
  readonly at?: string; // the reader's time of that click
  readonly code?: string; // why refused, or why still kept
  readonly sentence?: string;
  readonly undoable?: boolean;
}

/** OutboxView is an event that the companion has not stored yet. */
export interface OutboxView {
  readonly id: string;
  readonly type: "flattr" | "undo";
  readonly title: string;
  readonly at: string;
  readonly account?: string;
  readonly code?: string; // why the companion did not take it
  readonly sentence?: string;
}

/** RefusedView is a click that the companion would never take. */
export interface RefusedView {
  readonly id: string;
  readonly title: string;
  readonly at: string;
  readonly code: string;
  readonly sentence: string;
}

/** Link says how things are between extension and companion. */
export type Link = "unpaired" | "idle" | "dialling" | "up" | Reason;

/** Overview is everything the popup and the onboarding page show. */
export interface Overview {
  readonly link: Link;
  readonly lasting: boolean; // false: the pairing ends with the browser, for want of a store for keys
  readonly reading: boolean; // may read pages and find buttons by itself
  readonly status?: Status; // the last one known
  readonly rows: readonly ClickRow[]; // the newest clicks
  readonly outbox: readonly OutboxView[];
  readonly refused: readonly RefusedView[];
  readonly undoing: readonly string[]; // clicks that an event in the outbox takes back
  readonly things: readonly ThingView[];
  readonly page?: ThingView; // the page itself, where the popup asked about it
}

/** History is a page of clicks of all months, newest first. */
export interface History {
  readonly rows: readonly ClickRow[];
  readonly cursor?: string; // there are older ones
  readonly whole: boolean; // false: the companion is away, and these are what this browser remembers
}

/** FromContent is what a content script may ask; `found` is answered with the states of the frame's things. */
export type FromContent =
  | { readonly kind: "given" } // what a content script is given to know
  | { readonly kind: "wake" } // the reader points at a button
  | { readonly kind: "at-ledger" } // the reader is at a page of the ledger, where clicks can be taken back
  | { readonly kind: "found"; readonly things: readonly FoundThing[]; readonly fresh: boolean }
  | { readonly kind: "flattr"; readonly thing: Thing; readonly form: Form }
  | { readonly kind: "undo"; readonly click: string };

/** FromPage is what the extension's own pages may ask. */
export type FromPage =
  | { readonly kind: "overview"; readonly tab?: number; readonly page?: Thing }
  | { readonly kind: "look"; readonly tab: number } // find the things of a tab now; false: it cannot be read
  | { readonly kind: "refresh" }
  | { readonly kind: "history"; readonly cursor?: string }
  | { readonly kind: "flattr-from-popup"; readonly thing: Thing; readonly tab?: number }
  | { readonly kind: "undo"; readonly click: string }
  | { readonly kind: "pair"; readonly port: number; readonly ticket: string }
  | { readonly kind: "link"; readonly account?: string }
  | { readonly kind: "unlink" }
  | { readonly kind: "granted" }
  | { readonly kind: "adopt"; readonly id: string } // send a kept event for the present account after all
  | { readonly kind: "discard"; readonly id: string }; // forget a kept event or a refusal

/** ToContent is what the background tells a content script. */
export type ToContent =
  | { readonly kind: "look" }
  | { readonly kind: "states"; readonly states: readonly ThingState[] } // of this frame's things, when they change
  | { readonly kind: "stop" } // the reader took the permission back: restore the page
  | { readonly kind: "settled"; readonly click: string; readonly view: Settled };

/** Settled is what became of a click. */
export interface Settled {
  readonly standing: Standing;
  readonly link: Link;
  readonly code?: string;
  readonly sentence?: string;
  readonly shareMicro?: number;
  readonly promise?: true; // its author is not known yet
}

/** Reply answers every question: a value, or a code with the companion's sentence where it gave one. */
export type Reply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: string; readonly sentence?: string };

/** ClickReply answers a flattr: the id under which it is kept, or where the reader stood already. */
export interface ClickReply {
  readonly click: string;
  readonly standing: Standing;
  readonly at: string;
  readonly undoable: boolean;
  readonly isNew: boolean;
}

/** PAGE_PORT is the name of the port that an open page of the extension holds; changes are told through it. */
export const PAGE_PORT = "page";
