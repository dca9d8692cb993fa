// A reader in either browser: connects the companion, reads and flattrs.
import { strict as assert } from "node:assert";
import type { Hands, Seen, Sheet } from "./hands.js";
import * as pages from "./pages.js";
import { until } from "./programs.js";
import { BUTTON, type Figures, read } from "./reader.js";
import type { Article } from "./site/articles.js";
import type { Stage } from "./stage.js";

/** Event is what the tests look at of an event that the extension keeps. */
export interface Event {
  key: string; // in storage.local
  type: string;
  id: string;
  at: string;
}

export class Guest {
  /** The tab in which the reader is signed in at the ledger. */
  #ledger: Sheet | undefined;

  constructor(
    readonly hands: Hands,
    readonly stage: Stage,
    readonly person: pages.Person,
  ) {}

  /** join makes a member with means and a budget. */
  async join(means: string, budget: string): Promise<void> {
    const { origin } = this.stage.ledger;
    const invite = await this.stage.invite(means);
    this.#ledger = await this.hands.open("about:blank");
    await pages.signUp(this.#ledger, origin, this.person, invite);
    await pages.setBudget(this.#ledger, origin, budget);
  }

  /** onboarding shows the three steps. */
  onboarding(): Promise<Sheet> {
    return this.hands.open(this.hands.own("onboard.html"));
  }

  /** link allows the companion, at the ledger, to act for the member who is signed in there. */
  async link(): Promise<void> {
    const page = await this.onboarding();
    await page.click("#link");
    const tab = await this.hands.find(`${this.stage.ledger.origin}/oauth/`);
    await tab.front();
    await pages.consent(tab);
    await tab.close();
    await page.front();
    await page.visible("#step-link[data-state=ask]");
    await page.click("#link-yes");
    await page.visible("#step-link[data-state=done]");
    await page.close();
  }

  /** address is where an article is read. */
  address(where: Article | string): string {
    return typeof where === "string" ? where : this.stage.site.urlOf(where);
  }

  /** visit opens a page and waits until the extension has found its things. */
  async visit(where: Article | string, things = 1): Promise<Sheet> {
    const url = this.address(where);
    const sheet = await this.hands.open(url);
    await this.counted(url, things);
    return sheet;
  }

  /** counted waits until the badge over the tab that shows url is a number; 0 is none. */
  async counted(url: string, things: number): Promise<void> {
    const wanted = things === 0 ? "" : `${things}`;
    await until(`a badge with "${wanted}" on ${url}`, async () => {
      const badge = await this.badge(url);
      if (badge !== wanted) throw new Error(`it shows "${badge}"`);
      return true;
    });
  }

  badge(url: string): Promise<string> {
    return this.hands.inside(async (wanted) => {
      const tab = (await chrome.tabs.query({})).find((candidate) => candidate.url === wanted);
      return tab?.id === undefined ? "no tab" : chrome.action.getBadgeText({ tabId: tab.id });
    }, url);
  }

  title(url: string): Promise<string> {
    return this.hands.inside(async (wanted) => {
      const tab = (await chrome.tabs.query({})).find((candidate) => candidate.url === wanted);
      return tab?.id === undefined ? "no tab" : chrome.action.getTitle({ tabId: tab.id });
    }, url);
  }

  /** press clicks a page's button with the mouse, and again where the page asks for it: the button had only just come. */
  async press(sheet: Sheet): Promise<void> {
    for (let attempt = 1; attempt <= 3; attempt++) {
      await sheet.click(BUTTON);
      const said = await until("the page says something", () => this.#said(sheet), 2).catch(() => "");
      if (!said.includes("once more")) return;
    }
  }

  async #said(sheet: Sheet): Promise<string | undefined> {
    return (await sheet.closed(".line")).find(({ height, text }) => height > 0 && text !== "")?.text;
  }

  /** line waits for the extension's own line in the page, which a click brings. */
  line(sheet: Sheet): Promise<Seen> {
    return until("the page shows our line", async () =>
      (await sheet.closed(".line")).find(({ height, text }) => height > 0 && text !== ""),
    );
  }

  /** undo clicks Undo in that line. */
  async undo(sheet: Sheet): Promise<void> {
    const { x, y, width, height } = await until("the line offers Undo", async () =>
      (await sheet.closed("[data-action=undo], .line button")).find((button) => button.height > 0),
    );
    await sheet.clickAt(x + width / 2, y + height / 2);
  }

  /** figures reads the popup about the tab that shows url. */
  async figures(url: string): Promise<Figures> {
    const popup = await this.hands.popup(url);
    const figures = await read(popup);
    await popup.close();
    return figures;
  }

  /** standing waits until the popup about a tab shows its one thing as wanted. */
  standing(url: string, wanted: string): Promise<Figures> {
    return until(`the popup shows ${url} as ${wanted}`, async () => {
      const figures = await this.figures(url);
      if (figures.things.length === 1 && figures.things[0]?.standing === wanted) return figures;
      throw new Error(JSON.stringify(figures));
    });
  }

  /** kept lists what waits in the extension's outbox, in order. */
  kept(): Promise<Event[]> {
    return this.hands.inside(async () => {
      const stored = await chrome.storage.local.get(null);
      const keys = Object.keys(stored).filter((key) => key.startsWith("out:"));
      return keys.sort().map((key) => {
        const { type, id, at } = (stored[key] as { message: { type: string; id: string; at: string } })
          .message;
        return { key, type, id, at };
      });
    });
  }

  /** month is the reader's month as the ledger shows it. */
  month(): Promise<pages.MonthFigures> {
    assert.ok(this.#ledger, "nobody has joined");
    return pages.month(this.#ledger, this.stage.ledger.origin);
  }

  /** counts waits until the ledger shows n counting clicks, in as many rows as there were events. */
  async counts(clicks: number, rows = clicks): Promise<pages.MonthFigures> {
    return until(
      `${clicks} clicks that count, in ${rows} rows`,
      async () => {
        const month = await this.month();
        if (month.clicks === clicks && month.rows.length === rows) return month;
        throw new Error(`the ledger shows ${month.clicks} in ${month.rows.length} rows`);
      },
      30,
    );
  }
}
