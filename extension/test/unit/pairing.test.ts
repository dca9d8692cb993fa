// Pairing: a ticket becomes a device key, one connection replaces the other, and the device before is retired in the end.
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { Companion } from "../../src/background/companion";
import type { Ticket } from "../../src/protocol/ticket";
import { TestCompanion } from "./companion";

const KEY = randomBytes(32);
const FIRST = randomBytes(32).toString("base64url");
const SECOND = randomBytes(32).toString("base64url");
let served: TestCompanion;
let links: string[];

function extension(): Companion {
  links = [];
  return new Companion(
    () => {},
    (link) => links.push(link),
  );
}

// The ticket by which the companion makes a device.
function ticketFor(device: string): Ticket {
  const secret = randomBytes(16);
  served.ticket = {
    secret,
    enrolled: { type: "enrolled", device, key: KEY.toString("base64url"), ledger: "https://ledger.example" },
  };
  return { port: served.port, secret: new Uint8Array(secret) };
}

const retired = (): unknown[] =>
  served.heard
    .map((text) => JSON.parse(text) as { type: string; device?: string })
    .filter(({ type }) => type === "retire")
    .map(({ device }) => device);

beforeEach(async () => {
  served = await TestCompanion.start(KEY);
  Object.assign(globalThis, { WebSocket, self: { origin: served.origin } });
  vi.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(() => served.stop());

it("replaces the connection and keeps the new one", async () => {
  served.answer = ({ id, type }) => ({ type, id });
  const companion = extension();
  await companion.pair(ticketFor(FIRST));
  const old = await companion.connect();
  await companion.pair(ticketFor(SECOND));
  await old.closed;
  const dialled = served.hellos.length;
  await companion.connect();
  expect(served.hellos.length).toBe(dialled);
  expect(await companion.link()).toBe("up");
  await expect.poll(retired).toContain(FIRST);
  await expect.poll(async () => (await companion.device())?.before).toBeUndefined();
  expect((await companion.device())?.device).toBe(SECOND);
});

it("has paired though the companion knows nothing of the device before", async () => {
  served.answer = ({ id }) => ({ type: "problem", id, code: "unknown", sentence: "No such device." });
  const companion = extension();
  await companion.pair(ticketFor(FIRST));
  await companion.pair(ticketFor(SECOND));
  await expect.poll(async () => (await companion.device())?.before).toBeUndefined();
});

it("retires the device before at the next connection when this one broke off", async () => {
  const companion = extension();
  served.answer = () => undefined;
  await companion.pair(ticketFor(FIRST));
  await companion.pair(ticketFor(SECOND));
  await expect.poll(retired).toContain(FIRST);
  (await companion.connect()).close();
  await expect.poll(() => companion.link()).toBe("closed");
  served.answer = ({ id, type }) => ({ type, id });
  await companion.connect();
  await expect.poll(async () => (await companion.device())?.before).toBeUndefined();
  expect(retired().filter((device) => device === FIRST)).toHaveLength(2);
});
