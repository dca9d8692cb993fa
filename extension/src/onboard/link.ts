// Step 2: signing in at the ledger, in a tab of its own; then the reader says whether it is the right account.

import { hostOf } from "../background/month";
import { browser } from "../browser";
import type { Overview } from "../messages";
import { ask, button, byID } from "../page";
import { sentenceFor } from "../sentences";
import { text } from "../words";
import { setStep, stepState } from "./step";

const STEP = "step-link";

/** While the reader signs in elsewhere, the companion is asked this often, should its own word get lost. */
const ASK_AGAIN_MS = 2000;

let asked = false; // signing in was begun from this page, so its result is asked about
let offeredShown = "";

/** start listens to the step's buttons. */
export function start(signal: AbortSignal, look: () => void): void {
  byID("link").addEventListener("click", () => void signIn(look), { signal });
  byID("link-yes").addEventListener(
    "click",
    () => {
      asked = false;
      look();
    },
    { signal },
  );
  for (const id of ["link-no", "sign-out"]) {
    byID(id).addEventListener("click", () => void signOut(look), { signal });
  }
  const timer = setInterval(() => {
    if (stepState(STEP) === "busy") void ask({ kind: "refresh" }).then(look);
  }, ASK_AGAIN_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
}

/** show brings the step in line with what the background knows. */
export function show({ link, status }: Overview): void {
  const account = status?.account;
  byID<HTMLButtonElement>("link").disabled = link === "unpaired" || link === "unknown";
  offer(account === undefined ? (status?.accounts ?? []) : []);
  if (link === "unpaired" || link === "unknown") setStep(STEP, "todo", text("stepLinkFirst"));
  else if (account !== undefined && asked) setStep(STEP, "ask", text("linkedAs", account.name));
  else if (account !== undefined) {
    setStep(STEP, "done", text("linkedDone", account.name, hostOf(account.ledger) ?? account.ledger));
  } else if (stepState(STEP) !== "busy" && stepState(STEP) !== "failed") setStep(STEP, "todo", "");
}

async function signIn(look: () => void, account?: string): Promise<void> {
  const reply = await ask<{ url?: string }>(
    account === undefined ? { kind: "link" } : { kind: "link", account },
  );
  if (!reply.ok) {
    setStep(STEP, "failed", sentenceFor(reply.code, reply.sentence));
    return;
  }
  asked = true;
  const url = reply.value.url;
  if (url !== undefined) {
    setStep(STEP, "busy", text("stepLinkWait"));
    if (isWebURL(url)) await browser.tabs.create({ url });
    else setStep(STEP, "failed", sentenceFor("internal", undefined));
  }
  look();
}

async function signOut(look: () => void): Promise<void> {
  asked = false;
  const reply = await ask({ kind: "unlink" });
  setStep(STEP, reply.ok ? "todo" : "failed", reply.ok ? "" : sentenceFor(reply.code, reply.sentence));
  look();
}

// Accounts that this user of the machine signed in to before, perhaps from another browser.
function offer(accounts: readonly { id: string; name: string; ledger: string }[]): void {
  const shown = JSON.stringify(accounts);
  if (shown === offeredShown) return;
  offeredShown = shown;
  const buttons = accounts.map(({ id, name, ledger }) => {
    const label = text("linkAs", name, hostOf(ledger) ?? ledger);
    const element = button("take", label, () => void signIn(() => void ask({ kind: "refresh" }), id));
    element.dataset["account"] = id;
    return element;
  });
  byID("offered").replaceChildren(...buttons);
}

function isWebURL(url: string): boolean {
  return /^https?:\/\//i.test(url);
}
