// Says what the extension finds on pages that lie in files.
//
//   node extension/tools/detect.mjs [--ledger HOST] <LINES
//
// Each line in is {"file", "base_url"}, each line out, in the same order, is
// {"file", "things", "found": [...]}. The shipped detection runs in a real
// headless Chromium: the file is served at its base_url, every other request
// is blocked, and the page is looked at when it is quiet, after 3 s at most.
// Files named on the command line instead take base_url from the .json beside
// them. A page that cannot be read has "error" in its line, and makes the exit
// code 1; without Chromium it is 2.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** Tabs at a time: a page mostly waits for its own timers. */
const TABS = 8;

/** A page is quiet when nothing changed from one look to the next; once loaded it gets no more time than this. */
const LOOK_MS = 250;
const MAX_PAGE_MS = 3000;

/** A page that never finishes loading is looked at as it is. */
const MAX_LOADING_MS = 6000;

/** Timers that are due later than this are not waited for. */
const MAX_TIMER_MS = 3000;

/** A tab that does not answer for this long is stopped, and the next time closed. */
const ANSWER_MS = 4000;

/** The world of its own, beside the page's scripts, in which the detection runs. */
const WORLD = "flattr";

/** Where a Chromium lies, when CHROMIUM names none. */
const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

class Missing extends Error {}

/** What runs there: the shipped modules, and nothing that they do not do. */
const LOOK = `
import { isFlattrPage } from "./src/detect/hosts";
import { pointerOfAddress } from "./src/detect/link";
import { scan } from "./src/detect/scan";
import { allRootsIn, openRoot } from "./src/detect/shadow";
import { mergeFound, mergePointers } from "./src/thing/merge";

function pointersOf(ledger) {
  const address = new URL(document.URL);
  if (isFlattrPage(address, ledger)) {
    const own = window.top === window ? pointerOfAddress(address, document.baseURI, ledger) : undefined;
    return own === undefined ? [] : [own];
  }
  return scan(document, ledger, allRootsIn(document, openRoot)).map(({ pointer }) => pointer);
}

globalThis.flattrLook = (ledger) => {
  // Another system's sign is shown in the popup, and is no form of a button.
  const pointers = pointersOf(ledger).filter(({ form }) => form !== "link-monetization");
  const things = mergePointers(pointers, document.URL);
  const nodes = document.getElementsByTagName("*").length;
  return { pointers, things, nodes, ready: document.readyState };
};
globalThis.flattrMerge = (things) => mergeFound(things).length;
`;

/**
 * What runs in the page: it counts the timers that have yet to fire, and keeps the page where it is, for there is no
 * other to go to, and one that tried would not be read to its end.
 */
const IN_PAGE = `(() => {
  const pending = new Set();
  const set = window.setTimeout, clear = window.clearTimeout;
  window.setTimeout = function setTimeout(call, delay, ...rest) {
    if (typeof call !== "function") return set.call(this, call, delay, ...rest);
    const id = set.call(this, function () { pending.delete(id); return call.apply(this, arguments); }, delay, ...rest);
    if (!(delay > ${MAX_TIMER_MS})) pending.add(id);
    return id;
  };
  window.clearTimeout = function clearTimeout(id) { pending.delete(id); return clear.call(this, id); };
  window.navigation?.addEventListener("navigate", (event) => {
    if (event.cancelable && !event.destination.sameDocument) event.preventDefault();
  });
  Object.defineProperty(window, Symbol.for("flattr.pending"), { value: () => pending.size });
})()`;

/** tools are the two packages this needs; where they are not installed yet, they are now. */
async function tools() {
  try {
    return await load();
  } catch {
    process.stderr.write("detect: installing what package.json names\n");
    const args = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
    const { status } = spawnSync("npm", args, { cwd: here, stdio: ["ignore", 2, 2] });
    if (status !== 0) throw new Missing("npm install failed: run it in extension/ and look at what it says");
    return load();
  }
}

async function load() {
  const [{ build }, { default: puppeteer }] = await Promise.all([
    import("esbuild"),
    import("puppeteer-core"),
  ]);
  return { build, puppeteer };
}

async function bundle(build) {
  const made = await build({
    absWorkingDir: here,
    stdin: { contents: LOOK, resolveDir: here, loader: "ts" },
    bundle: true,
    write: false,
    format: "iife",
    target: ["chrome121"],
    charset: "utf8",
    logLevel: "error",
  });
  return made.outputFiles[0].text;
}

