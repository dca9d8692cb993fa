// Marionette, Firefox's own remote control: frames of JSON over one TCP connection.
// It reaches what WebDriver BiDi does not: the extension's own pages, and the browser's insides.
import { connect, type Socket } from "node:net";
import { until } from "./programs.js";

/** A command that is not answered within this time fails; Firefox's own page loads end after 30 s. */
const ANSWER_MS = 60_000;

/** Error is what Firefox says of a command it could not do. */
interface Failure {
  error: string;
  message: string;
  stacktrace?: string;
}

/** MarionetteError carries the short name of the failure, such as `no such element`. */
export class MarionetteError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(`${code}: ${message}`);
  }
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Marionette is one session. Commands are answered in the order in which they are sent. */
export class Marionette {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #buffer = Buffer.alloc(0);
  #last = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data) => this.#read(data));
    socket.on("close", () => this.#end(new Error("Firefox closed the connection")));
    socket.on("error", (error) => this.#end(error));
  }

  /** connect waits until Firefox listens on the port, and begins a session. */
  static async connect(port: number): Promise<Marionette> {
    const socket = await until("Firefox listens to its remote control", () => dial(port), 60);
    const marionette = new Marionette(socket);
    await marionette.send("WebDriver:NewSession", { acceptInsecureCerts: true });
    return marionette;
  }

  /** send asks for a command and resolves with its value. */
  async send(command: string, parameters: object = {}): Promise<unknown> {
    const id = ++this.#last;
    const answered = new Promise<unknown>((resolve, reject) => {
      const late = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`Firefox did not answer ${command}`));
      }, ANSWER_MS);
      const settle = (work: () => void) => {
        clearTimeout(late);
        work();
      };
      this.#waiting.set(id, {
        resolve: (value) => settle(() => resolve(value)),
        reject: (error) => settle(() => reject(error)),
      });
    });
    const body = JSON.stringify([0, id, command, parameters]);
    this.#socket.write(`${Buffer.byteLength(body)}:${body}`);
    return answered;
  }

  /** close ends the connection; Firefox is ended by whoever started it. */
  close(): void {
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, data]);
    for (;;) {
      const colon = this.#buffer.indexOf(":");
      if (colon < 0) return;
      const end = colon + 1 + Number(this.#buffer.subarray(0, colon).toString());
      if (this.#buffer.length < end) return;
      const frame: unknown = JSON.parse(this.#buffer.subarray(colon + 1, end).toString());
      this.#buffer = this.#buffer.subarray(end);
      if (Array.isArray(frame)) this.#settle(frame);
    }
  }

  #settle([, id, failure, result]: unknown[]): void {
    const waiting = this.#waiting.get(id as number);
    this.#waiting.delete(id as number);
    const { error, message } = (failure ?? {}) as Failure;
    if (failure) waiting?.reject(new MarionetteError(error, message));
    else waiting?.resolve(unwrapped(result));
  }

  #end(error: Error): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}

// Most answers are wrapped, lists are not.
function unwrapped(result: unknown): unknown {
  if (typeof result !== "object" || result === null || Array.isArray(result)) return result;
  return "value" in result ? result.value : result;
}

function dial(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", () => resolve(undefined));
  });
}
