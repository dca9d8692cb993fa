// Dialling: both sides prove themselves, nothing is said to a stranger, and a broken frame ends it.
import { randomBytes } from "node:crypto";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { ProblemError, Session } from "../../src/background/session";
import type { Bytes } from "../../src/protocol/bytes";
import { type Channel, type Dial, DialError, dial } from "../../src/protocol/dial";
import { importSecret } from "../../src/protocol/handshake";
import { type Fault, TestCompanion } from "./companion";

const secret = randomBytes(32);
let companion: TestCompanion;

beforeAll(() => {
  Object.assign(globalThis, { WebSocket });
});

afterEach(async () => {
  await companion.stop();
});

async function to(fault: Fault, known: Buffer = secret): Promise<Dial> {
  companion = await TestCompanion.start(secret, fault);
  const id: Bytes = new Uint8Array(32).fill(7);
  const key = await importSecret(new Uint8Array(known));
  return { port: companion.port, origin: companion.origin, kind: "device", id, secret: key };
}

async function openSession(fault: Fault = "none"): Promise<Session> {
  let session: Session | undefined;
  const channel: Channel = await dial(await to(fault), (message) => session?.receive(message));
  session = new Session(channel, () => {});
  return session;
}

const ping = (id: string) => ({ type: "ping", id }) as const;

describe("dial", () => {
  it("proves both sides and carries messages, in order and numbered", async () => {
    const session = await openSession();
    companion.answer = ({ id }) => ({ type: "pong", id });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, number) => session.ask(ping(`${number}`))),
    );
    expect(answers.map((answer) => ("id" in answer ? answer.id : ""))).toEqual(
      Array.from({ length: 40 }, (_, number) => `${number}`),
    );
    expect(companion.heard).toHaveLength(40);
    session.close();
  });

  it("says nothing after hello to a program that does not know the secret", async () => {
    await expect(dial(await to("wrong-mac"), () => {})).rejects.toMatchObject({ reason: "other_program" });
    expect(companion.hellos).toHaveLength(1);
    expect(companion.afterHello).toEqual([]);
  });

  it("does not take another secret's proof", async () => {
    const wrong = await to("none", randomBytes(32));
    await expect(dial(wrong, () => {})).rejects.toMatchObject({ reason: "other_program" });
    expect(companion.afterHello).toEqual([]);
  });

  it("names the port it dialled, so that a relay on another port proves nothing", async () => {
    const direct = await to("none");
    const relay = createServer((near) => near.pipe(connect(direct.port, "127.0.0.1")).pipe(near));
    await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
    const { port } = relay.address() as AddressInfo;
    await expect(dial({ ...direct, port }, () => {})).rejects.toMatchObject({ reason: "other_program" });
    expect(companion.afterHello).toEqual([]);
    relay.close();
  });

  it("names its own origin, so that another extension's proof is not its own", async () => {
    const other = { ...(await to("none")), origin: "chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba" };
    await expect(dial(other, () => {})).rejects.toMatchObject({ reason: "other_program" });
  });

  it.each([
    ["unknown", "unknown"],
    ["future-version", "version"],
    ["breaks-off", "other_program"],
  ] as const)("tells %s apart", async (fault, reason) => {
    await expect(dial(await to(fault), () => {})).rejects.toMatchObject({ reason });
  });

  it("says that nobody is there", async () => {
    const gone = await to("none");
    await companion.stop();
    await expect(dial(gone, () => {})).rejects.toMatchObject({ reason: "away" });
    companion = await TestCompanion.start(secret);
  });

  it("gives up on a companion that does not answer", { timeout: 10_000 }, async () => {
    await expect(dial(await to("silent"), () => {})).rejects.toMatchObject({ reason: "away" });
  });
});

describe("Session", () => {
  it.each(["replays", "text"] as const)("ends when the companion %s", async (fault) => {
    const session = await openSession(fault);
    companion.answer = ({ id }) => ({ type: "pong", id });
    await session.ask(ping("1")).catch(() => {});
    expect(await session.closed).toMatchObject({ reason: "closed" });
    await expect(session.ask(ping("2"))).rejects.toThrow(DialError);
  });

  it("rejects with the companion's problem", async () => {
    const session = await openSession();
    companion.answer = ({ id }) => ({ type: "problem", id, code: "busy", sentence: "Later." });
    await expect(session.ask(ping("1"))).rejects.toThrow(ProblemError);
    session.close();
  });

  it("keeps at most eight questions unanswered", async () => {
    const session = await openSession();
    const asked = Array.from({ length: 12 }, (_, number) =>
      session.ask(ping(`${number}`)).catch(() => undefined),
    );
    await expect.poll(() => companion.heard.length).toBe(8);
    session.close();
    await Promise.all(asked);
    expect(companion.heard).toHaveLength(8);
  });

  it("lets every question know that the connection ended", async () => {
    const session = await openSession();
    const asked = session.ask(ping("1"));
    await expect.poll(() => companion.heard.length).toBe(1);
    await companion.stop();
    await expect(asked).rejects.toMatchObject({ reason: "closed" });
    companion = await TestCompanion.start(secret);
  });
});
