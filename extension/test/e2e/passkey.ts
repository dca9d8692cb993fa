// The story of a passkey in a real Chromium, whose virtual authenticator stands for the reader's phone: added, used,
// refused where it is not the reader's, removed. And the same pages without script.
import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import type axe from "axe-core";
import puppeteer, { type CDPSession, type Browser as Chromium, type Page } from "puppeteer-core";
import { chromium } from "./browser.js";
import { binary, freePort, listening, Program, root, succeed, until } from "./programs.js";
import { Suite } from "./suite.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "flattr-passkey-"));
const database = path.join(folder, "ledger.db");
const require = createRequire(path.join(root, "extension", "package.json"));
const AXE = `${readFileSync(require.resolve("axe-core"), "utf8")}; undefined`;
const PASSWORD = "correct horse";

/** Phone is the virtual authenticator of one page. */
class Phone {
  private constructor(
    private readonly session: CDPSession,
    private readonly id: string,
  ) {}

  static async of(page: Page): Promise<Phone> {
    const session = await page.createCDPSession();
    await session.send("WebAuthn.enable");
    const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    return new Phone(session, authenticatorId);
  }

  /** knows says whether the phone makes sure who holds it. */
  async knows(isUserVerified: boolean): Promise<void> {
    await this.session.send("WebAuthn.setUserVerified", { authenticatorId: this.id, isUserVerified });
  }

  async keys() {
    const { credentials } = await this.session.send("WebAuthn.getCredentials", { authenticatorId: this.id });
    return credentials;
  }

  /** setBack makes the phone one that was copied earlier: it counts from there. */
  async setBack(): Promise<void> {
    const [key] = await this.keys();
    assert.ok(key);
    const { authenticatorId, credentialId } = { authenticatorId: this.id, credentialId: key.credentialId };
    await this.session.send("WebAuthn.removeCredential", { authenticatorId, credentialId });
    await this.session.send("WebAuthn.addCredential", {
      authenticatorId,
      credential: { ...key, signCount: 0 },
    });
  }
}

/** goes does what leads to another page, and waits until that is there. */
async function goes(page: Page, act: () => Promise<unknown>): Promise<void> {
  await Promise.all([page.waitForNavigation({ waitUntil: "load" }), act()]);
}

async function shows(page: Page, text: string): Promise<void> {
  const seen = await page.$eval("main", (main) => main.textContent);
  assert.ok(seen.includes(text), `${page.url()} does not show ${JSON.stringify(text)}:\n${seen}`);
}

/** complains waits until a form says what is wrong. */
async function complains(page: Page, form: string, text: string): Promise<void> {
  await page.waitForFunction(
    (id, wanted) => document.querySelector(`${id} [role=alert]:not([hidden])`)?.textContent?.includes(wanted),
    { timeout: 10_000 },
    form,
    text,
  );
}

/** fill types into a field in place of what is there. */
async function fill(page: Page, field: string, text: string): Promise<void> {
  await page.$eval(field, (input) => {
    (input as HTMLInputElement).value = "";
  });
  await page.type(field, text);
}

async function signOut(page: Page): Promise<void> {
  await goes(page, () => page.$eval("#signout", (form) => (form as HTMLFormElement).requestSubmit()));
}

