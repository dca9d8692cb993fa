// The story of an author, told by clicks in a real Chromium: a site is claimed, a button put on its pages, readers flattr
// there, a co-author gets a part, the month is settled, and what it brought is downloaded.
import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Page } from "puppeteer-core";
import { text, type } from "./browser.js";
import { download } from "./downloads.js";
import type * as pages from "./pages.js";
import { author, copied, follow, type Published, reader, submit } from "./published.js";
import { inPublished } from "./published-suite.js";
import { frame } from "./site/site.js";
import type { Suite } from "./suite.js";
import { type Line, lines } from "./tables.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "flattr-author-story-"));

/** ESSAYS are what the author writes; the first title is one that a spreadsheet would take for a formula. */
const ESSAYS = [
  ["peat", `=SUM(A1:A9); "Peat" & <moss>`],
  ["oak", "Bog oak"],
] as const;

/** PART is the co-author's, in basis points. */
const PART = 3333;

/** now are the month that runs, and the moment an hour after its grace. */
function now(): { month: string; after: string } {
  const today = new Date();
  const end = Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + 1, 1);
  return {
    month: today.toISOString().slice(0, 7),
    after: new Date(end + 73 * 3600 * 1000).toISOString().replace(".000", ""),
  };
}

interface People {
  miriam: Page; // the author
  tomas: Page; // writes with her
  robin: Page;
  ines: Page;
}

/** site is the author's work at home: it is claimed, and every page gets a button. */
async function site(suite: Suite, set: Published, { miriam }: People): Promise<void> {
  const { origin, extra } = set.site;
  await suite.test("the author proves that a site is hers", async () => {
    await follow(miriam, "Sites");
    extra.set("/", frame("Moss", "<h1>Moss</h1>", await copied(miriam, "meta")));
    await type(miriam, "#site", `${origin}/`);
    await submit(miriam, "#claim button[type=submit]");
    assert.match(await text(miriam, "main"), /moss\.test:\d+: proved\..* named by: the head of the page/);
  });
  await suite.test("she copies a button into each of her pages", async () => {
    for (const [slug, title] of ESSAYS) {
      await follow(miriam, "Buttons for your pages");
      await type(miriam, "#url", `${origin}/${slug}`);
      await type(miriam, "#title", title);
      await submit(miriam, "#choose button[type=submit]");
      extra.set(`/${slug}`, frame(slug, `<h1>${slug}</h1><p>${await copied(miriam, "link")}</p>`));
    }
  });
}

/** readers click the buttons: robin both, and a thing of somebody else; ines one. */
async function readers(suite: Suite, set: Published, { robin, ines }: People): Promise<void> {
  const press = async (page: Page, url: string) => {
    await page.goto(url);
    await submit(page, "p > a > svg");
    await submit(page, "#flattr button[type=submit]");
    assert.match(await text(page, "main"), /^Flattred\. It is worth €/);
  };
  await suite.test("two readers flattr what she wrote", async () => {
    for (const [slug] of ESSAYS) await press(robin, `${set.site.origin}/${slug}`);
    await press(ines, `${set.site.origin}/peat`);
    await robin.goto(`${set.ledger.origin}/submit/auto?url=https%3A%2F%2Fheather.example%2Flark`);
    await submit(robin, "#flattr button[type=submit]");
  });
}

