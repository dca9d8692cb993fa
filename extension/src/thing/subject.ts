// What the toolbar and the menu flattr: a page, or what a link points to.
import { isFlattrPage } from "../detect/hosts";
import { pointerOfLink } from "../detect/link";
import type { Thing } from "../wire.gen";
import { pageThing, thingOf } from "./thing";

/** thingOfPage is the page as a thing; on a page of Flattr's own it is the one thing that the page is about, if any. */
export function thingOfPage(
  address: string,
  title: string | undefined,
  ledgerHost: string | undefined,
): Thing | undefined {
  const page = pageThing(address, title);
  if (page?.url === undefined || !isFlattrPage(new URL(page.url), ledgerHost)) return page;
  return thingOfLink(address, address, ledgerHost);
}

/** thingOfLink is what a link to Flattr or to the reader's ledger points to; undefined where that is no thing. */
export function thingOfLink(
  address: string,
  base: string,
  ledgerHost: string | undefined,
): Thing | undefined {
  const pointer = pointerOfLink(address, base, ledgerHost);
  return pointer === undefined ? undefined : thingOf(pointer);
}
