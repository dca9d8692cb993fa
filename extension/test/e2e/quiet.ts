// A hundred pages with buttons are read, and nothing leaves: every socket of browser, companion and ledger is watched,
// after requests that were planted in each way have been caught.
//
//   quiet chromium | firefox
import { strict as assert } from "node:assert";
import { mkdtempSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import os from "node:os";
import path from "node:path";
import { begin, staged } from "./either.js";
import type { Guest } from "./guest.js";
import { Program, perform, until } from "./programs.js";
import { frame } from "./site/site.js";
import { connected, Sockets } from "./sockets.js";
import type { Stage } from "./stage.js";
import type { Suite } from "./suite.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "flattr-quiet-"));
const which = process.argv[2] === "firefox" ? "firefox" : "chromium";
const PAGES = 100;

/** The trap holds a connection so long, that its owner can be seen. */
const HELD_MS = 300;

/** What browsers ask of their own makers now and then; the extension's policy lets it reach no host at all. */
const MAKERS = /^(?:TLS to|CONNECT) \S*\.(?:mozilla\.(?:org|com|net)|google(?:apis)?\.com|gvt1\.com)\b/;

/** Trap is where everything ends up that would leave this machine; it answers nothing. */
class Trap {
  readonly caught: string[] = [];
  private readonly server: Server;

  constructor() {
    this.server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", (data) => {
        this.caught.push(wantedIn(data));
        setTimeout(() => socket.destroy(), HELD_MS);
      });
    });
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.close();
  }
}

/** wantedIn is what a connection wanted: the first lines of a request, or the name in a TLS greeting. */
function wantedIn(data: Buffer): string {
  if (data[0] !== 0x16) return data.toString("latin1").split("\r\n").slice(0, 2).join(" ").slice(0, 200);
  return `TLS to ${nameIn(data) ?? "somebody"}`;
}

/** nameIn is the server's name in a ClientHello (RFC 8446, 4.1.2; RFC 6066, 3), which comes after bytes that look like anything. */
function nameIn(hello: Buffer): string | undefined {
  const SERVER_NAME = 0;
  try {
    let at = 5 + 4 + 2 + 32; // record, handshake, version, random
    at += 1 + hello.readUInt8(at); // session
    at += 2 + hello.readUInt16BE(at); // ciphers
    at += 1 + hello.readUInt8(at); // compression
    for (at += 2; ; at += 4 + hello.readUInt16BE(at + 2)) {
      if (hello.readUInt16BE(at) !== SERVER_NAME) continue;
      const length = hello.readUInt16BE(at + 7); // after type, length, list and kind
      return hello.toString("latin1", at + 9, at + 9 + length);
    }
  } catch {
    return undefined; // it ended before
  }
}

interface World {
  suite: Suite;
  stage: Stage;
  robin: Guest;
  trap: Trap;
}

/** page is one of the pages that are read, with a button in one of the forms that load nothing by themselves. */
function page(origin: string, index: number): string {
  const url = `${origin}/read/${index}`;
  const submit = `https://flattr.com/submit/auto?user_id=ann&amp;url=${encodeURIComponent(url)}`;
  const forms = [
    `<a class="FlattrButton" href="${url}" rev="flattr;uid:ann;">Flattr</a>`,
    `<a class="FlattrButton" href="${url}" rel="flattr;uid:ann;">Flattr</a>`,
    `<a class="FlattrButton" href="${url}" data-flattr-uid="ann">Flattr</a>`,
    `<a href="${submit}">Flattr</a>`,
    `<a href="https://flattr.com/thing/${index + 1}/a-thing">Flattr</a>`,
  ];
  const head = index % 10 === 9 ? `<link rel="payment" href="${submit}">` : "";
  return frame(`Page ${index}`, `<p>${forms[index % forms.length]}</p>`, head);
}

async function watched(world: World): Promise<Sockets> {
  const { stage, robin, trap } = world;
  const { hands } = robin;
  const [browser = 0] = await hands.pids();
  const programs = new Map([
    [hands.name, browser],
    ["companion", stage.companion.pid],
    ["ledger", stage.ledger.pid],
  ]);
  const ports = new Map([
    [stage.companion.port, "the companion"],
    [trap.port, "the world outside"],
  ]);
  return new Sockets(programs, ports);
}

/** silence ends what the extension has open: over a connection of before, something could leave unseen. */
async function silence({ stage, robin }: World): Promise<void> {
  await robin.hands.stopBackground();
  await until("extension and companion are apart", () => !connected(stage.companion.port));
}

