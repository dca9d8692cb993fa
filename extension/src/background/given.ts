// Giving content scripts what they need to know, and closing everything else to them.
import { browser } from "../browser";
import { GIVEN, type Given } from "../given";
import { readSettings, SETTINGS } from "../settings";
import { ledgerHost } from "./menu";
import { LEDGER } from "./month";

/** startGiving closes storage.local to pages' processes, and keeps the record for them up to date from now on. */
export function startGiving(): void {
  void closeStore();
  void give();
  browser.storage.onChanged.addListener((changes, area) => {
    if (area === "local" && (changes[LEDGER] !== undefined || changes[SETTINGS] !== undefined)) void give();
  });
}

/** give writes the record and resolves with it. */
export async function give(): Promise<Given> {
  const [host, settings] = await Promise.all([ledgerHost(), readSettings()]);
  const given: Given = host === undefined ? { settings } : { ledgerHost: host, settings };
  await browser.storage.session.set({ [GIVEN]: given }).catch(() => {}); // who finds none asks
  return given;
}

// Firefox has no access levels: there content scripts can read storage.local, and read what they need from it.
async function closeStore(): Promise<void> {
  const { local, session } = browser.storage;
  if (typeof local.setAccessLevel !== "function" || typeof session.setAccessLevel !== "function") return;
  await session.setAccessLevel({ accessLevel: "TRUSTED_AND_UNTRUSTED_CONTEXTS" });
  await local.setAccessLevel({ accessLevel: "TRUSTED_CONTEXTS" });
}
