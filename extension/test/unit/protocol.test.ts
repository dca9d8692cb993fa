// The handshake and the frames, byte for byte, against values computed elsewhere.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Bytes, fromBase32, fromBase64url, toBase64url, utf8 } from "../../src/protocol/bytes";
import { FrameError, Frames } from "../../src/protocol/frames";
import {
  companionProved,
  decodeChallenge,
  encodeFinish,
  encodeHello,
  importSecret,
  type Kind,
  prove,
  sha256,
  transcriptInput,
} from "../../src/protocol/handshake";
import { readPasted, readTicket } from "../../src/protocol/ticket";

interface FrameVector {
  frame: string;
  plaintext_utf8: string;
}
interface Vector {
  name: string;
  kind: Kind;
  P: string;
  T: string;
  id: string;
  nE: string;
  origin: string;
  port: number;
  version_min: number;
  version_max: number;
  version: number;
  hello: string;
  challenge: string;
  challenge_head: string;
  finish: string;
  transcript_input: string;
  ticket_base32?: string;
  frames_e2d: FrameVector[];
  frames_d2e: FrameVector[];
}

const own = new URL("../fixtures/local-protocol.json", import.meta.url);
const shared = new URL("../../../../shared/vectors/local-protocol.json", import.meta.url);

function vectorsIn(file: URL): Vector[] {
  return (JSON.parse(readFileSync(file, "utf8")) as { vectors: Vector[] }).vectors;
}

function fromHex(hex: string): Bytes {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function checkHandshake(vector: Vector): Promise<void> {
  const hello = encodeHello(
    vector.kind,
    vector.version_min,
    vector.version_max,
    fromHex(vector.id),
    fromHex(vector.nE),
  );
  expect(toHex(hello)).toBe(vector.hello);
  const challenge = decodeChallenge(fromHex(vector.challenge));
  if (challenge === undefined) throw new Error("challenge did not decode");
  expect(challenge.version).toBe(vector.version);
  expect(toHex(challenge.head)).toBe(vector.challenge_head);
  const input = transcriptInput(vector.origin, vector.port, hello, challenge.head);
  expect(toHex(input)).toBe(vector.transcript_input);
  const transcript = await sha256(input);
  expect(toHex(transcript)).toBe(vector.T);
  const proof = await prove(await importSecret(fromHex(vector.P)), transcript);
  expect(await companionProved(proof, challenge.mac)).toBe(true);
  expect(toHex(await encodeFinish(proof))).toBe(vector.finish);
  const wrong = challenge.mac.slice();
  wrong[31] = (wrong[31] ?? 0) ^ 1;
  expect(await companionProved(proof, wrong)).toBe(false);
  const sending = new Frames(proof.sending, "e2d", transcript);
  for (const { plaintext_utf8, frame } of vector.frames_e2d) {
    expect(toHex(await sending.seal(utf8(plaintext_utf8)))).toBe(frame);
  }
  const receiving = new Frames(proof.receiving, "d2e", transcript);
  for (const { plaintext_utf8, frame } of vector.frames_d2e) {
    expect(new TextDecoder().decode(await receiving.open(fromHex(frame)))).toBe(plaintext_utf8);
  }
}

describe("handshake and frames", () => {
  it.each(vectorsIn(own))("$name: every byte agrees", checkHandshake);

  const common = existsSync(shared) ? vectorsIn(shared) : [];
  it.skipIf(common.length === 0)("the common vectors agree (skipped where ../shared is absent)", async () => {
    for (const vector of common) await checkHandshake(vector);
  });

  it("a ticket's id is the hash of its bytes", async () => {
    const ticket = vectorsIn(own).find((vector) => vector.kind === "ticket");
    if (ticket?.ticket_base32 === undefined) throw new Error("no ticket vector");
    const bytes = fromBase32(ticket.ticket_base32);
    if (bytes === undefined) throw new Error("ticket did not decode");
    expect(toHex(bytes)).toBe(ticket.P);
    expect(toHex(await sha256(bytes))).toBe(ticket.id);
  });

  it("a replayed or reordered frame does not open", async () => {
    const vector = vectorsIn(own)[0];
    if (vector === undefined) throw new Error("no vector");
    const proof = await prove(await importSecret(fromHex(vector.P)), fromHex(vector.T));
    const [first, second] = vector.frames_d2e.map(({ frame }) => fromHex(frame));
    if (first === undefined || second === undefined) throw new Error("two frames needed");
    const replay = new Frames(proof.receiving, "d2e", proof.transcript);
    await replay.open(first);
    await expect(replay.open(first)).rejects.toThrow(FrameError);
    const reordered = new Frames(proof.receiving, "d2e", proof.transcript);
    await expect(reordered.open(second)).rejects.toThrow(FrameError);
  });

  it("keys cannot be read back", async () => {
    const secret = await importSecret(new Uint8Array(16));
    await expect(crypto.subtle.exportKey("raw", secret)).rejects.toThrow();
  });

  it("a challenge of another layout is none", () => {
    expect(decodeChallenge(new Uint8Array(66))).toBeUndefined();
    expect(decodeChallenge(new Uint8Array(67))).toBeUndefined();
  });
});

describe("tickets", () => {
  const text = "6DY7F47U6X3PP6HZ7L57Z7P674";

  it.each([`flattr1:17890:${text}`, ` flattr1:17890:${text}\n`, `FLATTR1:17890:${text.toLowerCase()}`])(
    "reads %j",
    (line) => {
      expect(readPasted(line)).toMatchObject({ port: 17890 });
    },
  );

  it.each([
    "",
    text,
    `flattr2:17890:${text}`,
    `flattr1:0:${text}`,
    `flattr1:65536:${text}`,
    `flattr1:-1:${text}`,
    `flattr1:1e3:${text}`,
    `flattr1:17890:${text}A`,
    `flattr1:17890:${text.slice(1)}`,
    `flattr1:17890:${text.slice(0, -1)}5`, // left-over bits that are not zero
    `flattr1:17890:0${text.slice(1)}`,
    `flattr1:17890:${text}:x`,
  ])("refuses %j", (line) => {
    expect(readPasted(line)).toBeUndefined();
  });

  it("takes only a whole port from the native host", () => {
    expect(readTicket("17890", text)).toBeUndefined();
    expect(readTicket(17890.5, text)).toBeUndefined();
    expect(readTicket(17890, text)?.secret).toHaveLength(16);
  });
});

describe("base64url", () => {
  it("round-trips and refuses what it is not", () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, index) => index * 8 + 3);
    expect(fromBase64url(toBase64url(bytes))).toEqual(bytes);
    expect(fromBase64url("a b")).toBeUndefined();
    expect(fromBase64url("a+b/")).toBeUndefined();
    expect(fromBase64url("abcde")).toBeUndefined();
  });
});
