// Which sites a frame belongs to: its own, and those of the pages that show it.
import { parseAddress } from "../address";
import { isFlattrPage } from "../detect/hosts";
import { siteOf } from "../settings";

/** isFlattrHere tells whether this document is Flattr's own, as one is that a page of Flattr made without an address. */
export function isFlattrHere(ledgerHost: string | undefined): boolean {
  return isFlattrPage(parseAddress(self.origin) ?? new URL(document.URL), ledgerHost);
}

/** isLedgerHere tells whether the reader is at a page of their own ledger, and not at one that shows a frame of it. */
export function isLedgerHere(ledgerHost: string | undefined): boolean {
  return window === window.top && ledgerHost !== undefined && location.host === ledgerHost;
}

/** sitesHere lists the sites of this document and, where the browser tells, of the documents above it. */
export function sitesHere(): readonly string[] {
  const above = location.ancestorOrigins ?? [];
  // A document without an address of its own has the origin of the page that made it.
  const origins = [self.origin, document.URL, ...Array.from(above)];
  return origins.map(siteOf).filter((site) => site !== undefined);
}
