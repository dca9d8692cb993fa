// What somebody sees who begins: joining, the first steps, a companion that is linked, and pages that are still empty.
import { strict as assert } from "node:assert";
import { createHash, randomBytes } from "node:crypto";
import type { BrowserContext } from "puppeteer-core";
import * as pages from "./pages.js";
import type { Told } from "./seen.js";

/** joining is a new member, whose first pages are empty and who invites somebody. */
export async function joining(told: Told): Promise<void> {
  const context = await told.visitor();
  const page = await context.newPage();
  const means = (await told.set.ledger.command(["invite", "new", "--means", "10.00"])).trim();
  await pages.signUp(page, told.origin, { name: "nora", password: "a gate, a heron, a ford" }, means);
  await told.see("joined", page);
  await page.goto(`${told.origin}/month`);
  const letter = await page.$eval("a[href^='/invites/']", (link) => link.getAttribute("href") ?? "");
  await page.close();
  await told.look(context, ["invite-letter", letter]);
  const invited = `/signup?invite=${letter.split("/").at(-1) ?? ""}`;
  const stranger = await told.visitor();
  await told.look(stranger, ["sign-up-invited", invited]);
  const number = await told.open(stranger, invited);
  await number.type("#signup [name=budget]", "7.50");
  await told.see("sign-up-number", number);
  await number.close();
  await told.answer(stranger, "sign-up-wrong", invited, "#signup", { name: "a b", password: "short" });
  await told.look(
    context,
    ["month-empty", "/month"],
    ["history-empty", "/history"],
    ["history-authors-empty", "/history/authors"],
    ["promises-empty", "/history/promises"],
    ["subscriptions-empty", "/subscriptions"],
    ["things-empty", "/things"],
    ["revenue-empty", "/revenue"],
    ["parts-empty", "/parts"],
    ["payout-empty", "/payout"],
    ["claims-empty", "/claims"],
    ["applications-empty", "/applications"],
    ["grants-empty", "/grants"],
    ["data-means", "/settings/data"],
    ["notes-empty", "/notes"],
  );
  await told.answer(context, "month-wrong", "/month", "#budget", { budget: "1" });
  await short(told);
}

/** short is a new member whose budget is more than what the invite brought. */
async function short(told: Told): Promise<void> {
  const invite = (await told.set.ledger.command(["invite", "new", "--means", "5.00"])).trim();
  await told.answer(await told.visitor(), "joined-short", `/signup?invite=${invite}`, "#signup", {
    name: "piet",
    password: "a dyke and a bicycle",
    budget: "10.00",
  });
}

/** CALLBACK is where a companion waits for the answer; nobody listens there. */
const CALLBACK = "http://127.0.0.1:49152/callback";

/** companion is one that asks a reader, is allowed, and fetches its token. */
export async function companion(told: Told, robin: BrowserContext): Promise<void> {
  const verifier = randomBytes(32).toString("base64url");
  const asked = new URLSearchParams({
    response_type: "code",
    client_id: "flattr-companion",
    redirect_uri: CALLBACK,
    scope: "companion",
    state: "state-of-the-device",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  const page = await told.open(robin, `/oauth/authorize?${asked}`);
  await told.see("consent-companion", page);
  const [answer] = await Promise.all([
    page.waitForRequest((request) => request.url().startsWith(CALLBACK)),
    page.click("#allow"),
  ]);
  await page.close();
  const exchanged = await fetch(`${told.origin}/oauth/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: "flattr-companion",
      code: new URL(answer.url()).searchParams.get("code") ?? "",
      redirect_uri: CALLBACK,
      code_verifier: verifier,
    }),
  });
  assert.equal(exchanged.status, 200, await exchanged.text());
  await told.look(robin, ["welcome-done", "/welcome"]);
}
