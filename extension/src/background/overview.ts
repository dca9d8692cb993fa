// The overview: everything the extension's pages show, gathered without asking the companion.
import type { Overview, ThingView } from "../messages";
import type { Thing } from "../wire.gen";
import type { Companion } from "./companion";
import { type Refused, titleOf } from "./delivery";
import type { Month } from "./month";
import type { Outbox } from "./outbox";
import { mayRead } from "./reading";
import { Standings, standingOf } from "./standing";
import type { Tabs } from "./tabs";

/** Rows and events handed to a page at a time; the rest is on the ledger's own pages. */
const MAX_SHOWN = 20;

/** Sources is where the overview comes from. */
export interface Sources {
  readonly companion: Companion;
  readonly month: Month;
  readonly outbox: Outbox;
  readonly refused: Refused;
  readonly tabs: Tabs;
}

/** viewsOf are the things of a tab and where the reader stands with each. */
export async function viewsOf({ outbox, month, tabs }: Sources, tab: number): Promise<readonly ThingView[]> {
  const [entries, rows] = [await outbox.entries().catch(() => []), await month.rows()];
  const standings = new Standings(entries, rows, new Date().toISOString());
  return tabs.things(tab).map(({ thing, form }) => ({ thing, form, ...standings.of(thing) }));
}

/** makeOverview gathers for a tab, and for the page itself where it is asked about. */
export async function makeOverview(
  sources: Sources,
  tab: number | undefined,
  page: Thing | undefined,
): Promise<Overview> {
  const { companion, month, outbox, refused } = sources;
  const [link, reading, status, rows, entries, refusals] = await Promise.all([
    companion.link(),
    mayRead(),
    month.status(),
    month.rows(),
    outbox.entries(),
    refused.list(),
  ]);
  const now = new Date().toISOString();
  return {
    link,
    lasting: companion.lasting,
    reading,
    ...(status === undefined ? {} : { status }),
    rows: rows.slice(0, MAX_SHOWN),
    outbox: entries.slice(-MAX_SHOWN).map(({ message, code, sentence }) => ({
      id: message.id,
      type: message.type,
      title: titleOf(message),
      at: message.at,
      ...(message.account === undefined ? {} : { account: message.account }),
      ...(code === undefined ? {} : { code }),
      ...(sentence === undefined ? {} : { sentence }),
    })),
    refused: refusals.slice(0, MAX_SHOWN),
    undoing: entries.flatMap(({ message }) => (message.type === "undo" ? [message.click] : [])),
    things: tab === undefined ? [] : await viewsOf(sources, tab),
    ...(page === undefined
      ? {}
      : { page: { thing: page, form: "popup", ...standingOf(page, entries, rows, now) } }),
  };
}