/** meanwhile is what the author does while the month runs. */
async function meanwhile(suite: Suite, set: Published, people: People): Promise<void> {
  const { miriam, tomas, robin, ines } = people;
  await suite.test("the author sees the clicks, but no single days of two readers", async () => {
    await follow(miriam, "My revenue");
    await follow(miriam, "My things");
    assert.match(await text(miriam, "main"), /2 things are yours\..*moss\.test:\d+\/peat 2 €2\.667 2 clicks/);
    await submit(miriam, "tr[data-thing] a");
    assert.match(await text(miriam, "main"), /Clicks of all time 2 .* so that nobody is picked out\./);
    assert.equal(await miriam.$("[data-days]"), null);
  });
  await suite.test("she shares the site with a co-author, who sees it", async () => {
    await follow(miriam, "Co-authors");
    await type(miriam, "#url", `${set.site.origin}/`);
    await submit(miriam, "#share button[type=submit]");
    const rows = "#share tbody tr";
    await type(miriam, `${rows}:nth-child(1) [name=percent]`, "66.67");
    await type(miriam, `${rows}:nth-child(2) [name=name]`, "tomas");
    await type(miriam, `${rows}:nth-child(2) [name=percent]`, "33.33");
    await submit(miriam, "#share button[value=look]");
    await type(miriam, "#share-password", author.password);
    await submit(miriam, "#save");
    await follow(tomas, "My revenue");
    await follow(tomas, "My things");
    assert.match(await text(tomas, "main"), /\/peat your part: 33\.33% 2 €0\.889 2 clicks/);
  });
  await suite.test("she says where to pay, which takes her password", async () => {
    await follow(miriam, "Payout");
    for (const password of ["guessed wrong", author.password]) {
      await type(miriam, "#iban", "DE89 3704 0044 0532 0130 00");
      await type(miriam, "#holder", "Miriam Moss");
      await type(miriam, "#password", password);
      await submit(miriam, "#payout button[type=submit]");
      const set = (await text(miriam, "main")).includes("•••• 3000");
      assert.equal(set, password === author.password);
    }
  });
  await suite.test("her word of thanks is shown once to each who flattred, and to nobody else", async () => {
    await follow(miriam, "A word of thanks");
    await type(miriam, `#text-${now().month}`, "Thank you. It paid for new boots.");
    await submit(miriam, `#note-${now().month} button[type=submit]`);
    for (const page of [robin, ines]) {
      await follow(page, "My month");
      await submit(page, `a[href^="/history/"][href*="#thanks-"]`);
      const notes = await page.$$eval("blockquote", (all) => all.map((note) => note.dataset["author"]));
      assert.deepEqual(notes, [author.name]);
      assert.match(await text(page, "blockquote"), /^Thank you\. It paid for new boots\. miriam/);
    }
    await follow(tomas, "My month");
    assert.equal(await tomas.$(`a[href*="#thanks-"]`), null);
  });
}

/** Row is what a thing brought the author: micro-EUR, and clicks. */
interface Row {
  readonly url: string;
  readonly title: string;
  readonly clicks: number;
  readonly micro: number;
}

/** earned reckons the author's part of every thing from the shares of the settlement (product rule 13). */
function earned(statement: readonly Line[], origin: string): Row[] {
  const rows = ESSAYS.map(([slug, title]) => {
    const url = `${origin}/${slug}`;
    const shares = statement.filter((line) => line.type === "share" && line["url"] === url);
    const gross = shares.reduce((sum, line) => sum + Number(line["micro"]), 0);
    return { url, title, clicks: shares.length, micro: gross - Math.floor((gross * PART) / 10_000) };
  });
  return rows.sort((a, b) => b.micro - a.micro);
}

/** report writes rows as the monthly report of authors. */
function report(rows: readonly Row[], ids: Readonly<Record<string, string>>, origin: string): string {
  const quoted = (words: string) => `"${words.replace(/^[=+@-]/, "'$&").replaceAll('"', '""')}"`;
  const cents = (micro: number) =>
    `${Math.floor(micro / 1e6)},${String(Math.floor((micro % 1e6) / 1e4)).padStart(2, "0")}`;
  const body = rows.map(({ url, title, clicks, micro }) => {
    const id = ids[url] ?? "";
    const link = quoted(`${origin}/thing/${id}`);
    return [now().month, id, link, quoted(url), quoted(title), clicks, cents(micro), clicks].join(";");
  });
  return ["period;id;flattr url;url;title;clicks;revenue;clicks total", ...body, ""].join("\n");
}

