// A reader with a browser: joins, connects the companion, reads and flattrs.
import type { Page } from "puppeteer-core";
import { type Browser, click, text, visible } from "./browser.js";
import * as pages from "./pages.js";
import { until } from "./programs.js";
import type { Article } from "./site/articles.js";
import type { Stage } from "./stage.js";

/** BUTTON finds an article's Flattr button, whatever its form. */
export const BUTTON = ".FlattrButton, .thanks";

/** Figures are what the popup shows of the running month, as a reader reads it. */
export interface Figures {
  budget: string;
  clicks: string;
  share: string;
  unsent: number;
  problem: string;
  whole: string;
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
    await visible(page, "#signin");
    await page.close();
  }

  /** link signs in at the ledger and allows the companion to act there. */
  async link(): Promise<void> {
    const page = await this.onboarding();
    const opened = this.browser.chromium.waitForTarget((target) =>
      target.url().startsWith(`${this.stage.ledger.origin}/oauth/`),
    );
    await click(page, "#signin");
    const tab = await (await opened).page();
    if (!tab) throw new Error("sign-in opened no tab");
    await pages.consent(tab);
    await tab.close();
    await until("the extension knows the account", async () =>
      (await text(page, "main")).includes(this.person.name),
    );
    await page.close();
  }

  /** read allows the extension to find buttons on pages by itself. */
  async allowPages(): Promise<void> {
    const page = await this.onboarding();
    await this.browser.allow(page, "#sites", async () => {
      const background = await this.browser.background();
      return background.evaluate(() =>
        chrome.permissions.contains({ origins: ["http://*/*", "https://*/*"] }),
      );
    });
    await page.close();
  }

  private onboarding(): Promise<Page> {
    return this.browser.open(this.browser.own("onboard.html"));
  }

  /** visit opens an article and waits until the extension has seen its button. */
  async visit(article: Article): Promise<Page> {
    const url = this.stage.site.urlOf(article);
    const page = await this.browser.open(url);
    await until(`a badge on ${article.slug}`, async () => (await this.browser.badge(url)) === "1");
    return page;
  }

  /** flattr reads an article and clicks its button with the mouse. */
  async flattr(article: Article): Promise<void> {
    const page = await this.visit(article);
    const before = await this.browser.title(page.url());
    await click(page, BUTTON);
    await until(
      `the toolbar tells of the click on ${article.slug}`,
      async () => (await this.browser.title(page.url())) !== before,
    );
    await page.close();
  }

  /** figures reads the toolbar's popup over the page that is open. */
  async figures(page: Page, picture?: string): Promise<Figures> {
    const popup = await this.browser.popup(page);
    await visible(popup, "[data-field=budget]");
    const field = (name: string) =>
      popup.$$eval(
        `[data-field=${name}]`,
        (found) => (found[0] as HTMLElement | undefined)?.innerText.trim() ?? "",
      );
    const figures = {
      budget: await field("budget"),
      clicks: await field("clicks"),
      share: await field("share"),
      unsent: Number.parseInt((await field("unsent")) || "0", 10),
      problem: await field("problem"),
      whole: await text(popup, "body"),
    };
    if (picture) await popup.screenshot({ path: picture as `${string}.png` });
    await popup.close();
    return figures;
  }
}
