// Step 3: allowing buttons to be found on all pages, which the reader may as well leave out.
import { PAGES } from "../background/reading";
import { browser } from "../browser";
import type { Overview } from "../messages";
import { ask, byID } from "../page";
import { sentenceFor } from "../sentences";
import { text } from "../words";
import { setStep, stepState } from "./step";

const STEP = "step-allow";

/** start listens to the step's button: the request must be made inside the click. */
export function start(signal: AbortSignal, look: () => void): void {
  byID("allow").addEventListener("click", () => void onAllow(look), { signal });
}

/** show brings the step in line with what the browser grants. */
export function show({ reading }: Overview): void {
  if (reading) setStep(STEP, "done", text("allowed"));
  else if (stepState(STEP) !== "failed") setStep(STEP, "todo", "");
}

async function onAllow(look: () => void): Promise<void> {
  const granted = await browser.permissions.request({ origins: [...PAGES] }).catch(() => false);
  if (granted) await ask({ kind: "granted" });
  else setStep(STEP, "failed", sentenceFor("denied", undefined));
  look();
}