async function launch(puppeteer) {
  const named = process.env.CHROMIUM;
  const executablePath = (named ? [named] : BROWSERS).find((file) => existsSync(file));
  if (executablePath === undefined) {
    const where = named ? ` at ${named}` : "";
    throw new Missing(
      `no Chromium here${where}: sudo apt-get install chromium, or name it in CHROMIUM=/path/to/chromium`,
    );
  }
  const args = [
    ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
    // Nothing leaves this machine, whatever a page tries; and an address keeps the scheme that it has.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    // A style sheet that is blocked leaves a feed without any tree, unless XSLT is off, as browsers are dropping it.
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedMode,HttpsFirstBalancedModeAutoEnable,IsolateOrigins,site-per-process,XSLT",
  ];
  try {
    return await puppeteer.launch({ executablePath, headless: true, pipe: true, args });
  } catch (error) {
    throw new Missing(`${executablePath} does not start: ${error.message.split("\n")[0]}`);
  }
}

/** Tab shows one page after the other. */
class Tab {
  constructor(browser, script, ledger) {
    this.browser = browser;
    this.script = script;
    this.ledger = ledger;
  }

  async open() {
    this.page = await (await this.browser.createBrowserContext()).newPage();
    this.cdp = await this.page.createCDPSession();
    this.cdp.on("Fetch.requestPaused", (event) => void this.answer(event).catch(() => {}));
    this.cdp.on("Page.javascriptDialogOpening", () => {
      void this.cdp.send("Page.handleJavaScriptDialog", { accept: false }).catch(() => {});
    });
    this.page.on("popup", (popup) => void popup?.close().catch(() => {}));
    await this.cdp.send("Page.enable");
    await this.cdp.send("Fetch.enable", { patterns: [{ urlPattern: "*" }] });
    await this.cdp.send("Page.addScriptToEvaluateOnNewDocument", { source: IN_PAGE });
    await this.cdp.send("Page.addScriptToEvaluateOnNewDocument", { source: this.script, worldName: WORLD });
  }

  async close() {
    await this.page?.browserContext().close();
    this.page = undefined;
  }

  // The first document is the file; a page that leaves for another is told that there is nothing, and stays.
  async answer({ requestId, resourceType, frameId }) {
    const isPage = resourceType === "Document" && frameId === this.frame;
    if (isPage && this.file !== undefined) {
      const { type, body } = this.file;
      this.file = undefined;
      const responseHeaders = [{ name: "content-type", value: type }];
      await this.cdp.send("Fetch.fulfillRequest", { requestId, responseCode: 200, responseHeaders, body });
    } else if (isPage) await this.cdp.send("Fetch.fulfillRequest", { requestId, responseCode: 204 });
    else await this.cdp.send("Fetch.failRequest", { requestId, errorReason: "BlockedByClient" });
  }

  /** look shows a file at an address and resolves with what is found when it is quiet. */
  async look(file, address) {
    if (this.page === undefined) await this.open();
    try {
      return await this.show(file, address);
    } catch (error) {
      await this.close().catch(() => {}); // the next page gets a new tab
      throw error;
    }
  }

  async show(file, address) {
    await this.send("Page.navigate", { url: "about:blank" });
    this.frame = (await this.send("Page.getFrameTree")).frameTree.frame.id;
    this.file = await contentOf(file);
    const went = await this.navigate(address);
    let untilMs = Date.now() + MAX_LOADING_MS;
    let loading = true;
    if (went?.errorText !== undefined) throw new Error(`cannot be shown at ${address}: ${went.errorText}`);
    let before = "";
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const now = await this.frames();
      if (loading && now[0]?.ready === "complete") {
        loading = false;
        untilMs = Date.now() + MAX_PAGE_MS;
      }
      const same = JSON.stringify(now.map(({ pending: _, ...seen }) => seen));
      const isQuiet =
        same === before && now.every(({ ready, pending }) => ready === "complete" && pending === 0);
      if (isQuiet || Date.now() + LOOK_MS > untilMs) return this.result(now);
      before = same;
    }
  }

  // A page that never stops loading its own scripts does not keep us.
  navigate(url) {
    return Promise.race([
      this.cdp.send("Page.navigate", { url }),
      new Promise((resolve) => setTimeout(resolve, MAX_PAGE_MS)),
    ]);
  }

  async frames() {
    const { frameTree } = await this.send("Page.getFrameTree");
    const seen = [];
    for (const { frame } of framesOf(frameTree)) {
      if (frame.unreachableUrl !== undefined) continue;
      try {
        seen.push(await this.frameContents(frame.id));
      } catch (error) {
        if (frame.id === this.frame) throw error; // a frame within may be gone by now
      }
    }
    return seen;
  }

  async frameContents(frameId) {
    const world = { frameId, worldName: WORLD };
    const { executionContextId: contextId } = await this.send("Page.createIsolatedWorld", world);
    const ledger = this.ledger === undefined ? "undefined" : JSON.stringify(this.ledger);
    const look = `globalThis.flattrLook?.(${ledger})`;
    const seen =
      (await this.evaluate(look, contextId)) ?? (await this.evaluate(`${this.script};${look}`, contextId));
    if (frameId === this.frame) this.world = contextId;
    return { ...seen, pending: await this.pending(frameId) };
  }

  async pending(frameId) {
    if (frameId !== this.frame) return 0;
    return (await this.evaluate('window[Symbol.for("flattr.pending")]?.() ?? 0')) ?? 0;
  }

  async evaluate(expression, contextId) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      ...(contextId === undefined ? {} : { contextId }),
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.value;
  }

  async result(frames) {
    const all = frames.flatMap(({ things }) => things);
    const things = await this.evaluate(`flattrMerge(${JSON.stringify(all)})`, this.world);
    return { things, found: frames.flatMap(({ pointers }) => pointers).map(itemOf) };
  }

  // A page whose script never ends is stopped: what it has shown until then can be looked at.
  async send(method, params) {
    const asked = this.cdp.send(method, params);
    asked.catch(() => {});
    const first = await Promise.race([asked, timeout()]);
    if (first !== undefined) return first;
    await Promise.race([this.cdp.send("Runtime.terminateExecution"), timeout()]);
    const second = await Promise.race([asked, timeout()]);
    if (second === undefined) throw new Error("the page does not answer");
    return second;
  }
}

