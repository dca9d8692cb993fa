// The companion as the background knows it: paired or not, connected or not, dialled on demand and by one at a time.

import type { Link } from "../messages";
import { type Bytes, fromBase64url } from "../protocol/bytes";
import { type Dial, DialError, dial } from "../protocol/dial";
import { ID_BYTES, importSecret, sha256 } from "../protocol/handshake";
import type { Ticket } from "../protocol/ticket";
import type { Enrolled, FromCompanion } from "../wire.gen";
import { type Device, loadDevice, storeDevice } from "./device";
import { ProblemError, readMessage, Session } from "./session";

/** A ticket's connection must bring its one frame within this time. */
const ENROL_DEADLINE_MS = 10_000;
const KEY_BYTES = 32;

/** Companion holds the one session there is, and the way to the next. */
export class Companion {
  readonly #onPush: (message: FromCompanion) => void;
  readonly #onLink: (link: Link) => void;
  #loaded: Promise<Device | undefined> | undefined;
  #connecting: Promise<Session> | undefined;
  #pairing: Promise<unknown> = Promise.resolve();
  #link: Link = "idle";
  #lasting = true;

  constructor(onPush: (message: FromCompanion) => void, onLink: (link: Link) => void) {
    this.#onPush = onPush;
    this.#onLink = onLink;
  }

  // Read when it is first asked for: pages share this script, and have no use for keys.
  get #device(): Promise<Device | undefined> {
    this.#loaded ??= loadDevice();
    return this.#loaded;
  }

  set #device(device: Promise<Device | undefined>) {
    this.#loaded = device;
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
    if (this.#connecting !== undefined) return this.#connecting;
    const connecting = this.#open();
    this.#connecting = connecting;
    connecting.then(
      (session) => {
        this.#tell("up");
        void session.closed.then(() => this.#over(connecting, "closed"));
        void this.#retire(session);
      },
      (error: unknown) => this.#over(connecting, error instanceof DialError ? error.reason : "away"),
    );
    return connecting;
  }

  /** pair spends a ticket and proves the new key. One at a time. */
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
    const to: Dial = { port: device.port, origin: self.origin, kind: "device", id, secret: device.key };
    return openSession(to, this.#onPush);
  }

  // A connection that ended late must not be taken for the one that came after it.
  #over(connecting: Promise<Session>, link: Link): void {
    if (this.#connecting !== connecting) return;
    this.#connecting = undefined;
    this.#tell(link);
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
    await this.connect();
  }

  // The device before is retired once the new key is proven, by a later connection if need be. A companion that
  // does not know it any more has nothing to retire.
  async #retire(session: Session): Promise<void> {
    const device = await this.#device;
    if (device?.before === undefined) return;
    try {
      await session.ask({ type: "retire", id: crypto.randomUUID(), device: device.before });
    } catch (error) {
      if (!(error instanceof ProblemError)) return;
    }
    if ((await this.#device) !== device) return; // paired anew meanwhile
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
