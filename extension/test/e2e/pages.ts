// The ledger's pages as a reader or an author uses them in the browser.
import type { Page } from "puppeteer-core";
import { sheetOf } from "./chromium.js";
import type { Sheet } from "./hands.js";
import { until } from "./programs.js";

export interface Person {
  name: string;
  password: string;
}

/** signUp joins with an invite code and ends on the first steps. */
export async function signUp(
  page: Page | Sheet,
  origin: string,
  person: Person,
  invite: string,
): Promise<void> {
  const sheet = sheetOf(page);
  await sheet.goto(`${origin}/signup`);
  await sheet.type("#signup [name=invite]", invite);
  await sheet.type("#signup [name=name]", person.name);
  await sheet.type("#signup [name=password]", person.password);
  await submit(sheet, "#signup button[type=submit]");
}

/** signIn ends on the page that was asked for, or on the reader's month. */
export async function signIn(page: Page | Sheet, origin: string, person: Person): Promise<void> {
  await sheetOf(page).goto(`${origin}/signin`);
  await fillSignIn(page, person);
}

/** fillSignIn fills the form that is shown, wherever it leads. */
export async function fillSignIn(page: Page | Sheet, person: Person): Promise<void> {
  const sheet = sheetOf(page);
  await sheet.type("#signin [name=name]", person.name);
  await sheet.type("#signin [name=password]", person.password);
  await submit(sheet, "#signin button[type=submit]");
}

/** setBudget names what the reader gives in a month. */
export async function setBudget(page: Page | Sheet, origin: string, amount: string): Promise<void> {
  const sheet = sheetOf(page);
  await sheet.goto(`${origin}/month`);
  await sheet.type("#budget [name=budget]", amount);
  await submit(sheet, "#budget button[type=submit]");
}

/** consent allows the companion to act for the member who is signed in. */
export async function consent(page: Page | Sheet): Promise<void> {
  const sheet = sheetOf(page);
  await sheet.visible("#consent #allow");
  await submit(sheet, "#consent #allow");
}

/** submit clicks a form's button and waits for the page that follows: the one before bears a mark. */
async function submit(sheet: Sheet, selector: string): Promise<void> {
  await sheet.run(() => {
    document.documentElement.dataset["before"] = "";
  });
  await sheet.click(selector);
  await until("the form's answer", () =>
    sheet.run(
      () => document.documentElement.dataset["before"] === undefined && document.readyState !== "loading",
    ),
  );
}

export interface MonthFigures {
  shareMicro: number; // what one click is worth now; 0 without clicks
  clicks: number; // that are shown as counting, promises aside
  rows: { id: string; state: string }[];
}

/** month reads the figures of the running month off the reader's page. */
export async function month(page: Page | Sheet, origin: string): Promise<MonthFigures> {
  const sheet = sheetOf(page);
  await sheet.goto(`${origin}/month`);
  await sheet.visible("#budget");
  const [share, rows] = await sheet.run(() => {
    // A month in its grace is looked over in a section before.
    const running = document.querySelector("#budget")?.closest("section");
    const found = [...(running?.querySelectorAll("[data-click]") ?? [])];
    const clicks = found.map((row) => ({
      id: row.getAttribute("data-click") ?? "",
      state: row.getAttribute("data-state") ?? "",
    }));
    const worth = Number(running?.querySelector("[data-share]")?.getAttribute("data-share") ?? 0);
    return [worth, clicks] as const;
  });
  return { shareMicro: share, clicks: rows.filter(({ state }) => state === "state.counts").length, rows };
}

/** revenue reads the settled month's net amount off an author's page, in micro-EUR. */
export async function revenue(
  page: Page | Sheet,
  origin: string,
): Promise<{ netMicro: number; text: string }> {
  const sheet = sheetOf(page);
  await sheet.goto(`${origin}/revenue`);
  await sheet.visible("main h1");
  const [netMicro, text] = await sheet.run(() => {
    const net = document.querySelector(".settled [data-net]")?.getAttribute("data-net");
    // biome-ignore lint/performance/useDomNodeTextContent: what is hidden is not read
    const words = document.querySelector<HTMLElement>("main")?.innerText ?? "";
    return [Number(net ?? 0), words.replaceAll(/\s+/g, " ").trim()] as const;
  });
  return { netMicro, text };
}

/** dialCompanion runs in a page: it tells whether the page's own script can open the companion's socket. */
export function dialCompanion(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, "flattr.v1");
    socket.onopen = () => resolve("open");
    socket.onerror = () => resolve("refused");
  });
}