async function audit(page: Page): Promise<void> {
  await page.evaluate(AXE);
  const session = await page.createCDPSession();
  for (const look of ["light", "dark"]) {
    await session.send("Emulation.setEmulatedMedia", {
      features: [
        { name: "prefers-color-scheme", value: look },
        { name: "prefers-reduced-motion", value: "reduce" }, // colours change at once
      ],
    });
    const found = await page.evaluate(async () => {
      const scope = globalThis as unknown as { axe: typeof axe };
      const { violations } = await scope.axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      });
      return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
    });
    assert.deepEqual(found, [], `${page.url()} in ${look}`);
  }
  for (const width of [320, 1280]) {
    await page.setViewport({ width, height: 800 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    assert.ok(!wide, `${page.url()} is wider than ${width}`);
  }
  await session.detach();
}

async function story(browser: Chromium, origin: string, invite: string, suite: Suite): Promise<void> {
  const page = await browser.newPage();
  const phone = await Phone.of(page);
  const errors: string[] = [];
  page.on("console", (message) => {
    // A form that is refused answers with a status that the console calls an error.
    if (message.type() === "error" && !message.text().includes("422")) errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));

  await suite.test("a reader joins and adds a passkey, with the password", async () => {
    await page.goto(`${origin}/signup?invite=${invite}`);
    await page.type("#name", "robin");
    await page.type("#password", PASSWORD);
    await goes(page, () => page.click("#signup button"));
    await page.goto(`${origin}/settings/signin`);
    await shows(page, "You have no passkey.");
    await page.waitForSelector("#add-key:not([hidden])");
    await page.type("#key-name", "Robin's phone");
    await page.type("#key-password", "a guess");
    await page.click("#add-key button");
    await complains(page, "#add-key", "That is not your password.");
    assert.equal((await phone.keys()).length, 0);
    await fill(page, "#key-password", PASSWORD);
    await goes(page, () => page.click("#add-key button"));
    await shows(page, "You can sign in with this passkey now.");
    await shows(page, "Robin's phone");
    await shows(page, "never");
    assert.equal((await phone.keys()).length, 1);
  });

  await suite.test("the passkey opens the account without name and password", async () => {
    await signOut(page);
    await page.goto(`${origin}/signin?next=/revenue`);
    await page.waitForSelector("#passkey:not([hidden])");
    await goes(page, () => page.click("#passkey button"));
    assert.equal(new URL(page.url()).pathname, "/revenue");
    await page.goto(`${origin}/settings/signin`);
    await shows(page, "by passkey");
    assert.ok(!(await page.$eval("main", (main) => main.textContent)).includes("never"));
  });

  await suite.test("a phone that does not know who holds it opens nothing", async () => {
    await signOut(page);
    await page.goto(`${origin}/signin`);
    await page.waitForSelector("#passkey:not([hidden])");
    await phone.knows(false);
    await page.click("#passkey button");
    await complains(page, "#passkey", "No passkey was chosen.");
    await phone.knows(true);
    await goes(page, () => page.click("#passkey button"));
    assert.equal(new URL(page.url()).pathname, "/month");
  });

  await suite.test("a copy of the phone opens nothing", async () => {
    await signOut(page);
    await phone.setBack();
    await page.goto(`${origin}/signin`);
    await page.waitForSelector("#passkey:not([hidden])");
    await goes(page, () => page.click("#passkey button"));
    await shows(page, "This passkey was not accepted.");
  });

  await suite.test("a passkey that was removed opens nothing, and the password still does", async () => {
    await page.goto(`${origin}/signin`);
    await page.type("#name", "robin");
    await page.type("#password", PASSWORD);
    await goes(page, () => page.click("#signin button"));
    await page.goto(`${origin}/settings/signin`);
    await goes(page, () => page.click(".remove-key button"));
    await shows(page, "Nobody can sign in with this passkey any more.");
    await signOut(page);
    await page.goto(`${origin}/signin`);
    await page.waitForSelector("#passkey:not([hidden])");
    await goes(page, () => page.click("#passkey button"));
    await shows(page, "This passkey was not accepted.");
  });

  await suite.test("no page of the story broke its own policy", async () => {
    assert.deepEqual(errors, []);
  });

  await suite.test("axe finds nothing on the pages of signing in, from 320 pixels on", async () => {
    await page.goto(`${origin}/signin`);
    await audit(page);
    await page.goto(`${origin}/signin/forgotten`);
    await audit(page);
    await page.goto(`${origin}/signin`);
    await page.type("#name", "robin");
    await page.type("#password", PASSWORD);
    await goes(page, () => page.click("#signin button"));
    await page.goto(`${origin}/settings/signin`);
    await page.type("#key-name", "Another phone");
    await page.type("#key-password", PASSWORD);
    await audit(page);
    await page.goto(`${origin}/settings/mail`);
    await audit(page);
  });
  await page.close();
}

async function withoutScript(browser: Chromium, origin: string, suite: Suite): Promise<void> {
  await suite.test(
    "without script the pages are as before: a password opens them, no button leads nowhere",
    async () => {
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      await page.setJavaScriptEnabled(false);
      await page.goto(`${origin}/signin`);
      const hidden = (form: string) => page.$eval(form, (one) => (one as HTMLElement).hidden);
      assert.ok(await hidden("#passkey"));
      await page.type("#name", "robin");
      await page.type("#password", PASSWORD);
      await goes(page, () => page.click("#signin button"));
      assert.equal(new URL(page.url()).pathname, "/month");
      await page.goto(`${origin}/settings/signin`);
      assert.ok(await hidden("#add-key"));
      assert.equal(
        await page.$eval("noscript p", (text) => text.textContent), // with script it is no element
        "To add a passkey, allow this page to run its script.",
      );
      await context.close();
    },
  );
}

async function run(executablePath: string, suite: Suite): Promise<void> {
  const port = await freePort();
  const origin = `http://localhost:${port}`; // a name: browsers keep no passkeys for addresses
  const invite = (await succeed(binary("flattr-ledger"), ["invite", "new", "--db", database])).trim();
  const args = ["serve", "--db", database, "--listen", `127.0.0.1:${port}`, "--public-url", origin];
  const ledger = Program.start("flattr-ledger", binary("flattr-ledger"), args, {
    log: path.join(folder, "ledger.log"),
  });
  await until(
    "the ledger answers",
    () => {
      assert.ok(ledger.alive, ledger.tail());
      return listening(port);
    },
    30,
  );
  const browser = await puppeteer.launch({
    browser: "chrome",
    executablePath,
    headless: true,
    pipe: true,
    args: [
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-gpu",
      "--lang=en",
      "--host-resolver-rules=MAP localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ],
  });
  try {
    await story(browser, origin, invite, suite);
    await withoutScript(browser, origin, suite);
  } finally {
    await browser.close();
    await ledger.stop();
  }
}

const suite = new Suite(async () => {});
try {
  const executablePath = chromium();
  if (executablePath === undefined)
    suite.skip("passkeys in Chromium", "no browser here: sudo apt-get install chromium");
  else await run(executablePath, suite);
} finally {
  suite.close();
  suite.leave(folder);
}
