// A companion for tests: the other side of the handshake, written with node's own cryptography, on a real socket.
// It answers as the local protocol says, and can be told to break it in one way at a time.
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { type RawData, type WebSocket, WebSocketServer } from "ws";

/** Fault is the one thing that a test's companion does wrong. */
export type Fault =
  | "none"
  | "wrong-mac"
  | "silent"
  | "replays"
  | "text"
  | "future-version"
  | "unknown"
  | "breaks-off";

const ORIGIN = "chrome-extension://abcdefghijklmnopabcdefghijklmnop";

/** TestCompanion serves one secret on a port of 127.0.0.1. */
export class TestCompanion {
  readonly #server: WebSocketServer;
  readonly port: number;
  readonly hellos: Buffer[] = [];
  readonly heard: string[] = [];
  readonly afterHello: number[] = []; // sizes of what came after hello
  ticket: { readonly secret: Buffer; readonly enrolled: unknown } | undefined;
  answer: (question: Record<string, unknown>) => unknown = () => undefined;

  private constructor(
    server: WebSocketServer,
    readonly secret: Buffer,
    readonly fault: Fault,
  ) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (socket) => this.#serve(socket));
  }

  static async start(secret: Buffer, fault: Fault = "none"): Promise<TestCompanion> {
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    await new Promise((resolve) => server.once("listening", resolve));
    return new TestCompanion(server, secret, fault);
  }

  get origin(): string {
    return ORIGIN;
  }

  async stop(): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: WebSocket): void {
    socket.once("message", (data: RawData) => {
      const hello = bytes(data);
      this.hellos.push(hello);
      if (this.fault === "silent") return;
      if (this.fault === "unknown") socket.close(4401);
      else this.#prove(socket, hello);
    });
  }

  #prove(socket: WebSocket, hello: Buffer): void {
    const version = this.fault === "future-version" ? 9 : 1;
    const head = Buffer.concat([Buffer.from([2]), Buffer.from([0, version]), randomBytes(32)]);
    const transcript = this.#transcript(hello, head);
    const ticket = hello[1] === 0 ? this.ticket : undefined;
    const secret = ticket?.secret ?? this.secret;
    const auth = derive(secret, Buffer.alloc(0), "auth");
    const mac = createHmac("sha256", auth).update("daemon").update(transcript).digest();
    if (this.fault === "wrong-mac") mac[0] = (mac[0] ?? 0) ^ 1;
    const incoming = derive(secret, transcript, "e2d");
    const outgoing = derive(secret, transcript, "d2e");
    let received = 0;
    let sent = 0;
    const bound = Buffer.concat([Buffer.from("d2e"), transcript]);
    socket.on("message", (data: RawData) => {
      const message = bytes(data);
      this.afterHello.push(message.length);
      if (message[0] === 3 && received === 0 && message.length === 33) {
        if (ticket !== undefined) socket.send(seal(outgoing, sent++, bound, JSON.stringify(ticket.enrolled)));
        return;
      }
      const text = open(incoming, received++, Buffer.concat([Buffer.from("e2d"), transcript]), message);
      this.heard.push(text);
      const reply = this.answer(JSON.parse(text) as Record<string, unknown>);
      if (reply === undefined) return;
      const frame = seal(outgoing, sent++, bound, JSON.stringify(reply));
      if (this.fault === "text") socket.send("hello");
      else socket.send(frame);
      if (this.fault === "replays") socket.send(frame);
    });
    if (this.fault === "breaks-off") socket.send("hello");
    else socket.send(Buffer.concat([head, mac]));
  }

  #transcript(hello: Buffer, head: Buffer): Buffer {
    const port = Buffer.alloc(2);
    port.writeUInt16BE(this.port);
    const hash = createHash("sha256");
    for (const part of [
      Buffer.from("flattr/1"),
      Buffer.from("flattr.v1"),
      Buffer.from(ORIGIN),
      port,
      hello,
      head,
    ]) {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      hash.update(length).update(part);
    }
    return hash.digest();
  }
}

function derive(secret: Buffer, salt: Buffer, info: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, salt, info, 32));
}

function bytes(data: RawData): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]);
}

function nonce(counter: number): Buffer {
  const iv = Buffer.alloc(12);
  iv.writeBigUInt64BE(BigInt(counter), 4);
  return iv;
}

function seal(key: Buffer, counter: number, bound: Buffer, text: string): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonce(counter)).setAAD(bound);
  return Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
}

function open(key: Buffer, counter: number, bound: Buffer, frame: Buffer): string {
  const cipher = createDecipheriv("aes-256-gcm", key, nonce(counter))
    .setAAD(bound)
    .setAuthTag(frame.subarray(-16));
  return Buffer.concat([cipher.update(frame.subarray(0, -16)), cipher.final()]).toString("utf8");
}
