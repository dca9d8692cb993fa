// Every state of every page of the extension, as the background would tell of it.
import type { History, Overview, ThingView } from "../../src/messages";
import type { ClickRow, MonthSummary, Status } from "../../src/wire.gen";

/** State is what a page is told, and what it must show before it is looked at. */
export interface State {
  readonly page: "popup.html" | "options.html" | "onboard.html";
  readonly name: string;
  readonly overview: Overview;
  readonly shown: string; // selector
  readonly address?: string; // of the tab under the popup
  readonly readable?: boolean;
  readonly feed?: boolean;
  readonly history?: History;
  readonly ledger?: string; // host that is stored
  readonly press?: string; // is clicked first
}

const AT = "2026-11-03T12:00:00.000Z";
const account = { id: "7", name: "ann", ledger: "https://ledger.example" };
const running: MonthSummary = {
  month: "2026-11",
  state: "running",
  budgetMicro: 2_000_000,
  clicks: 12,
  promises: 2,
  shareMicro: 166_666,
};
const ended: MonthSummary = {
  ...running,
  month: "2026-10",
  state: "grace",
  clicks: 3,
  promises: 0,
  shareMicro: 666_666,
};

const status: Status = {
  type: "status",
  version: "0.1.0",
  ledger: account.ledger,
  account,
  months: [running],
  meansMicro: 3_000_000,
  unsent: 0,
  lastSync: AT,
  problems: [],
};

const nothing = { rows: [], outbox: [], refused: [], undoing: [], things: [] } as const;
const base: Overview = { link: "up", lasting: true, reading: true, status, ...nothing };
const { status: _known, ...unknown } = base;
const { account: _linked, ...unlinked } = status;

const long = "Über die Geschwindigkeit von Donaudampfschifffahrtsgesellschaftskapitänsmützen im Gegenwind";

const thing = (number: number, title = `Thing ${number}`) => ({ url: `https://a.example/${number}`, title });

const view = (number: number, fields: Partial<ThingView>): ThingView => ({
  thing: thing(number),
  form: "js-a-rev",
  standing: "free",
  ...fields,
});

const row = (number: number, fields: Partial<ClickRow> = {}): ClickRow => ({
  id: `c${number}`,
  state: "accepted",
  month: "2026-11",
  at: AT,
  title: `Thing ${number}`,
  thing: thing(number),
  url: `https://a.example/${number}`,
  undoable: true,
  ...fields,
});

const rows: readonly ClickRow[] = [
  row(1, { title: long }),
  row(2, { state: "waiting" }),
  row(3, { promise: true }),
  row(4, { state: "refused", code: "flattr_owner", undoable: false }),
  row(5, { state: "undone", undoable: false }),
  row(6, { state: "late", undoable: false }),
];

const popup = (name: string, shown: string, overview: Overview, more: Partial<State> = {}): State => ({
  page: "popup.html",
  name,
  shown,
  overview,
  ...more,
});

