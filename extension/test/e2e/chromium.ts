// Chromium behind the same hands as Firefox, for the tests that run in both.
import type { CDPSession, Page } from "puppeteer-core";
import { type Browser, click, type, visible } from "./browser.js";
import type { Hands, Seen, Sheet } from "./hands.js";
import { until } from "./programs.js";
import { tree } from "./tree.js";

/** sheetOf is a page of either browser as the tests that run in both see it. */
export function sheetOf(page: Page | Sheet): Sheet {
  return "closed" in page ? page : new ChromiumSheet(page);
}

/** ChromiumHands is a Chromium that Browser has launched. */
export class ChromiumHands implements Hands {
  readonly name = "Chromium";
  #inside: Sheet | undefined;

  constructor(readonly browser: Browser) {}

  async open(url: string): Promise<Sheet> {
    return new ChromiumSheet(await this.browser.open(url));
  }

  async find(start: string): Promise<Sheet> {
    const target = await this.browser.chromium.waitForTarget((found) => found.url().startsWith(start));
    return new ChromiumSheet(await target.asPage());
  }

  own(file: string): string {
    return this.browser.own(file);
  }

  async inside<T, A extends unknown[]>(work: (...args: A) => T | Promise<T>, ...args: A): Promise<T> {
    this.#inside ??= await this.open(this.own("content.js")); // its text: a document that runs nothing
    return this.#inside.run(work, ...args);
  }

  // A worker that is not there is woken by a question from a document of the extension.
  async inBackground<T, A extends unknown[]>(work: (...args: A) => T | Promise<T>, ...args: A): Promise<T> {
    await this.inside(() => chrome.runtime.sendMessage({ kind: "overview" }));
    const worker = await this.browser.background();
    return (await worker.evaluate(work as never, ...(args as unknown as never[]))) as T;
  }

  async stopBackground(): Promise<void> {
    const { chromium } = this.browser;
    const running = chromium.targets().find((target) => target.type() === "service_worker");
    if (running === undefined) return;
    // A page that waits for an answer has the next worker started at once: this one must be gone. A browser that
    // was busy starting it may not have heard the first word.
    await until("the worker has ended", async () => {
      if (!chromium.targets().includes(running)) return true;
      const worker = await running.worker();
      await worker?.close().catch(() => {}); // it may end before the browser has answered
      return !chromium.targets().includes(running);
    });
  }

  async popup(url: string): Promise<Sheet> {
    const tab = await this.inside(async (wanted) => {
      const tabs = await chrome.tabs.query({});
      return tabs.find((candidate) => candidate.url === wanted)?.id;
    }, url);
    if (tab === undefined) throw new Error(`no tab shows ${url}`);
    return this.open(this.own(`popup.html?tab=${tab}`));
  }

  // The folder that was loaded is loaded anew, as after the browser has put an update there.
  async update(folder: string): Promise<void> {
    this.#inside = undefined; // the update closes every page of the extension
    await this.browser.chromium.installExtension(folder);
  }

  async pids(): Promise<readonly number[]> {
    return tree(this.browser.chromium.process()?.pid ?? 0);
  }

  close(): Promise<void> {
    return this.browser.close();
  }
}

class ChromiumSheet implements Sheet {
  constructor(private readonly page: Page) {}

  async goto(url: string): Promise<void> {
    await this.page.bringToFront(); // what is hidden is not read
    await this.page.goto(url, { waitUntil: "domcontentloaded" });
  }

  async back(): Promise<void> {
    await this.page.bringToFront();
    await this.page.goBack({ waitUntil: "domcontentloaded" });
  }

  async forward(): Promise<void> {
    await this.page.bringToFront();
    await this.page.goForward({ waitUntil: "domcontentloaded" });
  }

  async run<T, A extends unknown[]>(work: (...args: A) => T | Promise<T>, ...args: A): Promise<T> {
    return (await this.page.evaluate(work as never, ...(args as unknown as never[]))) as T;
  }

  click(selector: string): Promise<void> {
    return click(this.page, selector);
  }

  async clickAt(x: number, y: number): Promise<void> {
    await this.page.bringToFront();
    await this.page.mouse.click(x, y);
  }

  type(selector: string, text: string): Promise<void> {
    return type(this.page, selector, text);
  }

  async visible(selector: string): Promise<void> {
    await (await visible(this.page, selector)).dispose();
  }

  async closed(selector: string): Promise<readonly Seen[]> {
    const session = await this.page.createCDPSession();
    try {
      const { root } = await session.send("DOM.getDocument", { depth: -1, pierce: true });
      const roots = closedRoots(root);
      const seen = await Promise.all(roots.map((id) => seenIn(session, id, selector)));
      return seen.flat();
    } finally {
      await session.detach();
    }
  }

  front(): Promise<void> {
    return this.page.bringToFront();
  }

  close(): Promise<void> {
    return this.page.close();
  }
}

interface Node {
  backendNodeId: number;
  shadowRootType?: string;
  shadowRoots?: Node[];
  children?: Node[];
  contentDocument?: Node;
}

function closedRoots(node: Node): number[] {
  const below = [
    ...(node.shadowRoots ?? []),
    ...(node.children ?? []),
    ...[node.contentDocument ?? []].flat(),
  ];
  return [
    ...(node.shadowRootType === "closed" ? [node.backendNodeId] : []),
    ...below.flatMap((child) => closedRoots(child)),
  ];
}

async function seenIn(session: CDPSession, root: number, selector: string): Promise<Seen[]> {
  const { object } = await session.send("DOM.resolveNode", { backendNodeId: root });
  const { result } = await session.send("Runtime.callFunctionOn", {
    objectId: object.objectId ?? "",
    functionDeclaration: `function (selector) {
      return [...this.querySelectorAll(selector)].map((element) => {
        const { x, y, width, height } = element.getBoundingClientRect();
        return { x, y, width, height, text: element.textContent, data: { ...element.dataset } };
      });
    }`,
    arguments: [{ value: selector }],
    returnByValue: true,
  });
  return result.value as Seen[];
}
