// A real Chromium with the extension as it is shipped, and a reader's hands:
// mouse clicks, the toolbar's popup, and answers to the browser's questions.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import puppeteer, {
  type Browser as Chromium,
  type ElementHandle,
  type Page,
  type WebWorker,
} from "puppeteer-core";
import type { Display } from "./display.js";
import { binary, delay, finish, root, succeed, until } from "./programs.js";

/** DIST holds the extension as it was built for each browser: what is shipped, or the build that is named. */
export const DIST = path.resolve(
  process.env["FLATTR_EXTENSION_DIST"] ?? path.join(root, "extension", "dist"),
);

/** EXTENSION is the folder that is tested: the very bytes that are shipped. */
export const EXTENSION = path.join(DIST, "chrome");

/** Chromium drops answers to a permission question for its first half second. */
const PROMPT_GUARD_MS = 900;

/** A reader looks before clicking; on a button that has only just come, the extension takes no click. */
export const LOOK_MS = 900;

export interface Options {
  display: Display;
  profile: string; // the browser's folder, made anew by the caller
  state: string; // the companion's, by which the native host finds it
  extension?: string; // the build to load, where it is not the one that is shipped
  args?: readonly string[];
}

/** chromium is the path of a Chromium on this machine, if there is one. */
export function chromium(): string | undefined {
  return ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((file) => existsSync(file));
}

/** whatIsMissing says what to install before a browser can be shown, or nothing. */
export async function whatIsMissing(display: Display | undefined): Promise<string | undefined> {
  const missing: string[] = [];
  if (!chromium()) missing.push("chromium");
  for (const [command, name] of display ? [] : [["Xvfb", "xvfb"] as const, ["xdotool", "xdotool"] as const]) {
    if (!(await finish("which", [command])).stdout.trim()) missing.push(name);
  }
  if (missing.length === 0) return undefined;
  return `no browser here: sudo apt-get install --no-install-recommends ${missing.join(" ")}`;
}

export class Browser {
  private constructor(
    readonly chromium: Chromium,
    readonly id: string,
    private readonly display: Display,
  ) {}

  static async launch(options: Options): Promise<Browser> {
    const executablePath = chromium();
    if (!executablePath) throw new Error("no Chromium here: apt-get install chromium");
    await installHost(options.profile);
    const started = await puppeteer.launch({
      browser: "chrome",
      executablePath,
      headless: false,
      pipe: true,
      enableExtensions: true,
      userDataDir: options.profile,
      protocolTimeout: 60_000,
      defaultViewport: null,
      env: { ...process.env, DISPLAY: options.display.name, FLATTR_STATE: options.state, LANGUAGE: "en" },
      args: [
        ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
        "--disable-gpu",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--password-store=basic",
        "--lang=en",
        "--window-position=0,0",
        "--window-size=1280,900",
        // Nothing leaves this machine; site.test stands for a host on the internet.
        "--host-resolver-rules=MAP site.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ...(options.args ?? []),
      ],
    });
    const browser = new Browser(
      started,
      await started.installExtension(options.extension ?? EXTENSION),
      options.display,
    );
    // The extension welcomes the reader in a tab; it takes the front when it comes.
    const welcome = await started.waitForTarget((target) => target.url() === browser.own("onboard.html"));
    await (await welcome.page())?.close();
    return browser;
  }

  async close(): Promise<void> {
    await this.chromium.close();
  }

  /** open shows a page in a tab of its own. */
  async open(url: string): Promise<Page> {
    const page = await this.chromium.newPage();
    await page.goto(url, { waitUntil: "domcontentloaded" });
    await page.bringToFront();
    return page;
  }

  /** own is the address of one of the extension's pages. */
  own(file: string): string {
    return `chrome-extension://${this.id}/${file}`;
  }

  /** background is the extension's service worker. */
  async background(): Promise<WebWorker> {
    const target = await this.chromium.waitForTarget(
      (candidate) => candidate.type() === "service_worker" && candidate.url().includes(this.id),
    );
    const worker = await target.worker();
    if (!worker) throw new Error("the extension's background has no worker");
    return worker;
  }

  /** badge is the text on the toolbar's icon for the tab that shows url. */
  async badge(url: string): Promise<string> {
    const worker = await this.background();
    return worker.evaluate(async (wanted) => {
      const tabs = await chrome.tabs.query({});
      const tab = tabs.find((candidate) => candidate.url === wanted);
      return tab?.id === undefined ? "no tab" : chrome.action.getBadgeText({ tabId: tab.id });
    }, url);
  }

