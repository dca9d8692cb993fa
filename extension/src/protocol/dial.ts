// Dialling the companion: the WebSocket, the handshake over it, and the sealed channel that comes out.
import { LIMITS } from "../wire.gen";
import { type Bytes, utf8 } from "./bytes";
import { FrameError, Frames } from "./frames";
import {
  companionProved,
  decodeChallenge,
  encodeFinish,
  encodeHello,
  type Kind,
  NONCE_BYTES,
  prove,
  sha256,
  transcriptInput,
} from "./handshake";

/** Versions of the protocol that this extension speaks. */
const LOWEST_VERSION = 1;
const HIGHEST_VERSION = LIMITS.version;

/** A companion that has not proved itself within this time is none. */
const PROOF_DEADLINE_MS = 5000;

// The companion's reasons to close, as far as the extension tells them apart.
const UNKNOWN = 4401;
const VERSION = 4402;
const DEADLINE = 4408;
const TOO_MANY = 4429;

/**
 * Why a dial failed or a channel closed.
 *
 *  - `away`: nobody listens, or whoever listens refused the upgrade
 *  - `unknown`: the companion does not know the device or the ticket
 *  - `version`: no common version of the protocol
 *  - `other_program`: what answers does not know the secret
 *  - `closed`: the connection ended
 */
export type Reason = "away" | "unknown" | "version" | "other_program" | "closed";

/** DialError carries why a connection could not be had, or ended. */
export class DialError extends Error {
  constructor(readonly reason: Reason) {
    super(`companion: ${reason}`);
  }
}

/** Dial says whom to dial and how to prove oneself. */
export interface Dial {
  readonly port: number;
  readonly origin: string; // the extension's own, as the browser sends it
  readonly kind: Kind;
  readonly id: Bytes; // of the device, or the ticket's SHA-256
  readonly secret: CryptoKey; // P
}

/** Channel is a proven, sealed connection. Messages are text: one JSON object each. */
export interface Channel {
  send(message: string): Promise<void>;
  close(): void;
  readonly closed: Promise<DialError>;
}

/** dial connects, proves both sides, and resolves once messages can flow; rejects with DialError. */
export async function dial(to: Dial, onMessage: (message: string) => void): Promise<Channel> {
  const socket = new WebSocket(`ws://127.0.0.1:${to.port}/ws`, LIMITS.subprotocol);
  socket.binaryType = "arraybuffer";
  const line = new Line(socket, to, onMessage);
  return line.proven();
}

class Line implements Channel {
  readonly closed: Promise<DialError>;
  readonly #socket: WebSocket;
  readonly #dial: Dial;
  readonly #onMessage: (message: string) => void;
  readonly #ready: Promise<Channel>;
  readonly #closedWith: (error: DialError) => void;
  #settle: { resolve: (channel: Channel) => void; reject: (error: DialError) => void } | undefined;
  #receiving: Promise<void> = Promise.resolve();
  #sending: Promise<void> = Promise.resolve();
  #hello: Bytes = new Uint8Array(0);
  #outgoing: Frames | undefined;
  #incoming: Frames | undefined;
  #failed: Reason | undefined;

  constructor(socket: WebSocket, to: Dial, onMessage: (message: string) => void) {
    this.#socket = socket;
    this.#dial = to;
    this.#onMessage = onMessage;
    let closedWith: (error: DialError) => void = () => {};
    this.closed = new Promise((resolve) => {
      closedWith = resolve;
    });
    this.#closedWith = closedWith;
    this.#ready = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    const deadline = setTimeout(() => this.#fail("away"), PROOF_DEADLINE_MS);
    this.#ready.then(
      () => clearTimeout(deadline),
      () => clearTimeout(deadline),
    );
    socket.addEventListener("open", () => this.#sayHello());
    socket.addEventListener("message", (event) => this.#receive(event.data));
    socket.addEventListener("error", () => {}); // the close that follows says it
    socket.addEventListener("close", (event) => this.#ended(event.code));
  }

  proven(): Promise<Channel> {
    return this.#ready;
  }

  // The number is taken, the frame sealed and sent in one link of the chain.
  send(message: string): Promise<void> {
    const plain = utf8(message);
    if (plain.length > LIMITS.maxJsonBytes)
      return Promise.reject(new RangeError("message does not fit a frame"));
    const sent = this.#sending.then(async () => {
      const frames = this.#outgoing;
      if (frames === undefined || this.#socket.readyState !== WebSocket.OPEN) throw new DialError("closed");
      this.#socket.send(await frames.seal(plain));
    });
    this.#sending = sent.catch(() => {});
    return sent;
  }

  close(): void {
    this.#socket.close();
  }

  #sayHello(): void {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    this.#hello = encodeHello(this.#dial.kind, LOWEST_VERSION, HIGHEST_VERSION, this.#dial.id, nonce);
    this.#socket.send(this.#hello);
  }

  // Handshake and frames run through one chain, so that their order is the order of arrival.
  #receive(data: unknown): void {
    this.#receiving = this.#receiving
      .then(() => {
        if (this.#failed !== undefined) return;
        if (!(data instanceof ArrayBuffer) || data.byteLength > LIMITS.maxFrameBytes)
          throw new FrameError("layout");
        const message = new Uint8Array(data);
        return this.#incoming === undefined ? this.#finish(message) : this.#deliver(this.#incoming, message);
      })
      .catch((error: unknown) => {
        const stranger = this.#incoming === undefined; // whoever breaks the handshake is no companion
        this.#fail(error instanceof DialError ? error.reason : stranger ? "other_program" : "closed");
      });
  }

  async #finish(message: Bytes): Promise<void> {
    const challenge = decodeChallenge(message);
    if (challenge === undefined) throw new DialError("other_program");
    if (challenge.version < LOWEST_VERSION || challenge.version > HIGHEST_VERSION)
      throw new DialError("version");
    const input = transcriptInput(this.#dial.origin, this.#dial.port, this.#hello, challenge.head);
    const proof = await prove(this.#dial.secret, await sha256(input));
    if (!(await companionProved(proof, challenge.mac))) throw new DialError("other_program");
    this.#outgoing = new Frames(proof.sending, "e2d", proof.transcript);
    this.#incoming = new Frames(proof.receiving, "d2e", proof.transcript);
    this.#socket.send(await encodeFinish(proof));
    this.#settle?.resolve(this);
  }

  async #deliver(frames: Frames, message: Bytes): Promise<void> {
    const plain = await frames.open(message);
    this.#onMessage(new TextDecoder("utf-8", { fatal: true }).decode(plain));
  }

  // Closing carries no code: whoever answers learns nothing about which check failed.
  #fail(reason: Reason): void {
    this.#failed ??= reason;
    this.#settle?.reject(new DialError(reason));
    this.#socket.close();
  }

  #ended(code: number): void {
    const proven = this.#incoming !== undefined;
    let reason: Reason = proven ? "closed" : "away";
    if (code === UNKNOWN) reason = "unknown";
    if (code === VERSION) reason = "version";
    if (code === DEADLINE || code === TOO_MANY) reason = "closed"; // somebody is there, and busy
    const error = new DialError(this.#failed ?? reason);
    this.#settle?.reject(error);
    this.#closedWith(error);
  }
}
