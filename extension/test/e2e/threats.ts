// Who may not speak to the companion, tried from inside a real browser: pages, names that were rebound, another
// extension, and a program that has taken the companion's port.
//
//   threats chromium | firefox
import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { type WebSocket as Connection, WebSocketServer } from "ws";
import { ChromiumHands } from "./chromium.js";
import { begin, staged } from "./either.js";
import { Firefox } from "./firefox.js";
import type { Guest } from "./guest.js";
import type { Sheet } from "./hands.js";
import { perform, until } from "./programs.js";
import { frame, Site } from "./site/site.js";
import type { Stage } from "./stage.js";
import type { Suite } from "./suite.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "flattr-threats-"));
const which = process.argv[2] === "firefox" ? "firefox" : "chromium";
const OTHER = "other@example.org"; // the other extension, in Firefox

interface World {
  suite: Suite;
  stage: Stage;
  robin: Guest;
  elsewhere: Site; // a site under a name that leads to this machine
}

/** dial runs in a page: how far its own script gets with the companion. */
function dial(host: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://${host}/ws`, "flattr.v1");
    socket.onopen = () => resolve("open");
    socket.onerror = () => resolve("refused");
  });
}

/** refusal is what the companion has turned away last, as the reader's status shows it. */
async function refusal(stage: Stage): Promise<string> {
  return String((await stage.companion.status()).json["lastRefusal"] ?? "");
}

/** refused demands that an attempt fails, and that it was the companion that turned it away. */
async function refused(stage: Stage, attempt: () => Promise<string>, reason: RegExp): Promise<void> {
  assert.equal(await attempt(), "refused");
  await until(`the status says ${reason}`, async () => reason.test(await refusal(stage)), 5);
}

async function pages({ suite, stage, robin, elsewhere }: World): Promise<void> {
  const { hands } = robin;
  const own = `127.0.0.1:${stage.companion.port}`;
  await suite.test(`${hands.name}: no page opens the companion's socket`, async () => {
    for (const { origin } of [stage.site, elsewhere]) {
      const page = await hands.open(`${origin}/`);
      await refused(stage, () => page.run(dial, own), new RegExp(`Origin is "${origin}"`));
      await page.close();
    }
  });
  await suite.test(`${hands.name}: no frame, worker or sandbox of a page opens it either`, async () => {
    const { origin } = stage.site;
    const script = `const socket = new WebSocket("ws://${own}/ws", "flattr.v1");
      const say = (word) => (self.parent ?? self).postMessage(word, "*");`;
    const tell = `socket.onopen = () => send("open"); socket.onerror = () => send("refused");`;
    stage.site.extra.set("/sandboxed", `<script>${script} const send = say; ${tell}</script>`);
    stage.site.extra.set("/frames", frame("Frames", "<p>Frames</p>"));
    const page = await hands.open(`${origin}/frames`);
    const framed = (url: string) =>
      page.run((source) => {
        const inner = document.createElement("iframe");
        inner.setAttribute("sandbox", "allow-scripts");
        inner.src = source;
        const said = new Promise<string>((resolve) => {
          addEventListener("message", ({ data }) => resolve(String(data)), { once: true });
        });
        document.body.append(inner);
        return said;
      }, url);
    await refused(stage, () => framed(`${origin}/sandboxed`), /Origin is "null"/);
    const worked = () =>
      page.run((code) => {
        const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
        return new Promise<string>((resolve) => {
          worker.onmessage = ({ data }) => resolve(String(data));
        });
      }, `const send = postMessage; const socket = new WebSocket("ws://${own}/ws", "flattr.v1"); ${tell}`);
    await refused(stage, worked, new RegExp(`Origin is "${origin}"`));
    await page.close();
  });
  await suite.test(`${hands.name}: a name that was rebound to this machine reaches nothing`, async () => {
    const page = await hands.open(`${elsewhere.origin}/`);
    const name = `site.test:${stage.companion.port}`;
    await refused(stage, () => page.run(dial, name), new RegExp(`Host is "${name}"`));
    const asked = await page.run(
      (url) =>
        fetch(url).then(
          ({ status }) => `read ${status}`,
          () => "refused",
        ),
      `http://${name}/ws`,
    );
    assert.equal(asked, "refused"); // no page reads even the refusal
    await page.close();
  });
}

/** writeOther makes another extension that wants to be paired. */
function writeOther(): string {
  const other = path.join(folder, "other");
  mkdirSync(other, { recursive: true });
  const manifest = {
    manifest_version: 3,
    name: "Another extension",
    version: "1.0",
    permissions: ["nativeMessaging"],
    content_security_policy: {
      extension_pages: "default-src 'self'; script-src 'self'; connect-src ws://127.0.0.1:*",
    },
    ...(which === "firefox" ? { browser_specific_settings: { gecko: { id: OTHER } } } : {}),
  };
  writeFileSync(path.join(other, "manifest.json"), JSON.stringify(manifest));
  writeFileSync(
    path.join(other, "page.html"),
    "<!doctype html><title>Another</title><p>Another extension</p>",
  );
  return other;
}