  /** title is what the toolbar's icon says in words for the tab that shows url. */
  async title(url: string): Promise<string> {
    const worker = await this.background();
    return worker.evaluate(async (wanted) => {
      const tabs = await chrome.tabs.query({});
      const tab = tabs.find((candidate) => candidate.url === wanted);
      return tab?.id === undefined ? "no tab" : chrome.action.getTitle({ tabId: tab.id });
    }, url);
  }

  /** popup opens the toolbar's popup over a page, as a click on the icon does. */
  async popup(page: Page): Promise<Page> {
    await page.bringToFront();
    const extension = (await this.chromium.extensions()).get(this.id);
    if (!extension) throw new Error("the browser does not know the extension");
    await extension.triggerAction(page);
    const target = await this.chromium.waitForTarget(
      (candidate) => candidate.url() === this.own("popup.html"),
    );
    return target.asPage();
  }

  /**
   * allow clicks a button that makes the browser ask the reader, and says yes
   * as the reader would; granted tells when the browser has taken it.
   */
  async allow(page: Page, button: string, granted: () => Promise<boolean>): Promise<void> {
    await page.bringToFront();
    for (let attempt = 1; ; attempt++) {
      await click(page, button);
      if (await this.answer(page, granted)) return;
      if (attempt === 3) throw new Error(`the browser did not take the reader's yes to ${button}`);
    }
  }

  private async answer(page: Page, granted: () => Promise<boolean>): Promise<boolean> {
    const tolerant = () => granted().catch(() => false); // the page may be on its way to another
    if (!this.display.own) return until("you allow what the browser asks", tolerant, 120);
    // The question takes the focus from the page, and gives it back.
    await until("the browser asks", async () => (await tolerant()) || !(await focused(page)), 10);
    if (await tolerant()) return true;
    await delay(PROMPT_GUARD_MS);
    await this.display.press("Tab", "Return");
    return until("the browser has its answer", tolerant, 3).catch(() => false);
  }
}

function focused(page: Page): Promise<boolean> {
  return page.evaluate(() => document.hasFocus()).catch(() => true);
}

/** installHost lays the native host's manifest where the browser looks for it. */
async function installHost(profile: string): Promise<void> {
  const folder = path.join(profile, "NativeMessagingHosts");
  mkdirSync(folder, { recursive: true });
  const manifest = await succeed(binary("flattrd"), ["native-host", "--print-manifest", "chromium"]);
  writeFileSync(path.join(folder, "org.flattr.pair.json"), manifest);
}

/** click is a real click of the mouse in the middle of the first visible match. */
export async function click(page: Page, selector: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const element = await visible(page, selector);
    try {
      await element.scrollIntoView();
      if (page.url().startsWith("http")) await delay(LOOK_MS);
      await element.click();
      return;
    } catch (error) {
      // A page that draws itself anew may take the element away under the pointer.
      if (attempt === 5 || !/detached|not clickable/.test(String(error))) throw error;
    } finally {
      await element.dispose();
    }
  }
}

/** visible waits for a match that is shown, on a tab in front: others draw nothing. */
export async function visible(page: Page, selector: string): Promise<ElementHandle> {
  if (!page.url().endsWith("popup.html")) await page.bringToFront();
  const element = await page.waitForSelector(selector, { visible: true, timeout: 20_000 });
  if (!element) throw new Error(`${page.url()} shows no ${selector}`);
  return element;
}

/** type fills a field of a form with what a reader types. */
export async function type(page: Page, selector: string, text: string): Promise<void> {
  const field = await visible(page, selector);
  await field.click({ count: 3 });
  await field.type(text);
  await field.dispose();
}

/** submit clicks a form's button and waits for the page that follows. */
export async function submit(page: Page, selector: string): Promise<void> {
  await Promise.all([page.waitForNavigation({ waitUntil: "domcontentloaded" }), click(page, selector)]);
}

/** text is what a reader reads of the first match, blanks folded. */
export async function text(page: Page, selector: string): Promise<string> {
  // biome-ignore lint/performance/useDomNodeTextContent: what is hidden is not read
  const found = await page.$eval(selector, (element) => (element as HTMLElement).innerText);
  return found.replaceAll(/\s+/g, " ").trim();
}