async function planting(world: World): Promise<void> {
  const { suite, stage, robin, trap } = world;
  const { hands } = robin;
  /** caught runs what must be seen, and gives what was. */
  const caught = async (work: () => Promise<unknown>, sign: RegExp): Promise<void> => {
    const sockets = await watched(world);
    sockets.start();
    try {
      await work();
      await until(`the watch sees ${sign}`, () => [...sockets.seen].some((line) => sign.test(line)), 10);
    } catch (error) {
      throw new Error(`${String(error)}; seen: ${[...sockets.seen].join(", ")}`);
    } finally {
      sockets.stop();
    }
  };
  await suite.test(`${hands.name}: a page's planted request is caught`, async () => {
    const sheet = await hands.open(`${stage.site.origin}/read/0`);
    const out = "http://tracker.example/planted";
    await caught(
      () => sheet.run((url) => fetch(url, { mode: "no-cors" }).then(String, String), out),
      new RegExp(`^${hands.name}: tcp .* -> 127\\.0\\.0\\.1:${trap.port}$`),
    );
    await until("the trap has it", () => trap.caught.some((line) => line.includes("planted")));
    await sheet.close();
  });
  await suite.test(`${hands.name}: the extension's planted word to the companion is caught`, async () => {
    await silence(world);
    await caught(
      () =>
        hands.inBackground((port) => {
          const socket = new self.WebSocket(`ws://127.0.0.1:${port}/ws`, "flattr.v1");
          socket.onopen = () => socket.close();
        }, stage.companion.port),
      new RegExp(
        `${hands.name}: tcp .* -> 127\\.0\\.0\\.1:${stage.companion.port}$|somebody with the companion`,
      ),
    );
  });
  await suite.test(`${hands.name}: a planted datagram is caught`, async () => {
    const script = `const socket = require("node:dgram").createSocket("udp4");
      socket.on("error", () => {}); // nobody listens there
      socket.connect(9, "127.0.0.1", () => socket.send("planted"));
      setInterval(() => {}, 1000);`;
    const program = Program.start("datagram", process.execPath, ["-e", script], {
      log: path.join(folder, "datagram.log"),
    });
    const sockets = new Sockets(new Map([["datagram", program.pid]]), new Map());
    sockets.start();
    await until("the watch sees it", () => [...sockets.seen].some((line) => /^datagram: udp/.test(line)), 10);
    sockets.stop();
    await program.stop();
  });
}

async function reading(world: World): Promise<void> {
  const { suite, stage, robin, trap } = world;
  const { hands } = robin;
  await suite.test(`${hands.name}: while a hundred pages with buttons are read, nothing leaves`, async () => {
    const sheet = await hands.open("about:blank");
    await silence(world);
    const sockets = await watched(world);
    const before = trap.caught.length;
    stage.site.hangUp(); // so that the pages' own connections are new, and must be seen
    sockets.start();
    for (let index = 0; index < PAGES; index++) {
      const url = `${stage.site.origin}/read/${index}`;
      await sheet.goto(url);
      await robin.counted(url, index % 10 === 9 ? 2 : 1);
    }
    const lines = sockets.stop();
    // The pages themselves come from the sample site, and of the trap's visitors it is known what they wanted.
    const known = new RegExp(` 127\\.0\\.0\\.1:(?:${stage.site.port}|${trap.port})(?: |$)`);
    const rest = lines.filter((line) => !known.test(line));
    const wanted = trap.caught.slice(before).filter((line) => !MAKERS.test(line));
    assert.deepEqual(wanted, []);
    assert.deepEqual(rest, []);
    assert.ok(lines.length > 0, "not even the pages were seen");
    assert.ok(sockets.looks > PAGES, `only ${sockets.looks} looks`);
    assert.ok(!connected(stage.companion.port), "extension and companion are connected");
    await sheet.close();
  });
}

await perform(() =>
  staged(`nothing leaves ${which}`, which, folder, async (suite, stage, end) => {
    for (let index = 0; index < PAGES; index++) {
      stage.site.extra.set(`/read/${index}`, page(stage.site.origin, index));
    }
    const trap = await new Trap().listen();
    end.push(async () => trap.close());
    const robin = await begin(which, { stage, folder, trapPort: trap.port }, end);
    const world = { suite, stage, robin, trap };
    await planting(world);
    await reading(world);
  }),
);