function timeout() {
  return new Promise((resolve) => setTimeout(resolve, ANSWER_MS, undefined).unref());
}

function framesOf(tree) {
  return [tree, ...(tree.childFrames ?? []).flatMap(framesOf)];
}

const TYPES = {
  ".xml": "text/xml",
  ".rss": "text/xml",
  ".atom": "text/xml",
  ".xhtml": "application/xhtml+xml",
  ".xht": "application/xhtml+xml",
  ".svg": "image/svg+xml",
};

// A file says its encoding by itself, or is left to the browser's guess; what is UTF-8 without saying so is helped.
async function contentOf(file) {
  const bytes = await readFile(file);
  const type = TYPES[path.extname(file).toLowerCase()] ?? "text/html";
  const saysEncoding = /charset|encoding\s*=/i.test(bytes.subarray(0, 2048).toString("latin1"));
  const plain = saysEncoding || hasByteOrderMark(bytes) || !isUTF8(bytes);
  return { type: plain ? type : `${type}; charset=utf-8`, body: bytes.toString("base64") };
}

function hasByteOrderMark([first, second]) {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

function isUTF8(bytes) {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function itemOf({ form, url, thingID, site: _site, wallet: _wallet, ...said }) {
  return {
    form,
    ...(url === undefined ? {} : { thing_url: url }),
    ...(thingID === undefined ? {} : { thing_id: thingID }),
    ...said,
  };
}

/** inputs are the pages to look at: from the command line, or a line each. */
async function* inputs(files) {
  for (const file of files) {
    const beside = file.replace(/\.\w+$/, ".json");
    const { base_url } = JSON.parse(await readFile(beside, "utf8"));
    yield { file, base_url };
  }
  if (files.length > 0) return;
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === "") continue;
    yield pageOf(line);
  }
}

function pageOf(line) {
  try {
    const { file, base_url } = JSON.parse(line);
    if (typeof file === "string" && typeof base_url === "string") return { file, base_url };
  } catch {
    // said below
  }
  return { file: null, error: 'a line must be {"file": ..., "base_url": ...}' };
}

async function resultOf(tab, { file, base_url, error }) {
  if (error !== undefined) return { file, things: 0, found: [], error };
  try {
    return { file, ...(await tab.look(path.resolve(file), base_url)) };
  } catch (failure) {
    return { file, things: 0, found: [], error: failure.message };
  }
}

/** Lines prints results in the order of their pages. */
class Lines {
  #waiting = new Map();
  #next = 0;
  failed = 0;

  put(number, result) {
    this.#waiting.set(number, result);
    for (let line = this.#waiting.get(this.#next); line !== undefined; line = this.#waiting.get(this.#next)) {
      this.#waiting.delete(this.#next++);
      if (line.error !== undefined) this.failed++;
      process.stdout.write(`${JSON.stringify(line)}\n`);
    }
  }
}

async function main(args) {
  const at = args.indexOf("--ledger");
  const ledger = at < 0 ? undefined : args.splice(at, 2)[1];
  const { build, puppeteer } = await tools();
  const [browser, script] = await Promise.all([launch(puppeteer), bundle(build)]);
  try {
    const pages = inputs(args);
    const lines = new Lines();
    let count = 0;
    const work = async () => {
      const tab = new Tab(browser, script, ledger);
      for (;;) {
        const { done, value } = await pages.next();
        if (done) return;
        const number = count++;
        lines.put(number, await resultOf(tab, value));
      }
    };
    await Promise.all(Array.from({ length: TABS }, work));
    return lines.failed === 0 ? 0 : 1;
  } finally {
    await browser.close();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`detect: ${error instanceof Missing ? error.message : error.stack}\n`);
  process.exitCode = 2;
}
