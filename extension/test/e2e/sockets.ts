// All sockets of some processes, watched through /proc: whoever opens one is seen, whatever it is for.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { tree } from "./tree.js";

/** Between two looks; a connection that lives shorter still leaves a row without owner for a minute. */
const LOOK_MS = 20;

/** LISTEN is the state of a socket that only waits for others, in the kernel's own numbers. */
const LISTEN = "0A";

/** TIME_WAIT is the state in which the kernel remembers a connection that has ended. */
const TIME_WAIT = "06";

const TABLES = ["tcp", "tcp6", "udp", "udp6"] as const;

interface Row {
  readonly table: (typeof TABLES)[number];
  readonly local: string; // host:port
  readonly remote: string;
  readonly state: string;
  readonly inode: string;
}

/** Sockets collects every connection of the given programs and their descendants. */
export class Sockets {
  /** What was seen, each once: who, kind, and between which ends. */
  readonly seen = new Set<string>();
  readonly #owners = new Map<string, string>(); // of sockets, by inode; "" is somebody else's
  #timer: ReturnType<typeof setInterval> | undefined;
  #old = new Set<string>();
  #looks = 0;

  /**
   * programs are the top processes by name. ports are those on which they listen: a connection that ended before
   * anybody looked has no owner any more, but one of these ports.
   */
  constructor(
    private readonly programs: ReadonlyMap<string, number>,
    private readonly ports: ReadonlyMap<number, string>,
  ) {}

  /** start looks from now on; what is there already is not new. */
  start(): void {
    this.seen.clear();
    this.#old = new Set(rows().map(keyOf));
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** stop looks once more and gives what was seen. */
  stop(): readonly string[] {
    this.#look();
    clearInterval(this.#timer);
    return [...this.seen].sort();
  }

  /** looks is how often the tables were read. */
  get looks(): number {
    return this.#looks;
  }

  #look(): void {
    this.#looks++;
    const fresh = rows().filter((row) => row.state !== LISTEN && !this.#old.has(keyOf(row)));
    if (fresh.some(({ inode }) => inode !== "0" && !this.#owners.has(inode))) this.#learnOwners();
    for (const row of fresh) {
      const who = this.#whose(row);
      if (who !== "") this.seen.add(`${who}: ${row.table} ${row.local} -> ${row.remote}`);
    }
  }

  #whose(row: Row): string {
    if (row.inode !== "0") {
      const owner = this.#owners.get(row.inode);
      if (owner === undefined) this.#owners.set(row.inode, ""); // nobody of ours has it
      return owner ?? "";
    }
    if (row.state !== TIME_WAIT) return "";
    const port = (end: string) => this.ports.get(Number(end.slice(end.lastIndexOf(":") + 1)));
    const near = port(row.remote) ?? port(row.local); // on this machine each end is remembered, or only one
    return near === undefined ? "" : `somebody with ${near}`;
  }

  #learnOwners(): void {
    for (const [name, top] of this.programs) {
      for (const pid of tree(top)) for (const inode of socketsOf(pid)) this.#owners.set(inode, name);
    }
  }
}

// A connection that ends has no owner any more, and is the same connection.
function keyOf({ table, local, remote }: Row): string {
  return `${table} ${local} ${remote}`;
}

/** connected tells whether a connection with this port is open now. */
export function connected(port: number): boolean {
  return rows().some(
    ({ local, remote, state }) =>
      state !== LISTEN && state !== TIME_WAIT && [local, remote].some((end) => end.endsWith(`:${port}`)),
  );
}

function rows(): Row[] {
  return TABLES.flatMap((table) => {
    const lines = readFileSync(`/proc/self/net/${table}`, "utf8").trim().split("\n").slice(1);
    return lines.map((line) => {
      const [, local = "", remote = "", state = "", , , , , , inode = ""] = line.trim().split(/\s+/);
      return { table, local: readEnd(local), remote: readEnd(remote), state, inode };
    });
  });
}

// The kernel writes an address as words in its own order of bytes, and the port as it is sent.
function readEnd(end: string): string {
  const [host = "", port = ""] = end.split(":");
  const bytes = (host.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  const name =
    bytes.length === 4
      ? bytes.map((byte) => Number.parseInt(byte, 16)).join(".")
      : `[${(bytes.join("").match(/.{4}/g) ?? []).join(":")}]`;
  return `${name}:${Number.parseInt(port, 16)}`;
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed meanwhile
      }
    });
  } catch {
    return []; // ended meanwhile
  }
}
