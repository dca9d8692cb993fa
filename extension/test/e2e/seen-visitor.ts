// What somebody sees who is no member yet, or not signed in.

import type { BrowserContext } from "puppeteer-core";
import { author, reader } from "./published.js";
import type { Told } from "./seen.js";
import { joining } from "./seen-start.js";

/** visitorsPages goes from the front page to a membership, and to what stands in the way of one. */
export async function visitorsPages(told: Told, robin: BrowserContext): Promise<void> {
  const stranger = await told.visitor();
  await told.look(
    stranger,
    ["front", "/"],
    ["front-wrong", "/?budget=1&clicks=0"],
    ["money", "/money"],
    ["privacy", "/privacy"],
    ["sign-in", "/signin"],
    ["sign-in-first", "/signin?next=/payout"],
    ["sign-up", "/signup"],
    ["forgotten", "/signin/forgotten"],
    ["problem-not-found", "/nowhere"],
    ["reset-over", "/signin/reset?token=long-used"],
    ["unsubscribe", "/mail/unsubscribe?token=somebody"],
  );
  await told.look(robin, ["front-member", "/"]);
  await told.answer(stranger, "sign-in-wrong", "/signin", "#signin", {
    name: reader.name,
    password: "a guess",
  });
  await told.answer(stranger, "forgotten-sent", "/signin/forgotten", "#forgotten", { who: author.name });
  await foreign(told, stranger);
  await joining(told);
  await guessing(told);
}

/** foreign is a form on somebody else's page that is sent to the ledger. */
async function foreign(told: Told, context: BrowserContext): Promise<void> {
  const { site } = told.set;
  site.extra.set(
    "/form",
    `<form method="post" action="${told.origin}/signin"><button type="submit">Go</button></form>`,
  );
  const page = await told.open(context, `${site.origin}/form`);
  await page.setExtraHTTPHeaders({ "accept-language": told.language }); // cookies do not come along
  await Promise.all([page.waitForNavigation(), page.click("button")]);
  await told.see("problem-refused", page);
  await page.close();
}

/** guessing is somebody who tries one password after the other. */
async function guessing(told: Told): Promise<void> {
  const context = await told.visitor();
  const page = await told.open(context, "/signin");
  for (let turn = 0; turn < 20; turn++) {
    await page.$eval(
      "#signin",
      (form, guess) => {
        for (const [name, value] of [
          ["name", "somebody"],
          ["password", `guess ${guess}`],
        ] as const) {
          const field = form.querySelector<HTMLInputElement>(`[name=${name}]`);
          if (field !== null) field.value = value;
        }
      },
      turn,
    );
    const [answer] = await Promise.all([page.waitForNavigation(), page.click("#signin button[type=submit]")]);
    if (answer?.status() === 429) break;
  }
  await told.see("sign-in-too-often", page);
  await page.close();
}
