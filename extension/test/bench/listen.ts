// What the content script's own world saw of a click: the code that is put into it.

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
  const frame = () => {
    if (start === undefined || last.changed !== undefined) return;
    last.frames++;
    requestAnimationFrame(frame);
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
  const observer = new MutationObserver(() => {
    if (start === undefined || last.changed !== undefined) return;
    last.changed = since();
    const mine = last;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        mine.drawn = since();
      };
      channel.port2.postMessage(undefined);
    });
  });
  const answered = new Set<string | undefined>(); // clicks are told of again when the ledger has counted them
  chrome.runtime.onMessage.addListener((message: { kind?: string; click?: string }) => {
    if (message.kind !== "settled" || answered.has(message.click)) return;
    answered.add(message.click);
    if (start !== undefined) last.ack ??= since();
  });
  const watched = new WeakSet<Node>();
  const observe = (node: Node) => {
    if (watched.has(node)) return;
    watched.add(node);
    observer.observe(node, { subtree: true, childList: true, attributes: true, characterData: true });
  };
  const heard = {
    get last() {
      return last;
    },
    begin() {
      last = { frames: 0 };
      start = undefined;
      observe(document);
      for (const element of document.querySelectorAll<HTMLElement>("body, body *, html > *")) {
        const root = chrome.dom.openOrClosedShadowRoot(element);
        if (root) observe(root);
      }
    },
    done: (drawn: boolean) => last.ack !== undefined && (!drawn || last.drawn !== undefined),
  };
  Object.assign(globalThis, { heard });
}
