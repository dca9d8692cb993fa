// The ledger's pages as a reader or an author uses them in the browser.
import type { Page } from "puppeteer-core";
import { submit, text, type, visible } from "./browser.js";

export interface Person {
  name: string;
  password: string;
}

/** signUp joins with an invite code and ends on the reader's month. */
export async function signUp(page: Page, origin: string, person: Person, invite: string): Promise<void> {
  await page.goto(`${origin}/signup`);
  await type(page, "#signup [name=invite]", invite);
  await type(page, "#signup [name=name]", person.name);
  await type(page, "#signup [name=password]", person.password);
  await submit(page, "#signup button[type=submit]");
}

/** signIn ends on the page that was asked for, or on the reader's month. */
export async function signIn(page: Page, origin: string, person: Person): Promise<void> {
  await page.goto(`${origin}/signin`);
  await fillSignIn(page, person);
}

/** fillSignIn fills the form that is shown, wherever it leads. */
export async function fillSignIn(page: Page, person: Person): Promise<void> {
  await type(page, "#signin [name=name]", person.name);
  await type(page, "#signin [name=password]", person.password);
  await submit(page, "#signin button[type=submit]");
}

/** setBudget names what the reader gives in a month. */
export async function setBudget(page: Page, origin: string, amount: string): Promise<void> {
  await page.goto(`${origin}/month`);
  await type(page, "#budget [name=budget]", amount);
  await submit(page, "#budget button[type=submit]");
}

/** consent allows the companion to act for the member who is signed in. */
export async function consent(page: Page): Promise<void> {
  await visible(page, "#consent #allow");
  await submit(page, "#consent #allow");
}

export interface MonthFigures {
  shareMicro: number; // what one click is worth now; 0 without clicks
  clicks: number; // that are shown as counting, promises aside
  rows: { id: string; state: string }[];
}

/** month reads the figures of the running month off the reader's page. */
export async function month(page: Page, origin: string): Promise<MonthFigures> {
  await page.goto(`${origin}/month`);
  await visible(page, "#budget");
  const share = await page.$$eval("[data-share]", (found) =>
    Number(found[0]?.getAttribute("data-share") ?? 0),
  );
  const rows = await page.$$eval("section:first-of-type [data-click]", (found) =>
    found.map((row) => ({
      id: row.getAttribute("data-click") ?? "",
      state: row.getAttribute("data-state") ?? "",
    })),
  );
  return { shareMicro: share, clicks: rows.filter(({ state }) => state === "state.counts").length, rows };
}

/** revenue reads the settled month's net amount off an author's page, in micro-EUR. */
export async function revenue(page: Page, origin: string): Promise<{ netMicro: number; text: string }> {
  await page.goto(`${origin}/revenue`);
  await visible(page, "main h1");
  const net = await page.$$eval(".settled [data-net]", (found) =>
    Number(found[0]?.getAttribute("data-net") ?? 0),
  );
  return { netMicro: net, text: await text(page, "main") };
}
