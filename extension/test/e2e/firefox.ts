// A real Firefox ESR, headless, with the extension as it is shipped and a reader's hands, by Marionette alone.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DIST, LOOK_MS } from "./browser.js";
import type { Hands, Seen, Sheet } from "./hands.js";
import { Marionette, MarionetteError } from "./marionette.js";
import { binary, delay, freePort, Program, succeed, until } from "./programs.js";
import { tree } from "./tree.js";

/** ADDON is the extension's id in Firefox, as ids.json names it. */
export const ADDON = "flattr@flattr.org";

/** UUID is what Firefox would draw by lot for the extension's addresses; here it is known beforehand. */
const UUID = "6b7f7f9e-52c1-4c8e-9f3a-1f1e5a9a77aa";

/** What has not moved for so long is not about to. */
const STILL_MS = 100;

/** Nobody listens there: whatever is not on this machine stays unreachable. */
const DEAD_PORT = 9;

export interface FirefoxOptions {
  folder: string; // home and profile of this run, made anew by the caller
  state: string; // the companion's, by which the native host finds it
  extension?: string; // the build to install, where it is not the one that is shipped
  proxyPort?: number; // where to ask for what is not on this machine; nobody answers there unless said
  prefs?: Readonly<Record<string, string | number | boolean>>;
}

/** firefoxPath is a Firefox ESR on this machine, if there is one. */
export function firefoxPath(): string | undefined {
  return ["/usr/bin/firefox-esr", "/usr/bin/firefox"].find((file) => existsSync(file));
}

/** firefoxIsMissing says what to install before a Firefox can be driven, or nothing. */
export function firefoxIsMissing(): string | undefined {
  if (firefoxPath()) return undefined;
  return "no Firefox here: sudo apt-get install --no-install-recommends firefox-esr";
}

export class Firefox implements Hands {
  readonly name = "Firefox";
  /** The document of the extension in which the tests ask its interface. */
  #inside: FirefoxSheet | undefined;

  private constructor(
    readonly marionette: Marionette,
    private readonly program: Program,
  ) {}

