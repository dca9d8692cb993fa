// What a content script is given to know: the host of the reader's ledger, and the reader's settings. Clicks, outbox
// and account lie in storage.local, which no page's process can read where the browser lets it be closed to them.
import type { Settings } from "./settings";

/** GIVEN is the key of the record in storage.session, which content scripts may read. */
export const GIVEN = "given";

/** Given is that record. A page's process that was broken into could write it as well: only content scripts heed it. */
export interface Given {
  readonly ledgerHost?: string;
  readonly settings: Settings;
}
