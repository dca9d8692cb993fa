// Where the background can be stopped between a click and its end: each point holds it there until it is stopped.
import type { Hands } from "./hands.js";
import { until } from "./programs.js";

/** POINTS are the five, in the order in which a click passes them. */
export const POINTS = [
  "before the click is stored",
  "after it is stored",
  "in the handshake",
  "sent and not acknowledged",
  "after the acknowledgement",
] as const;

export type Point = (typeof POINTS)[number];

/** hold prepares the running background so that the next click stops at the point. */
export async function hold(hands: Hands, point: Point): Promise<void> {
  if (point === "in the handshake") await hands.inBackground(stallSocket, 2, 1);
  else if (point === "sent and not acknowledged") await hands.inBackground(stallSocket, 3, 3);
  else if (point === "after the acknowledgement") await hands.inBackground(stallStore, "remove", true);
  else await hands.inBackground(stallStore, "set", point === "before the click is stored");
}

/** held waits until the background has come to the point. */
export async function held(hands: Hands, point: Point): Promise<void> {
  await until(`the background is held ${point}`, () =>
    hands.inBackground(() => (self as { flattrHeld?: boolean }).flattrHeld === true),
  );
}

// The store's method is called for an event of the outbox: it does its work before the hold, or nothing.
function stallStore(method: "set" | "remove", before: boolean): void {
  const shelf = chrome.storage.local as unknown as Record<string, (given: unknown) => Promise<void>>;
  const real = shelf[method];
  shelf[method] = async (given: unknown) => {
    const keys = typeof given === "object" && given !== null ? Object.keys(given) : [String(given)];
    const ours =
      keys.some((key) => key.startsWith("out:")) || [given].flat().some((key) => `${key}`.startsWith("out:"));
    if (!before || !ours) await real?.call(shelf, given);
    if (!ours) return;
    (self as { flattrHeld?: boolean }).flattrHeld = true;
    await new Promise<never>(() => {});
  };
}

// A socket sends hello, finish, and then sealed frames. At the given message it holds: what comes after passes of
// it is not sent, and nothing more is heard.
function stallSocket(message: number, passes: number): void {
  const Real = self.WebSocket;
  const held = self as { flattrHeld?: boolean };
  self.WebSocket = class extends Real {
    sent = 0;
    override send(data: ArrayBuffer): void {
      this.sent++;
      if (this.sent <= passes) super.send(data);
      if (this.sent >= message) held.flattrHeld = true;
    }
    // biome-ignore lint/suspicious/noExplicitAny: every event of a socket passes here
    override addEventListener(type: string, heard: any): void {
      super.addEventListener(type, (event) => {
        if (type !== "message" || !held.flattrHeld) heard(event);
      });
    }
  };
}
