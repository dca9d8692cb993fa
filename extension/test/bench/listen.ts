// What the content script's own world saw of a click: the code that is put into it.
import type { ToContent } from "../../src/messages";

/** Heard is one click; times in milliseconds since the click. */
export interface Heard {
  frames: number; // that were drawn between the click and the change
  changed: number; // until the button's state was another
  drawn: number; // until the frame with it was drawn
  ack: number; // until the companion's answer came to the page
}

/** listen runs in the content script's world, which alone sees into closed shadow roots and hears the background. */
export function listen(): void {
  let last: { frames: number; changed?: number; drawn?: number; ack?: number } = { frames: 0 };
  let start: number | undefined;
  const since = () => performance.now() - (start ?? Number.NaN);
  let roots: readonly ShadowRoot[] = [];
  let before = "";
  const faces = () => roots.map((root) => root.querySelector("button")?.dataset["state"]).join();
  // It is called before each frame is drawn: what holds then is what the frame shows.
  const frame = () => {
    if (start === undefined || last.changed !== undefined) return;
    if (faces() === before) {
      last.frames++;
      requestAnimationFrame(frame);
    } else changed();
  };
  // The click itself is kept from whoever listens after the extension; it has the time of the pointer's release.
  addEventListener(
    "pointerup",
    (event) => {
      start = event.timeStamp;
      requestAnimationFrame(frame);
    },
    true,
  );
  const changed = () => {
    last.changed = since();
    const mine = last;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        mine.drawn = since();
      };
      channel.port2.postMessage(undefined);
    });
  };
  // Chromium tells of it at once; in closed roots Firefox tells nothing, and the next frame does.
  const observer = new MutationObserver(() => {
    if (start !== undefined && last.changed === undefined && faces() !== before) changed();
  });
  const answered = new Set<string | undefined>(); // clicks are told of again when the ledger has counted them
  const stored = ["waiting", "flattred"]; // what the companion only turned back is not acknowledged
  chrome.runtime.onMessage.addListener((message: Partial<ToContent & { kind: "settled" }>) => {
    if (message.kind !== "settled" || answered.has(message.click)) return;
    if (!stored.includes(message.view?.standing ?? "")) return;
    answered.add(message.click);
    if (start !== undefined) last.ack ??= since();
  });
  const watched = new WeakSet<Node>();
  const observe = (node: Node) => {
    if (watched.has(node)) return;
    watched.add(node);
    observer.observe(node, { subtree: true, childList: true, attributes: true, characterData: true });
  };
  // Firefox has no chrome.dom: there extensions see the root as a property.
  const rootOf = (element: HTMLElement & { openOrClosedShadowRoot?: ShadowRoot | null }) =>
    chrome.dom?.openOrClosedShadowRoot(element) ?? element.openOrClosedShadowRoot;
  const heard = {
    get last() {
      return last;
    },
    begin() {
      last = { frames: 0 };
      start = undefined;
      const elements = [...document.querySelectorAll<HTMLElement>("body, body *")];
      roots = elements.flatMap((element) => rootOf(element) ?? []);
      for (const root of roots) observe(root);
      before = faces();
    },
    done: () => last.ack !== undefined && last.drawn !== undefined,
  };
  Object.assign(globalThis, { heard });
}
