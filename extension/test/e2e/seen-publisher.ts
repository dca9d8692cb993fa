// What publishers and their readers see: applications, claims, buttons, profiles, and links that flattr.
import { strict as assert } from "node:assert";
import type { BrowserContext, Page } from "puppeteer-core";
import { author, HOST, type Published, submit } from "./published.js";
import { type Told, typed as typeInto } from "./seen.js";

/** publishersPages are those of an author and of readers who follow a link. */
export async function publishersPages(
  told: Told,
  robin: BrowserContext,
  miriam: BrowserContext,
): Promise<void> {
  const { set } = told;
  const who = { author: await miriam.newPage(), reader: await robin.newPage() };
  await profile(told, who.author);
  const consent = await applications(set, who);
  await told.see("consent", consent);
  await consent.close();
  await claims(set, who.author);
  await links(told, robin);
  await buttons(told, miriam);
  const stranger = await told.visitor();
  await told.look(stranger, ["profile", `/@${author.name}`], ["optout", "/optout"], ["api", "/docs/api"]);
  await told.answer(stranger, "optout-noted", "/optout", "#optout", { site: "https://quiet.example/" });
  await told.look(miriam, ["profile-own", "/profile"], ["claims", "/claims"]);
  await told.answer(miriam, "claims-wrong", "/claims", "#claim", { site: "nowhere" });
  await told.answer(miriam, "applications", "/applications", "#register", {
    name: "Bot",
    callback: "https://bot.example/callback",
  });
  await told.look(robin, ["grants", "/grants"]);
  await who.author.close();
  await who.reader.close();
}

/** links are what readers follow from a page without the extension. */
async function links(told: Told, robin: BrowserContext): Promise<void> {
  const { origin } = told.set.site;
  const at = (url: string) => `/submit/auto?url=${encodeURIComponent(url)}`;
  const fresh = `/submit/auto?${new URLSearchParams({ url: "https://heron.example/tides", user_id: "heron", title: "Tide tables for herons", description: "Four weeks at the mouth of a river, hour by hour.", language: "en_GB", tags: "birds,sea", category: "text" })}`;
  await told.look(await told.visitor(), ["thing-visitor", at(`${origin}/peat`)]);
  await told.look(robin, ["thing", at(`${origin}/bog-oak`)], ["submit-before", fresh]);
  await told.answer(robin, "submit-after", fresh, "#flattr", {});
}

/** buttons are the configurator, empty, filled and wrong. */
async function buttons(told: Told, miriam: BrowserContext): Promise<void> {
  const { origin } = told.set.site;
  const chosen = (size: string, language: string, url = `${origin}/peat`) =>
    `/buttons?${new URLSearchParams({ url, user_id: author.name, title: "What peat remembers", size, language })}`;
  const stranger = await told.visitor();
  await told.look(miriam, ["buttons-large", chosen("large", "en_GB")]);
  await told.look(
    stranger,
    ["buttons-empty", "/buttons"],
    ["buttons-compact", chosen("compact", "de_DE")],
    ["buttons-wrong", chosen("large", "en_GB", "nowhere")],
  );
}

/** profile has the author say who she is, to everybody. */
async function profile(told: Told, page: Page): Promise<void> {
  await page.goto(`${told.origin}/profile`);
  const german = told.language === "de";
  const texts: Record<string, string> = {
    firstname: "Miriam",
    lastname: "Moss",
    about: german
      ? "Ich schreibe über Moore: wie sie wachsen, wer in ihnen lebt\nund was verloren geht, wenn sie trocken fallen."
      : "I write about bogs: how they grow, who lives in them,\nand what is lost when they fall dry.",
    city: "Worpswede",
    country: german ? "Deutschland" : "Germany",
    url: `${told.set.site.origin}/`,
  };
  for (const [name, text] of Object.entries(texts)) await typeInto(page, `#${name}`, text);
  await page.click("#seen-public");
  await submit(page, "#profile button[type=submit]");
}

/** applications lets one of the author's ask the reader and be allowed; the page that asks is shown. */
async function applications(set: Published, who: { author: Page; reader: Page }): Promise<Page> {
  const { ledger, site } = set;
  await who.author.goto(`${ledger.origin}/applications`);
  await typeInto(who.author, "#app-name", "Podcast player");
  await typeInto(who.author, "#app-callback", `http://127.0.0.1:${site.port}/callback`);
  await submit(who.author, "#register button[type=submit]");
  const [id, secret] = await who.author.evaluate(() =>
    ["#client-id", "#client-secret"].map((code) => document.querySelector(code)?.textContent ?? ""),
  );
  const consent = await who.reader.browserContext().newPage();
  const query = new URLSearchParams({
    response_type: "code",
    client_id: id ?? "",
    scope: "flattr thing email",
    state: "x",
  });
  await consent.goto(`${ledger.origin}/oauth/authorize?${query}`);
  const other = await who.reader.browserContext().newPage();
  await other.goto(consent.url());
  await submit(other, "#allow");
  const code = new URL(other.url()).searchParams.get("code") ?? "";
  await other.close();
  const exchanged = await fetch(`${ledger.origin}/oauth/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` },
    body: new URLSearchParams({ grant_type: "authorization_code", code }),
  });
  assert.equal(exchanged.status, 200, await exchanged.text());
  return consent;
}

/** claims lets the author claim three sites: one that is proved, one that says nothing, one that cannot be read. */
async function claims(set: Published, page: Page): Promise<void> {
  const { ledger, site } = set;
  await page.goto(`${ledger.origin}/claims`);
  const meta = await page.$eval("#meta", (area) => (area as HTMLTextAreaElement).value);
  site.extra.set(
    "/",
    `<!DOCTYPE html><html lang="en"><head><title>Moss</title>${meta}</head><body></body></html>`,
  );
  for (const claimed of [
    `${site.origin}/`,
    `http://blog.${HOST}:${site.port}/~miriam/`,
    "https://away.example/",
  ]) {
    await typeInto(page, "#site", claimed);
    await submit(page, "#claim button[type=submit]");
  }
}