const POPUP: readonly State[] = [
  popup("not paired", "body[data-state=unpaired]", { ...unknown, link: "unpaired", reading: false }),
  popup("companion away", "body[data-state=away]", {
    ...base,
    link: "away",
    outbox: [{ id: "c8", type: "flattr", title: long, at: AT }],
    things: [view(8, { standing: "kept", click: "c8", at: AT, undoable: true })],
  }),
  popup("unknown browser", "body[data-state=unknown]", { ...base, link: "unknown" }),
  popup("another program", "body[data-state=other_program]", { ...base, link: "other_program" }),
  popup("version", "body[data-state=version]", { ...base, link: "version" }),
  popup("not signed in", "body[data-state=not_linked]", { ...base, status: unlinked }),
  popup("no means", "#notice a", {
    ...base,
    status: { ...status, meansMicro: 0, months: [{ ...running, clicks: 0, promises: 0, shareMicro: 0 }] },
  }),
  popup("ledger away", "#notice:not([hidden])", {
    ...base,
    rows,
    status: { ...status, unsent: 4, problems: [{ code: "ledger_away", sentence: "" }] },
  }),
  popup("sign in again", "#notice button", {
    ...base,
    status: { ...status, problems: [{ code: "sign_in_again", sentence: "" }] },
  }),
  popup("not lasting", "#notice:not([hidden])", { ...base, lasting: false }),
  popup("permission missing", "#allow-hint:not([hidden])", { ...base, reading: false }),
  popup("no button", "#share:not([hidden])", { ...base, rows }),
  popup("page flattred", "#things li", {
    ...base,
    rows,
    page: view(9, { form: "popup", standing: "flattred", click: "c9", at: AT, undoable: true }),
  }),
  popup("things", "#things li:nth-child(7)", {
    ...base,
    rows,
    undoing: ["c1"],
    things: [
      view(1, { thing: thing(1, long) }),
      view(2, { standing: "waiting", click: "c2", at: AT, undoable: true }),
      view(3, { standing: "flattred", click: "c3", at: AT, undoable: true }),
      view(4, { standing: "refused", click: "c4", at: AT, code: "flattr_owner" }),
      view(5, { standing: "refused", click: "c5", at: AT, code: "no_means" }),
      view(6, { form: "link-profile" }),
      view(7, { form: "link-monetization", standing: "free" }),
    ],
  }),
  popup("grace", "#month h2 ~ h2", { ...base, rows, status: { ...status, months: [running, ended] } }),
  popup("unsent and refused", "#refused li", {
    ...base,
    outbox: [
      { id: "c1", type: "flattr", title: "Bed", at: AT, code: "other_account" },
      { id: "c2", type: "flattr", title: long, at: AT },
      { id: "u1", type: "undo", title: "", at: AT },
    ],
    refused: [{ id: "c9", title: "Chair", at: AT, code: "too_large", sentence: "" }],
  }),
  popup("not readable", "#nothing:not([hidden])", base, { address: "chrome://version/", readable: false }),
  popup("own page", "#share:not([hidden])", base, { address: "https://flattr.com/thing/42/Bed" }),
  popup("own page, nothing", "#nothing:not([hidden])", base, {
    address: "https://ledger.example/month",
    ledger: "ledger.example",
  }),
  popup("feed", "#nothing:not([hidden])", base, { address: "https://a.example/feed", feed: true }),
];

const options = (
  name: string,
  shown: string,
  overview: Overview,
  history: History,
  more: Partial<State> = {},
): State => ({
  page: "options.html",
  name,
  shown,
  overview,
  history,
  ...more,
});

const OPTIONS: readonly State[] = [
  options("history", "#rows tr", { ...base, rows }, { rows, whole: true }),
  options("nothing yet", "#count:not(:empty)", base, { rows: [], whole: true }),
  options(
    "companion away",
    "#rows tr",
    { ...base, link: "away", reading: false, rows },
    { rows, whole: false },
  ),
  options(
    "not set up",
    "#budget-words:not(:empty)",
    { ...unknown, link: "unpaired", reading: false },
    { rows: [], whole: false },
  ),
];

const onboard = (name: string, shown: string, overview: Overview, more: Partial<State> = {}): State => ({
  page: "onboard.html",
  name,
  shown,
  overview,
  ...more,
});

const ONBOARD: readonly State[] = [
  onboard("first", "#connect:not([hidden])", { ...unknown, link: "unpaired", reading: false }),
  onboard(
    "wrong ticket",
    "#step-connect[data-state=failed]",
    { ...unknown, link: "unpaired", reading: false },
    { press: "#paste-go" },
  ),
  onboard("connected", "#step-connect[data-state=done]", {
    ...base,
    status: { ...unlinked, accounts: [account] },
    reading: false,
  }),
  onboard("companion away", "#step-connect .said:not(:empty)", { ...base, link: "away", reading: false }),
  onboard("ready", "body[data-state=done]", base),
];

/** STATES are all of them. */
export const STATES: readonly State[] = [...POPUP, ...OPTIONS, ...ONBOARD];