async function openOther({ robin: { hands } }: World): Promise<Sheet> {
  if (hands instanceof ChromiumHands) {
    const id = await hands.browser.chromium.installExtension(writeOther());
    return hands.open(`chrome-extension://${id}/page.html`);
  }
  assert.ok(hands instanceof Firefox);
  await hands.marionette.send("Addon:Install", { path: writeOther(), temporary: true });
  const host = await hands.chrome<string>(
    "return WebExtensionPolicy.getByID(arguments[0]).mozExtensionHostname",
    OTHER,
  );
  return hands.open(`moz-extension://${host}/page.html`);
}

async function extensions(world: World): Promise<void> {
  const { suite, stage, robin } = world;
  const { hands } = robin;
  const page = await openOther(world);
  await suite.test(`${hands.name}: another extension gets no ticket of the native host`, async () => {
    const said = await page.run(() =>
      chrome.runtime.sendNativeMessage("org.flattr.pair", { type: "pair" }).then(
        (answer: unknown) => JSON.stringify(answer),
        (error: unknown) => `refused: ${String(error)}`,
      ),
    );
    assert.match(said, /^refused: .*(?:forbidden|No such native application|not allowed)/i);
    // Ours is answered by the same host, here and now.
    const ours = await hands.inside(() =>
      chrome.runtime.sendNativeMessage("org.flattr.pair", { type: "pair" }),
    );
    assert.match(JSON.stringify(ours), /"ticket":"[A-Z2-7]{26}"/);
  });
  await suite.test(`${hands.name}: another extension gets nothing over the socket`, async () => {
    const own = `127.0.0.1:${stage.companion.port}`;
    if (hands instanceof ChromiumHands) {
      await refused(stage, () => page.run(dial, own), /Origin is "chrome-extension:/);
      return;
    }
    // In Firefox its origin is as random as ours: it comes as far as hello.
    const code = await page.run(
      (host) =>
        new Promise<number>((resolve) => {
          const socket = new WebSocket(`ws://${host}/ws`, "flattr.v1");
          const hello = crypto.getRandomValues(new Uint8Array(70));
          hello.set([1, 1, 0, 1, 0, 1]);
          socket.onopen = () => socket.send(hello);
          socket.onclose = (event) => resolve(event.code);
        }),
      own,
    );
    assert.equal(code, 4401);
  });
  await suite.test(`${hands.name}: another extension cannot ask ours to click`, async () => {
    const id = hands.own("").replace(/^[a-z-]+:\/\/|\/$/g, "");
    const said = await page.run(
      (ours, addon) =>
        chrome.runtime.sendMessage(ours === "" ? addon : ours, { kind: "overview" }).then(
          (answer: unknown) => `answered ${JSON.stringify(answer)}`,
          () => "refused",
        ),
      hands instanceof ChromiumHands ? id : "flattr@flattr.org",
      "",
    );
    assert.ok(said === "refused" || said === "answered undefined", said);
  });
  await page.close();
}

/** Squatter listens on the companion's port and answers as well as it can without the key. */
class Squatter {
  readonly heard: Buffer[][] = []; // by connection
  private readonly server: WebSocketServer;

  constructor(port: number) {
    this.server = new WebSocketServer({ host: "127.0.0.1", port, handleProtocols: () => "flattr.v1" });
    this.server.on("connection", (socket: Connection) => {
      const messages: Buffer[] = [];
      this.heard.push(messages);
      socket.on("message", (message: Buffer) => {
        messages.push(message);
        const challenge = Buffer.alloc(67, 7);
        challenge.set([2, 0, 1]);
        socket.send(challenge);
      });
    });
  }

  async close(): Promise<void> {
    for (const client of this.server.clients) client.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

async function squatting({ suite, stage, robin }: World): Promise<void> {
  const { hands } = robin;
  await suite.test(
    `${hands.name}: a program that took the port learns nothing and loses nothing`,
    async () => {
      await stage.companion.stop();
      const squatter = new Squatter(stage.companion.port);
      const article = stage.site.articles[0];
      assert.ok(article);
      const page = await robin.visit(article);
      try {
        await robin.press(page);
        await until("the extension has dialled", () =>
          squatter.heard.some((messages) => messages.length > 0),
        );
        await robin.standing(robin.address(article), "kept");
        await until("the popup says that another program answers", async () => {
          const { state } = await robin.figures(robin.address(article));
          if (state !== "other_program") throw new Error(`it says ${state}`);
          return true;
        });
        assert.equal((await robin.kept()).length, 1);
      } finally {
        await squatter.close();
      }
      for (const messages of squatter.heard.filter(({ length }) => length > 0)) {
        assert.deepEqual(
          messages.map(({ length }) => length),
          [70], // hello: a device's name and a random number
        );
      }
      await stage.companion.start();
      await until("the click arrives", async () => {
        await robin.figures(robin.address(article));
        return (await robin.kept()).length === 0;
      });
      await robin.counts(1);
      await page.close();
    },
  );
}

await perform(() =>
  staged(`threats to the companion in ${which}`, which, folder, async (suite, stage, end) => {
    const elsewhere = await new Site().listen(0, "site.test");
    end.push(() => elsewhere.close());
    const robin = await begin(which, { stage, folder }, end);
    const world = { suite, stage, robin, elsewhere };
    for (const part of [pages, extensions, squatting]) await part(world);
  }),
);
