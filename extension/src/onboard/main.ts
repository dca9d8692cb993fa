// The onboarding page: three steps, each of which says where it stands and goes on by itself where it can.
import type { Overview } from "../messages";
import { ask, byID, dress, fillWords, keepFocus, onChange, shortcutOf } from "../page";
import { text } from "../words";
import * as allow from "./allow";
import * as connect from "./connect";
import * as link from "./link";

/** start shows the three steps; it lives as long as its document. */
export function start(signal: AbortSignal): void {
  fillWords(document);
  dress(signal);
  const look = (): void => {
    void ask<Overview>({ kind: "overview" }).then((reply) => {
      if (reply.ok) show(reply.value);
    });
  };
  connect.start(signal, look);
  link.start(signal, look);
  allow.start(signal, look);
  onChange(signal, look);
  look();
  // What the companion last said may be old: an account may have been linked from another browser.
  void ask({ kind: "refresh" }).then(look);
}

function show(overview: Overview): void {
  keepFocus(document.body, () => {
    connect.show(overview);
    link.show(overview);
    allow.show(overview);
  });
  const done = document.querySelectorAll('section[data-state="done"]').length === 3;
  document.body.dataset["state"] = done ? "done" : "open";
  if (!done) byID("ready").textContent = "";
  else if (byID("ready").textContent === "") void congratulate();
}

async function congratulate(): Promise<void> {
  const keys = await shortcutOf();
  byID("ready").textContent = keys === "" ? text("readyNoShortcut") : text("ready", keys);
}
