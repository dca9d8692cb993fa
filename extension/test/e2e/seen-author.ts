// What an author sees: things, revenue, co-authors, notes and the payout.
import type { BrowserContext, Page } from "puppeteer-core";
import { author, submit } from "./published.js";
import type { Told } from "./seen.js";

/** IBAN is the one that the standard's registry prints as an example. */
const IBAN = "DE89 3704 0044 0532 0130 00";

/** authorsPages are those of an author in the middle of a month. */
export async function authorsPages(told: Told, miriam: BrowserContext): Promise<void> {
  await told.look(
    miriam,
    ["things", "/things"],
    ["things-found", "/things?q=peat"],
    ["things-none", "/things?q=nowhere+to+be+found"],
    ["revenue", "/revenue"],
  );
  const things = await told.open(miriam, "/things");
  const link = (words: string) =>
    things.$eval(`::-p-xpath(//a[normalize-space(.)="${words}"])`, (a) => a.getAttribute("href") ?? "");
  const [peat, shared] = [
    await link("What peat remembers"),
    await link("Building a boardwalk without drowning a hammer"),
  ];
  await things.close();
  await told.look(miriam, ["things-one", peat], ["things-shared", shared]);
  await sharing(told, miriam);
  await thanks(told, miriam);
  await money(told, miriam);
}

async function sharing(told: Told, miriam: BrowserContext): Promise<void> {
  const url = encodeURIComponent(`${told.set.site.origin}/cranes`);
  await told.look(miriam, ["parts", "/parts"], ["parts-edit", `/parts/edit?url=${url}`]);
  await told.answer(miriam, "parts-wrong", "/parts", "#share", { url: "nowhere" });
  const page = await told.open(miriam, `/parts/edit?url=${url}`);
  const rows = [
    ["miriam", "80"],
    ["tomas", "15"],
    ["otto", "5"],
  ] as const;
  const fields = await Promise.all(["name", "percent"].map((name) => page.$$(`#share [name=${name}]`)));
  for (const [at, row] of rows.entries()) {
    for (const [column, value] of row.entries()) {
      await fields[column]?.[at]?.evaluate((input, typed) => {
        (input as HTMLInputElement).value = typed;
      }, value);
    }
  }
  await submit(page, "#share button[value=look]");
  await told.see("parts-looked", page);
  await page.type("#share-password", author.password);
  await submit(page, "#save");
  await told.see("parts-saved", page);
  await page.close();
}

async function thanks(told: Told, miriam: BrowserContext): Promise<void> {
  const german = told.language === "de";
  const note = german
    ? "Danke! Von euren Klicks habe ich neue Gummistiefel gekauft, und im Januar geht es wieder hinaus."
    : "Thank you! Your clicks bought a new pair of boots, and in January I am out on the bog again.";
  const page: Page = await told.open(miriam, "/notes");
  await told.see("notes", page);
  const forms = await page.$$eval("form.note", (all) => all.map(({ id }) => id));
  const last = forms.find((id) => id === "note-2026-10") ?? forms[0] ?? "";
  await page.close();
  await told.answer(miriam, "notes-written", "/notes", `#${last}`, { text: note });
}

async function money(told: Told, miriam: BrowserContext): Promise<void> {
  await told.answer(miriam, "payout-wrong", "/payout", "#payout", {
    iban: "DE00 1234",
    holder: "Miriam Moss",
    password: "a guess",
  });
  await told.answer(miriam, "payout", "/payout", "#payout", {
    iban: IBAN,
    holder: "Miriam Moss",
    password: author.password,
  });
  await told.answer(miriam, "payout-used", "/payout", "#use-revenue", { amount: "1.00" });
}