  static async launch(options: FirefoxOptions): Promise<Firefox> {
    const executable = firefoxPath();
    if (!executable) throw new Error(firefoxIsMissing());
    const home = path.join(options.folder, "home");
    const profile = path.join(options.folder, "profile");
    for (const folder of [home, profile]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    await installHost(home);
    const port = await freePort();
    writeFileSync(path.join(profile, "user.js"), preferences(port, options));
    const flags = ["--headless", "--marionette", "--remote-allow-system-access", "--no-remote"];
    const program = Program.start("firefox", executable, [...flags, "--profile", profile], {
      log: path.join(options.folder, "firefox.log"),
      env: {
        HOME: home,
        FLATTR_STATE: options.state,
        LANGUAGE: "en",
        MOZ_CRASHREPORTER_DISABLE: "1",
        MOZ_REMOTE_SETTINGS_DEVTOOLS: "1", // else the preference for their server does not count
      },
    });
    const firefox = new Firefox(await Marionette.connect(port), program);
    await firefox.install(options.extension ?? path.join(DIST, "firefox"));
    return firefox;
  }

  /** install adds the extension for this run, as about:debugging does, and closes the tab that welcomes. */
  async install(folder: string): Promise<void> {
    await this.marionette.send("Addon:Install", { path: folder, temporary: true });
    await (await this.find(this.own("onboard.html"))).close();
  }

  find(start: string): Promise<FirefoxSheet> {
    return until(`a tab with ${start}`, async () => {
      for (const sheet of await this.#sheets()) if ((await sheet.url()).startsWith(start)) return sheet;
      return undefined;
    });
  }

  async open(url: string): Promise<FirefoxSheet> {
    // A new tab is asked for from a tab that is still there.
    const [first] = (await this.marionette.send("WebDriver:GetWindowHandles")) as string[];
    await this.marionette.send("WebDriver:SwitchToWindow", { handle: first, focus: false });
    const answer = await this.marionette.send("WebDriver:NewWindow", { type: "tab", focus: true });
    const sheet = new FirefoxSheet(this.marionette, (answer as { handle: string }).handle);
    await sheet.goto(url);
    return sheet;
  }

  own(file: string): string {
    return `moz-extension://${UUID}/${file}`;
  }

  async inside<T, A extends unknown[]>(work: (...args: A) => T | Promise<T>, ...args: A): Promise<T> {
    this.#inside ??= await this.open(this.own("content.js")); // its text: a document that runs nothing
    return this.#inside.run(work, ...args);
  }

  // The background's window is of the same process and origin as every document of the extension.
  async inBackground<T, A extends unknown[]>(work: (...args: A) => T | Promise<T>, ...args: A): Promise<T> {
    this.#inside ??= await this.open(this.own("content.js"));
    return this.#inside.runIn("(await browser.runtime.getBackgroundPage())", work, ...args);
  }

  async stopBackground(): Promise<void> {
    await this.chrome(
      `const { extension } = WebExtensionPolicy.getByID(arguments[0]);
       await extension.terminateBackground({ ignoreDevToolsAttached: true, disableResetIdleForTest: true });`,
      ADDON,
    );
  }

  async popup(url: string): Promise<FirefoxSheet> {
    const tab = await this.inside(async (wanted) => {
      const tabs = await chrome.tabs.query({});
      return tabs.find((candidate) => candidate.url === wanted)?.id;
    }, url);
    if (tab === undefined) throw new Error(`no tab shows ${url}`);
    return this.open(this.own(`popup.html?tab=${tab}`));
  }

  /** openPopup opens the toolbar's own popup over the tab in front, as a click on the icon does. */
  openPopup(): Promise<void> {
    return this.chrome(
      `const { ExtensionParent } = ChromeUtils.importESModule("resource://gre/modules/ExtensionParent.sys.mjs");
       const { extension } = WebExtensionPolicy.getByID(arguments[0]);
       const action = ExtensionParent.apiManager.global.browserActionFor(extension);
       await action.triggerAction(Services.wm.getMostRecentWindow("navigator:browser"));`,
      ADDON,
    );
  }

  // A temporary add-on of the same id takes the place of the one that runs, through the browser's own update.
  async update(folder: string): Promise<void> {
    this.#inside = undefined; // the update closes every page of the extension
    await this.marionette.send("Addon:Install", { path: folder, temporary: true });
  }

  /** chrome runs a script with the browser's own rights. */
  async chrome<T>(script: string, ...args: unknown[]): Promise<T> {
    await this.marionette.send("Marionette:SetContext", { value: "chrome" });
    try {
      return (await this.marionette.send("WebDriver:ExecuteScript", {
        script: `return (async function() { ${script} }).apply(null, arguments)`,
        args,
      })) as T;
    } finally {
      await this.marionette.send("Marionette:SetContext", { value: "content" });
    }
  }

  async pids(): Promise<readonly number[]> {
    return tree(this.program.pid);
  }

  async close(): Promise<void> {
    await this.marionette.send("Marionette:Quit", { flags: ["eForceQuit"] }).catch(() => {});
    this.marionette.close();
    await this.program.stop(20).catch((error: unknown) => console.error(String(error)));
  }

  async #sheets(): Promise<FirefoxSheet[]> {
    const handles = (await this.marionette.send("WebDriver:GetWindowHandles")) as string[];
    return handles.map((handle) => new FirefoxSheet(this.marionette, handle));
  }
}

/** FirefoxSheet is one tab. Every command first turns to it; only front shows it to the reader. */
class FirefoxSheet implements Sheet {
  constructor(
    private readonly marionette: Marionette,
    private readonly handle: string,
  ) {}

  async goto(url: string): Promise<void> {
    await this.front();
    await this.marionette.send("WebDriver:Navigate", { url });
  }

  async back(): Promise<void> {
    await this.front();
    await this.marionette.send("WebDriver:Back");
  }

  async forward(): Promise<void> {
    await this.front();
    await this.marionette.send("WebDriver:Forward");
  }

  async url(): Promise<string> {
    await this.turn();
    return (await this.marionette.send("WebDriver:GetCurrentURL")) as string;
  }

  run<T, A extends unknown[]>(work: (...args: A) => T | Promise<T>, ...args: A): Promise<T> {
    return this.runIn("window", work, ...args);
  }

  /** runIn runs a function with another window's globals; scope is the expression of that window. */
  async runIn<T, A extends unknown[]>(
    scope: string,
    work: (...args: A) => T | Promise<T>,
    ...args: A
  ): Promise<T> {
    await this.turn();
    const script = `const given = [...arguments];
      return (async () => (${scope}))().then((self) => {
        const { browser, chrome = browser } = self;
        return (${work.toString()})(...given);
      })`;
    // Marionette knows no undefined and says null for it; the tests say undefined only.
    return ((await this.marionette.send("WebDriver:ExecuteScript", { script, args })) ?? undefined) as T;
  }

