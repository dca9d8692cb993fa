// A session with the companion: questions and their answers over one sealed channel, and what it tells unasked.
import { type Channel, DialError } from "../protocol/dial";
import { type FromCompanion, type FromExtension, LIMITS } from "../wire.gen";

/** A question that is not answered within this time ends the session: the companion commits before it answers. */
const ANSWER_DEADLINE_MS = 30_000;

/** More questions than this waiting for their turn mean that something is wrong. */
const MAX_QUEUED = 1000;

/** Answer is what comes back under a question's id. */
export type Answer = Exclude<FromCompanion, { type: "enrolled" } | { type: "click" }>;

/** ProblemError is the companion's answer that it could not do what was asked. */
export class ProblemError extends Error {
  constructor(
    readonly code: string,
    readonly sentence: string,
  ) {
    super(`companion: ${code}`);
  }
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: ReturnType<typeof setTimeout>;
}

/** Session sends questions, at most so many unanswered at a time, and hands pushed messages on. */
export class Session {
  readonly #channel: Channel;
  readonly #waiting = new Map<string, Waiting>();
  readonly #queued: (() => void)[] = [];
  readonly #onPush: (message: FromCompanion) => void;
  #inFlight = 0; // questions sent, or about to be
  #ended: DialError | undefined;

  constructor(channel: Channel, onPush: (message: FromCompanion) => void) {
    this.#channel = channel;
    this.#onPush = onPush;
    channel.closed.then((error) => this.#end(error));
  }

  /** closed resolves with the reason when the connection has ended. */
  get closed(): Promise<DialError> {
    return this.#channel.closed;
  }

  /** close ends the session. */
  close(): void {
    this.#channel.close();
  }

  /** ask sends a question and resolves with its answer; rejects with ProblemError or DialError. */
  async ask(question: FromExtension): Promise<Answer> {
    await this.#turn();
    if (this.#ended !== undefined) throw this.#ended;
    const answered = new Promise<Answer>((resolve, reject) => {
      const deadline = setTimeout(() => this.close(), ANSWER_DEADLINE_MS);
      this.#waiting.set(question.id, { resolve, reject, deadline });
    });
    this.#channel
      .send(JSON.stringify(question))
      .catch((error: Error) => this.#settle(question.id)?.reject(error));
    return answered;
  }

  /** receive takes a message from the channel. What cannot be understood ends the session. */
  receive(text: string): void {
    const message = readMessage(text);
    if (message === undefined) {
      this.close();
      return;
    }
    const id = "id" in message ? message.id : undefined;
    const waiting = id === undefined ? undefined : this.#settle(id);
    if (waiting === undefined || message.type === "enrolled" || message.type === "click") {
      this.#onPush(message);
    } else if (message.type === "problem") {
      waiting.reject(new ProblemError(message.code, message.sentence));
    } else {
      waiting.resolve(message);
    }
  }

  // A place is taken before anything is waited for, and handed from the answered question to the next.
  #turn(): Promise<void> {
    if (this.#inFlight < LIMITS.maxUnanswered) {
      this.#inFlight++;
      return Promise.resolve();
    }
    if (this.#queued.length >= MAX_QUEUED) return Promise.reject(new DialError("closed"));
    return new Promise((resolve) => this.#queued.push(resolve));
  }

  #settle(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return undefined;
    clearTimeout(waiting.deadline);
    this.#waiting.delete(id);
    const next = this.#queued.shift();
    if (next === undefined) this.#inFlight--;
    else next();
    return waiting;
  }

  #end(error: DialError): void {
    this.#ended = error;
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(error);
    for (const next of this.#queued.splice(0)) next();
  }
}

const TYPES: readonly string[] = [
  "enrolled",
  "ack",
  "nack",
  "status",
  "month",
  "history",
  "link",
  "unlink",
  "retire",
  "pong",
  "click",
  "problem",
];

// Lists that are walked through without asking again.
const LISTS: Readonly<Record<string, readonly string[]>> = {
  status: ["months", "problems"],
  month: ["rows"],
  history: ["rows"],
};

/** readMessage reads one message of the companion; undefined when it is none that this version knows. */
export function readMessage(text: string): FromCompanion | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("type" in value)) return undefined;
  if (typeof value.type !== "string" || !TYPES.includes(value.type)) return undefined;
  if ("id" in value && typeof value.id !== "string") return undefined;
  const lists = LISTS[value.type] ?? [];
  if (!lists.every((list) => Array.isArray((value as Record<string, unknown>)[list]))) return undefined;
  return value as FromCompanion;
}
