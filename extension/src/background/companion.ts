// The companion as the background knows it: paired or not, connected or not, dialled on demand and by one at a time.

import type { Link } from "../messages";
import { type Bytes, fromBase64url } from "../protocol/bytes";
import { type Dial, DialError, dial } from "../protocol/dial";
import { ID_BYTES, importSecret, sha256 } from "../protocol/handshake";
import type { Ticket } from "../protocol/ticket";
import type { Enrolled, FromCompanion } from "../wire.gen";
import { type Device, loadDevice, storeDevice } from "./device";
import { readMessage, Session } from "./session";

/** A ticket's connection must bring its one frame within this time. */
const ENROL_DEADLINE_MS = 10_000;
const KEY_BYTES = 32;

/** Companion holds the one session there is, and the way to the next. */
export class Companion {
  readonly #onPush: (message: FromCompanion) => void;
  readonly #onLink: (link: Link) => void;
  #device: Promise<Device | undefined> = loadDevice();
  #connecting: Promise<Session> | undefined;
  #pairing: Promise<unknown> = Promise.resolve();
  #link: Link = "idle";
  #lasting = true;

  constructor(onPush: (message: FromCompanion) => void, onLink: (link: Link) => void) {
    this.#onPush = onPush;
    this.#onLink = onLink;
  }

  /** link tells how things stand; it dials nothing. */
  async link(): Promise<Link> {
    return (await this.#device) === undefined ? "unpaired" : this.#link;
  }

  /** lasting is false when the pairing ends with the browser. */
  get lasting(): boolean {
    return this.#lasting;
  }

  /** device is the present pairing, if any. */
  device(): Promise<Device | undefined> {
    return this.#device;
  }

  /** connect resolves with the open session, dialling where there is none; rejects with DialError. */
  connect(): Promise<Session> {
    this.#connecting ??= this.#open().catch((error: unknown) => {
      this.#connecting = undefined;
      this.#tell(error instanceof DialError ? error.reason : "away");
      throw error;
    });
    return this.#connecting;
  }

  /** pair spends a ticket, proves the new key and retires the device before. One at a time. */
  pair(ticket: Ticket): Promise<void> {
    const paired = this.#pairing.then(() => this.#pair(ticket));
    this.#pairing = paired.catch(() => {});
    return paired;
  }

  async #open(): Promise<Session> {
    const device = await this.#device;
    const id = device === undefined ? undefined : fromBase64url(device.device);
    if (device === undefined || id === undefined) throw new DialError("unknown");
    this.#tell("dialling");
    const session = await openSession(
      { port: device.port, origin: self.origin, kind: "device", id, secret: device.key },
      this.#onPush,
    );
    session.closed.then(() => {
      this.#connecting = undefined;
      this.#tell("closed");
    });
    this.#tell("up");
    return session;
  }

  async #pair(ticket: Ticket): Promise<void> {
    const enrolled = await enrol(ticket);
    const before = (await this.#device)?.device;
    const device = await deviceOf(enrolled, ticket.port, before);
    this.#lasting = await storeDevice(device);
    this.#device = Promise.resolve(device);
    const old = this.#connecting;
    this.#connecting = undefined;
    (await old?.catch(() => undefined))?.close();
    const session = await this.connect();
    if (before === undefined) return;
    await session.ask({ type: "retire", id: crypto.randomUUID(), device: before });
    const { before: _, ...settled } = device;
    this.#lasting = await storeDevice(settled);
    this.#device = Promise.resolve(settled);
  }

  #tell(link: Link): void {
    this.#link = link;
    this.#onLink(link);
  }
}

async function openSession(to: Dial, onPush: (message: FromCompanion) => void): Promise<Session> {
  const early: string[] = [];
  let session: Session | undefined;
  const channel = await dial(to, (message) => {
    if (session === undefined) early.push(message);
    else session.receive(message);
  });
  session = new Session(channel, onPush);
  for (const message of early) session.receive(message);
  return session;
}

// The ticket's connection carries one frame, `enrolled`, and nothing else.
async function enrol(ticket: Ticket): Promise<Enrolled> {
  const [id, secret] = await Promise.all([sha256(ticket.secret), importSecret(ticket.secret)]);
  let receive: (message: string) => void = () => {};
  const first = new Promise<string>((resolve) => {
    receive = resolve;
  });
  const to: Dial = { port: ticket.port, origin: self.origin, kind: "ticket", id, secret };
  const channel = await dial(to, (message) => receive(message));
  const late = new Promise<DialError>((resolve) =>
    setTimeout(() => resolve(new DialError("away")), ENROL_DEADLINE_MS),
  );
  const came = await Promise.race([first, channel.closed, late]);
  channel.close();
  if (came instanceof DialError) throw came;
  const message = readMessage(came);
  if (message?.type !== "enrolled") throw new DialError("other_program");
  return message;
}

async function deviceOf(enrolled: Enrolled, port: number, before: string | undefined): Promise<Device> {
  const id: Bytes | undefined = fromBase64url(enrolled.device);
  const secret: Bytes | undefined = fromBase64url(enrolled.key);
  if (id?.length !== ID_BYTES || secret?.length !== KEY_BYTES) throw new DialError("other_program");
  const key = await importSecret(secret);
  secret.fill(0);
  const device = { device: enrolled.device, key, port, ledger: enrolled.ledger };
  return before === undefined ? device : { ...device, before };
}
