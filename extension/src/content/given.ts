// What this content script is given to know, read without waking the background where the browser allows it.
import { LEDGER } from "../background/month";
import { browser, orphaned } from "../browser";
import { GIVEN, type Given } from "../given";
import { DEFAULTS, onSettings, readSettings } from "../settings";
import { ask } from "./ask";

/** readGiven reads the record; where the background has not written it since the browser started, it is asked. */
export async function readGiven(): Promise<Given> {
  const { session } = browser.storage;
  if (session === undefined) return readStored();
  const stored: Record<string, unknown> = await session.get(GIVEN).catch(() => ({}));
  if (stored[GIVEN] !== undefined) return stored[GIVEN] as Given;
  const reply = await ask<Given>({ kind: "given" });
  return reply.ok ? reply.value : { settings: DEFAULTS };
}

/** onGiven calls back at every change until the signal aborts. */
export function onGiven(signal: AbortSignal, heard: (given: Given) => void): void {
  if (browser.storage.session === undefined) {
    onSettings(signal, () => void readStored().then(heard));
    return;
  }
  const onChanged = (changes: Record<string, chrome.storage.StorageChange>, area: string): void => {
    const given = changes[GIVEN]?.newValue;
    if (area === "session" && given !== undefined) heard(given as Given);
  };
  browser.storage.onChanged.addListener(onChanged);
  signal.addEventListener("abort", () => orphaned() || browser.storage.onChanged.removeListener(onChanged));
}

// Firefox gives content scripts no storage.session, and lets them read storage.local.
async function readStored(): Promise<Given> {
  const [stored, settings] = await Promise.all([browser.storage.local.get(LEDGER), readSettings()]);
  const host: unknown = stored[LEDGER];
  return typeof host === "string" ? { ledgerHost: host, settings } : { settings };
}