  async visible(selector: string): Promise<void> {
    await until(`the page shows ${selector}`, () => this.#middle(selector, false));
  }

  async click(selector: string): Promise<void> {
    await this.front();
    await this.visible(selector);
    if ((await this.url()).startsWith("http")) await delay(LOOK_MS);
    const { x, y } = await until(`${selector} stands still`, async () => {
      const before = await this.#middle(selector, true);
      await delay(STILL_MS); // a page that fills in moves what stands below
      const after = await this.#middle(selector, true);
      return after !== undefined && before?.x === after.x && before.y === after.y && after;
    });
    await this.clickAt(x, y);
  }

  async clickAt(x: number, y: number): Promise<void> {
    await this.front();
    const pointer = { type: "pointer", id: "mouse", parameters: { pointerType: "mouse" } };
    await this.marionette.send("WebDriver:PerformActions", {
      actions: [
        {
          ...pointer,
          actions: [
            { type: "pointerMove", duration: 0, x: Math.round(x), y: Math.round(y), origin: "viewport" },
            { type: "pointerDown", button: 0 },
            { type: "pointerUp", button: 0 },
          ],
        },
      ],
    });
    // A click that leads away has taken the page that would answer.
    await this.marionette.send("WebDriver:ReleaseActions").catch(() => {});
  }

  async type(selector: string, text: string): Promise<void> {
    await this.front();
    await this.visible(selector);
    const found = await this.marionette.send("WebDriver:FindElement", {
      using: "css selector",
      value: selector,
    });
    const id = Object.values(found as Record<string, string>)[0];
    await this.marionette.send("WebDriver:ElementClear", { id });
    await this.marionette.send("WebDriver:ElementSendKeys", { id, text });
  }

  async closed(selector: string): Promise<readonly Seen[]> {
    await this.turn();
    const script = `const seen = [];
      for (const host of document.querySelectorAll("*")) {
        for (const element of host.openOrClosedShadowRoot?.querySelectorAll(arguments[0]) ?? []) {
          const { x, y, width, height } = element.getBoundingClientRect();
          seen.push({ x, y, width, height, text: element.textContent, data: { ...element.dataset } });
        }
      }
      return seen;`;
    const parameters = { script, args: [selector], sandbox: "system" };
    return (await this.marionette.send("WebDriver:ExecuteScript", parameters)) as Seen[];
  }

  front(): Promise<void> {
    return this.turn(true);
  }

  async close(): Promise<void> {
    await this.turn();
    await this.marionette.send("WebDriver:CloseWindow");
  }

  private async turn(focus = false): Promise<void> {
    await this.marionette.send("WebDriver:SwitchToWindow", { handle: this.handle, focus });
  }

  // The middle of the first match that is shown, brought into the window; a page on its way elsewhere has none.
  async #middle(selector: string, scroll: boolean): Promise<{ x: number; y: number } | undefined> {
    try {
      const middle = await this.run(
        (wanted, scrolls) => {
          for (const element of document.querySelectorAll(wanted)) {
            if (!element.checkVisibility()) continue;
            if (scrolls) element.scrollIntoView({ block: "center", behavior: "instant" });
            const box = element.getClientRects()[0] ?? element.getBoundingClientRect();
            if (box.width > 0 && box.height > 0)
              return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
          }
          return undefined;
        },
        selector,
        scroll,
      );
      return middle;
    } catch (error) {
      if (error instanceof MarionetteError) return undefined;
      throw error;
    }
  }
}

/** installHost lays the native host's manifest where Firefox looks for it. */
async function installHost(home: string): Promise<void> {
  const folder = path.join(home, ".mozilla", "native-messaging-hosts");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const manifest = await succeed(binary("flattrd"), ["native-host", "--print-manifest", "firefox"]);
  writeFileSync(path.join(folder, "org.flattr.pair.json"), manifest);
}

function preferences(port: number, { proxyPort = DEAD_PORT, prefs = {} }: FirefoxOptions): string {
  const all: Record<string, string | number | boolean> = {
    "marionette.port": port,
    "remote.active-protocols": 2, // Marionette alone
    "extensions.webextensions.uuids": JSON.stringify({ [ADDON]: UUID }),
    "extensions.webextOptionalPermissionPrompts": false, // the reader says yes
    "extensions.webextensions.userScripts.enabled": false,
    "intl.locale.requested": "en-US",
    "browser.startup.page": 0,
    "browser.shell.checkDefaultBrowser": false,
    "browser.aboutwelcome.enabled": false,
    "browser.tabs.warnOnClose": false,
    "datareporting.policy.dataSubmissionEnabled": false,
    "toolkit.telemetry.enabled": false,
    "app.update.disabledForTesting": true,
    "network.captive-portal-service.enabled": false,
    "network.connectivity-service.enabled": false,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "network.dns.localDomains": "site.test",
    // Nothing leaves this machine.
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": proxyPort,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": proxyPort,
    "network.proxy.no_proxies_on": "127.0.0.1, site.test",
    ...prefs,
  };
  const lines = Object.entries(all).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  return lines.join("");
}
