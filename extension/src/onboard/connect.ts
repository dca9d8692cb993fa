// Step 1: pairing with the companion, by the browser's native host or by a pasted ticket.
import { browser } from "../browser";
import type { Overview, Reply } from "../messages";
import { ask, byID } from "../page";
import { readPasted } from "../protocol/ticket";
import { sentenceFor } from "../sentences";
import { LIMITS, type TicketAnswer } from "../wire.gen";
import { text } from "../words";
import { setStep, stepState } from "./step";

const STEP = "step-connect";
const GRANTED = "?granted";
const PERMISSION = { permissions: ["nativeMessaging"] } satisfies chrome.permissions.Permissions;

/** start listens to the step's buttons, and goes on where the page was loaded again after the grant. */
export function start(signal: AbortSignal, look: () => void): void {
  byID("connect").addEventListener("click", () => void onConnect(look), { signal });
  byID("paste-form").addEventListener(
    "submit",
    (event) => {
      event.preventDefault();
      void onPaste(look);
    },
    { signal },
  );
  if (location.search !== GRANTED) return;
  history.replaceState(null, "", location.pathname); // loading the page once more starts nothing by itself
  void connect(look);
}

/** show brings the step in line with what the background knows. */
export function show({ link }: Overview): void {
  if (stepState(STEP) === "busy") return;
  const words = wordsFor(link);
  if (words === undefined) setStep(STEP, "done", text("connected"));
  else if (stepState(STEP) !== "failed") setStep(STEP, "todo", words);
}

// What stands in the way; then the reader can connect again, as where the companion has moved to another port.
function wordsFor(link: Overview["link"]): string | undefined {
  switch (link) {
    case "idle":
    case "dialling":
    case "up":
    case "closed":
      return undefined;
    case "unpaired":
      return "";
    case "unknown":
      return text("unknownDevice");
    case "away":
    case "other_program":
    case "version":
      return sentenceFor(link, undefined);
  }
}

// The request must be made inside the click; until the answer nothing else is said.
async function onConnect(look: () => void): Promise<void> {
  const granted = await browser.permissions.request(PERMISSION).catch(() => false);
  if (!granted) {
    setStep(STEP, "failed", sentenceFor("denied", undefined));
    return;
  }
  // Chromium gives a page that was open before the grant no native messaging: it must load again.
  if (typeof browser.runtime.sendNativeMessage !== "function") location.replace(`onboard.html${GRANTED}`);
  else await connect(look);
}

async function connect(look: () => void): Promise<void> {
  setStep(STEP, "busy", text("connecting"));
  const answer = await askHost();
  if (answer.error !== undefined || answer.port === undefined || answer.ticket === undefined) {
    setStep(STEP, "failed", sentenceFor(answer.error ?? "no_host", answer.hint));
    return;
  }
  settle(await ask({ kind: "pair", port: answer.port, ticket: answer.ticket }), look);
}

async function askHost(): Promise<TicketAnswer> {
  if (!(await browser.permissions.contains(PERMISSION))) return { error: "denied" };
  try {
    const answer: TicketAnswer | undefined = await browser.runtime.sendNativeMessage(LIMITS.nativeHost, {
      type: "pair",
    });
    return answer ?? { error: "no_host" };
  } catch {
    return { error: "no_host" };
  }
}

async function onPaste(look: () => void): Promise<void> {
  const field = byID<HTMLInputElement>("paste");
  const line = field.value;
  const ticket = readPasted(line);
  if (ticket === undefined) {
    setStep(STEP, "failed", sentenceFor("bad_ticket", undefined));
    field.focus();
    return;
  }
  setStep(STEP, "busy", text("connecting"));
  const text32 = line.trim().split(":")[2] ?? "";
  field.value = ""; // it is spent by the next message
  settle(await ask({ kind: "pair", port: ticket.port, ticket: text32 }), look);
}

function settle(reply: Reply<unknown>, look: () => void): void {
  if (reply.ok) setStep(STEP, "done", text("connected"));
  else setStep(STEP, "failed", sentenceFor(reply.code, reply.sentence));
  look();
}
