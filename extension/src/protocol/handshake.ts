// The handshake by which extension and companion prove to each other that they know
// the same secret P: a ticket the first time, the device key from then on.
import { LIMITS } from "../wire.gen";
import { type Bytes, join, uint16, uint32, utf8 } from "./bytes";

/** Kind says what P is. */
export type Kind = "ticket" | "device";

/** Lengths in bytes of what the handshake is made of. */
export const NONCE_BYTES = 32;
export const ID_BYTES = 32;
const HELLO_BYTES = 70;
const CHALLENGE_HEAD_BYTES = 35;
const MAC_BYTES = 32;
const CHALLENGE_BYTES = CHALLENGE_HEAD_BYTES + MAC_BYTES;

const HELLO = 1;
const CHALLENGE = 2;
const FINISH = 3;
const LABEL = "flattr/1";

/** Challenge is the companion's answer to hello. */
export interface Challenge {
  readonly version: number;
  readonly head: Bytes; // the part that goes into the transcript
  readonly mac: Bytes; // the companion's proof
}

/** Proof holds what both sides derive from P and the transcript. */
export interface Proof {
  readonly transcript: Bytes;
  readonly auth: CryptoKey;
  readonly sending: CryptoKey; // extension to companion
  readonly receiving: CryptoKey; // companion to extension
}

/** importSecret wraps P so that keys can be derived from it and it can never be read back. */
export function importSecret(secret: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
}

/** sha256 hashes bytes. */
export async function sha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** encodeHello lays out the first message: who dials, and which versions it speaks. */
export function encodeHello(kind: Kind, lowest: number, highest: number, id: Bytes, nonce: Bytes): Bytes {
  if (id.length !== ID_BYTES || nonce.length !== NONCE_BYTES)
    throw new RangeError("hello: id or nonce length");
  const kindByte = kind === "ticket" ? 0 : 1;
  return join(Uint8Array.of(HELLO, kindByte), uint16(lowest), uint16(highest), id, nonce);
}

/** decodeChallenge reads the companion's answer; undefined when the layout is wrong. */
export function decodeChallenge(message: Bytes): Challenge | undefined {
  if (message.length !== CHALLENGE_BYTES || message[0] !== CHALLENGE) return undefined;
  const version = ((message[1] ?? 0) << 8) | (message[2] ?? 0);
  return {
    version,
    head: message.slice(0, CHALLENGE_HEAD_BYTES),
    mac: message.slice(CHALLENGE_HEAD_BYTES),
  };
}

/** transcriptInput is everything both sides must have seen alike, each part preceded by its length. */
export function transcriptInput(origin: string, port: number, hello: Bytes, head: Bytes): Bytes {
  if (hello.length !== HELLO_BYTES || head.length !== CHALLENGE_HEAD_BYTES)
    throw new RangeError("transcript");
  const parts = [utf8(LABEL), utf8(LIMITS.subprotocol), utf8(origin), uint16(port), hello, head];
  return join(...parts.flatMap((part) => [uint32(part.length), part]));
}

/** prove derives the proof's keys and both directions' keys from P and the transcript. */
export async function prove(secret: CryptoKey, transcript: Bytes): Promise<Proof> {
  const [auth, sending, receiving] = await Promise.all([
    deriveAuth(secret),
    deriveFrameKey(secret, transcript, "e2d", "encrypt"),
    deriveFrameKey(secret, transcript, "d2e", "decrypt"),
  ]);
  return { transcript, auth, sending, receiving };
}

/** companionProved tells whether the challenge's mac is right; the comparison takes constant time. */
export function companionProved(proof: Proof, mac: Bytes): Promise<boolean> {
  return crypto.subtle.verify("HMAC", proof.auth, mac, join(utf8("daemon"), proof.transcript));
}

/** encodeFinish is the extension's own proof, the last message of the handshake. */
export async function encodeFinish(proof: Proof): Promise<Bytes> {
  const mac = await crypto.subtle.sign("HMAC", proof.auth, join(utf8("extension"), proof.transcript));
  return join(Uint8Array.of(FINISH), new Uint8Array(mac));
}

function deriveAuth(secret: CryptoKey): Promise<CryptoKey> {
  const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: utf8("auth") };
  // Without its length WebCrypto would take the hash's block size, 512 bits.
  const hmac = { name: "HMAC", hash: "SHA-256", length: 256 };
  return crypto.subtle.deriveKey(hkdf, secret, hmac, false, ["sign", "verify"]);
}

function deriveFrameKey(
  secret: CryptoKey,
  transcript: Bytes,
  direction: "e2d" | "d2e",
  usage: "encrypt" | "decrypt",
): Promise<CryptoKey> {
  const hkdf = { name: "HKDF", hash: "SHA-256", salt: transcript, info: utf8(direction) };
  return crypto.subtle.deriveKey(hkdf, secret, { name: "AES-GCM", length: 256 }, false, [usage]);
}
