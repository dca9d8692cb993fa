// What a reader sees: the month and its review, what was given, and the settings.
import type { BrowserContext } from "puppeteer-core";
import { reader, submit } from "./published.js";
import { other, type Told } from "./seen.js";
import { companion } from "./seen-start.js";

/** readersPages are those of a reader in the days in which the last month can still be changed. */
export async function readersPages(told: Told, robin: BrowserContext): Promise<void> {
  await told.look(
    robin,
    ["month-review", "/month"],
    ["history-review", "/history"],
    ["history-month-review", "/history/2026-10"],
  );
  const undone = await told.open(robin, "/month");
  await submit(undone, "form[action='/undo'] button[type=submit]");
  await told.see("month-undone", undone);
  await undone.close();
  await letters(told, robin);
  await companion(told, robin);
  await told.look(robin, ["settings", "/settings"], ["settings-sign-in", "/settings/signin"]);
  await told.answer(robin, "settings-wrong", "/settings", "#settings", { zone: "Nowhere/At all" });
  await told.answer(robin, "settings-saved", "/settings", "#settings", { zone: "Europe/Berlin" });
  await told.answer(robin, "settings-sign-in-wrong", "/settings/signin", "#change-password", {
    old: "a guess",
    new: "short",
  });
}

/** letters has an address confirmed, and a password forgotten. */
async function letters(told: Told, robin: BrowserContext): Promise<void> {
  await told.look(robin, ["settings-mail-empty", "/settings/mail"]);
  await told.answer(robin, "settings-mail-wrong", "/settings/mail", "#address", {
    address: "nowhere",
    password: "a guess",
  });
  await told.answer(robin, "settings-mail-waiting", "/settings/mail", "#address", {
    address: "robin@reader.example",
    password: reader.password,
  });
  const link = await told.link("/mail/confirm");
  await told.look(robin, ["mail-confirm", link]);
  await told.answer(robin, "mail-confirmed", link, "#confirm", {});
  await told.answer(robin, "settings-mail", "/settings/mail", "#summary", { summary: "yes" });
  const stranger = await told.visitor();
  await told.answer(stranger, "forgotten-sent-again", "/signin/forgotten", "#forgotten", {
    who: reader.name,
  });
  const reset = await told.link("/signin/reset");
  await told.look(stranger, ["reset", reset]);
  await told.answer(stranger, "reset-wrong", reset, "#reset", { new: "short" });
}

/** pastPages are those of a reader in the middle of a month. */
export async function pastPages(told: Told, robin: BrowserContext): Promise<void> {
  await told.look(
    robin,
    ["month", "/month"],
    ["history", "/history"],
    ["history-month", "/history/2026-10"],
    ["statement", "/history/2026-10/statement"],
    ["history-authors", "/history/authors"],
    ["history-clicks", "/history/clicks"],
    ["history-clicks-found", "/history/clicks?q=heath"],
    ["history-clicks-none", "/history/clicks?q=nowhere+to+be+found"],
    ["promises", "/history/promises"],
    ["subscriptions", "/subscriptions"],
    ["settings-data", "/settings/data"],
  );
  await told.answer(robin, "settings-data-wrong", "/settings/data", "#gift", {
    to: "nobody-at-all",
    password: "a guess",
  });
  const paused = await told.open(robin, "/subscriptions");
  await submit(paused, "form[action='/subscriptions/pause'] button[type=submit]");
  await told.see("subscriptions-paused", paused);
  await paused.close();
  const ann = await told.member(other);
  await told.look(ann, ["month-other", "/month"]);
  const summary = await told.link("/mail/unsubscribe");
  const stranger = await told.visitor();
  await told.look(stranger, ["unsubscribe-summary", summary]);
  await told.answer(stranger, "unsubscribed", summary, "#unsubscribe", {});
  await leaving(told);
}

/** leaving is a member without means, who can have the account deleted. */
async function leaving(told: Told): Promise<void> {
  const code = (await told.set.ledger.command(["invite", "new"])).trim();
  const context = await told.visitor();
  const page = await told.open(context, `/signup?invite=${code}`);
  await page.type("#signup [name=name]", "quentin");
  await page.type("#signup [name=password]", "only here for a day");
  await submit(page, "#signup button[type=submit]");
  await page.close();
  await told.look(context, ["settings-data-leave", "/settings/data"]);
  await told.answer(context, "settings-data-leave-wrong", "/settings/data", "#delete", {
    name: "quentin",
    password: "a guess",
  });
}