/** monthEnd settles, and the author looks at what it brought. */
async function monthEnd(suite: Suite, set: Published, { miriam }: People): Promise<void> {
  const { ledger, site } = set;
  const { month, after } = now();
  let rows: Row[] = [];
  await suite.test("the operator closes the month", async () => {
    await ledger.command(["settle", "--month", month, "--now", after]);
    rows = earned(
      lines(await ledger.command(["statement", "--month", month, "--format", "ndjson"])),
      site.origin,
    );
    await ledger.command(["audit"]); // fails where something is wrong
  });
  const sum = () => rows.reduce((all, { micro }) => all + micro, 0);
  await suite.test("the author sees what it brought, as a chart with the table beside it", async () => {
    await follow(miriam, "My revenue");
    assert.equal(
      await miriam.$eval(".settled [data-net]", (cell) => (cell as HTMLElement).dataset["net"]),
      `${sum()}`,
    );
    assert.equal((await miriam.$$("svg.chart [class*=bar]")).length > 0, true);
    assert.ok(await miriam.$(`tr[data-year="${month.slice(0, 4)}"] [data-micro="${sum()}"]`));
  });
  await suite.test("she downloads the monthly report, which is what the settlement says", async () => {
    const things = await miriam.browserContext().newPage();
    await things.goto(`${ledger.origin}/things`);
    const ids = Object.fromEntries(
      await things.$$eval("tr[data-thing]", (all) =>
        all.map((row) => [
          `http://${row.querySelector("small bdi")?.textContent}`,
          row.dataset["thing"] ?? "",
        ]),
      ),
    );
    await things.close();
    const files = path.join(folder, "downloads");
    mkdirSync(files);
    const { name, bytes } = await download(miriam, `a[href="/revenue.csv?month=${month}"]`, files);
    assert.equal(name, `flattr-revenue-${month.replace("-", "")}.csv`);
    assert.equal(bytes.toString("utf8"), report(rows, ids, ledger.origin));
    const json = await download(miriam, `a[href="/revenue.json?month=${month}"]`, files);
    assert.equal(JSON.parse(json.bytes.toString("utf8"))["net_micro"], sum());
  });
  await suite.test("she moves a part of it to her means, and sees that it went there", async () => {
    await follow(miriam, "Payout");
    await type(miriam, "#amount", "1.00");
    await submit(miriam, "#use-revenue button[type=submit]");
    assert.match(await text(miriam, "main"), /€1\.00 moved to your means\./);
    assert.ok(await miriam.$(`#moves [data-code=use] [data-micro="-1000000"]`));
    await ledger.command(["audit"]);
  });
}

/** feed is what those follow who want to know of new things. */
async function feed(suite: Suite, set: Published, { miriam }: People): Promise<void> {
  await suite.test("once her profile is public, her feed names what she wrote", async () => {
    await follow(miriam, "Profile");
    await miriam.click("#seen-public");
    await submit(miriam, "#profile button[type=submit]");
    await follow(miriam, "My revenue");
    const [response] = await Promise.all([
      miriam.waitForResponse(`${set.ledger.origin}/profile/${author.name}/things.atom`),
      miriam.click(`::-p-xpath(//a[normalize-space(.)="Feed"])`),
    ]);
    assert.match(response.headers()["content-type"] ?? "", /^application\/atom\+xml/);
    const titles = [...(await response.text()).matchAll(/<entry>.*?<title>(.*?)<\/title>/gs)].map(
      ([, title]) => title,
    );
    assert.deepEqual(titles.sort(), [`=SUM(A1:A9); &#34;Peat&#34; &amp; &lt;moss&gt;`, "Bog oak"]);
  });
}

async function story(suite: Suite, set: Published): Promise<void> {
  const person = async (one: pages.Person, means: string) => set.join(await set.visitor(), one, means);
  const people: People = {
    miriam: await person(author, "0.00"),
    tomas: await person({ ...reader, name: "tomas" }, "0.00"),
    robin: await person(reader, "2.00"),
    ines: await person({ ...reader, name: "ines" }, "2.00"),
  };
  await set.load([{ type: "thing", url: "https://heather.example/lark", owner: "tomas", title: "The lark" }]);
  await site(suite, set, people);
  await readers(suite, set, people);
  await meanwhile(suite, set, people);
  await monthEnd(suite, set, people);
  await feed(suite, set, people);
}

await inPublished("the story of an author in Chromium", folder, story);
