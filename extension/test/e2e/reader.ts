// A reader with a browser: joins, connects the companion, reads and flattrs.
import type { Page } from "puppeteer-core";
import { type Browser, click, text, visible } from "./browser.js";
import { sheetOf } from "./chromium.js";
import type { Sheet } from "./hands.js";
import * as pages from "./pages.js";
import { until } from "./programs.js";
import type { Article } from "./site/articles.js";
import type { Stage } from "./stage.js";

/** BUTTON finds an article's Flattr button, whatever its form; what stands in for it comes first. */
export const BUTTON = "flattr-button, .FlattrButton, .thanks";

/** Figures are what the popup shows of the running month, as a reader reads it. */
export interface Figures {
  state: string; // of the whole popup: ready, away, …
  budget: string;
  clicks: number;
  share: string;
  unsent: number;
  problem: string;
  things: { standing: string; text: string }[]; // of the page
  recent: { click: string; state: string; text: string }[]; // newest first
  whole: string; // everything there is to read
}

export class Reader {
  constructor(
    readonly browser: Browser,
    readonly stage: Stage,
    readonly person: pages.Person,
  ) {}

  /** connect pairs with the companion by the native host, as the reader does. */
  async connect(): Promise<void> {
    const page = await this.onboarding();
    await this.browser.allow(page, "#connect", async () => {
      const background = await this.browser.background();
      return background.evaluate(() => chrome.permissions.contains({ permissions: ["nativeMessaging"] }));
    });
    await visible(page, "#step-connect[data-state=done]");
    await page.close();
  }

  /** link allows the companion, at the ledger, to act for the member who is signed in there. */
  async link(): Promise<void> {
    const page = await this.onboarding();
    const opened = this.browser.chromium.waitForTarget((target) =>
      target.url().startsWith(`${this.stage.ledger.origin}/oauth/`),
    );
    await click(page, "#link");
    const tab = await (await opened).page();
    if (!tab) throw new Error("the sign-in opened no tab");
    await pages.consent(tab);
    await tab.close();
    await page.bringToFront();
    await visible(page, "#step-link[data-state=ask]");
    const question = await text(page, "#step-link");
    if (!question.includes(this.person.name))
      throw new Error(`asked for another than the reader: ${question}`);
    await click(page, "#link-yes");
    await visible(page, "#step-link[data-state=done]");
    await page.close();
  }

  /** allowPages lets the extension find buttons on pages by itself. */
  async allowPages(): Promise<void> {
    const page = await this.onboarding();
    await this.browser.allow(page, "#allow", async () => {
      const background = await this.browser.background();
      return background.evaluate(() =>
        chrome.permissions.contains({ origins: ["http://*/*", "https://*/*"] }),
      );
    });
    await visible(page, "#step-allow[data-state=done]");
    await page.close();
  }

  private onboarding(): Promise<Page> {
    return this.browser.open(this.browser.own("onboard.html"));
  }

  /** visit opens a page and waits until the extension has found its things. */
  async visit(where: Article | string, things = 1): Promise<Page> {
    const url = typeof where === "string" ? where : this.stage.site.urlOf(where);
    const page = await this.browser.open(url);
    await until(
      `a badge with ${things} on ${url}`,
      async () => (await this.browser.badge(url)) === `${things}`,
    );
    return page;
  }

  /** flattr reads a page and clicks its button with the mouse. */
  async flattr(where: Article | string, picture?: string): Promise<void> {
    const page = await this.visit(where);
    await this.press(page);
    if (picture) await page.screenshot({ path: picture as `${string}.png` });
    await page.close();
  }

  /** press clicks the button on an open page, until the toolbar tells of it. */
  async press(page: Page): Promise<void> {
    const before = await this.browser.title(page.url());
    await click(page, BUTTON);
    await until(
      `the toolbar tells of the click on ${page.url()}`,
      async () => (await this.browser.title(page.url())) !== before,
    );
  }

  /** popup opens the toolbar's popup over a page and reads it. */
  async figures(page: Page, picture?: string): Promise<Figures> {
    const popup = await this.browser.popup(page);
    const figures = await read(popup);
    if (picture) await popup.screenshot({ path: picture as `${string}.png` });
    await popup.close();
    return figures;
  }
}

/** read gives what an open popup shows, once it knows how things stand. */
export async function read(popup: Page | Sheet): Promise<Figures> {
  const sheet = sheetOf(popup);
  await sheet.visible("body:not([data-state=loading])");
  return sheet.run(() => {
    // biome-ignore lint/performance/useDomNodeTextContent: what is hidden is not read
    const shown = (element: HTMLElement | null) => element?.innerText.replaceAll(/\s+/g, " ").trim() ?? "";
    const field = (name: string) => shown(document.querySelector(`[data-field=${name}]`));
    const number = (name: string) => Number.parseInt(field(name) || "0", 10);
    const items = (list: string) => [...document.querySelectorAll<HTMLElement>(`${list} li`)];
    return {
      state: document.body.dataset["state"] ?? "",
      budget: field("budget"),
      clicks: number("clicks"),
      share: field("share"),
      unsent: number("unsent"),
      problem: field("problem"),
      things: items("#things").map((item) => ({
        standing: item.dataset["standing"] ?? "",
        text: shown(item),
      })),
      recent: items("#recent").map((item) => ({
        click: item.dataset["click"] ?? "",
        state: item.dataset["state"] ?? "",
        text: shown(item),
      })),
      whole: shown(document.body),
    };
  });
}
