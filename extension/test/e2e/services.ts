// The two programs of Flattr as a test or the story starts them.
import { mkdirSync } from "node:fs";
import path from "node:path";
import {
  binary,
  type Finished,
  finish,
  freePort,
  listening,
  Program,
  root,
  succeed,
  until,
} from "./programs.js";

/** Ledger is the central server with its database in one folder. */
export class Ledger {
  private program: Program | undefined;
  /** options are further ones of `serve`, for the next start. */
  options: readonly string[] = [];
  /** clock is when the next start is, as 2026-11-02T09:00:00Z, where it is not now: the ledger's own tests can serve so. */
  clock: string | undefined;
  /** host is what browsers call this machine; they keep passkeys only for a name. */
  host = "127.0.0.1";
  private constructor(
    readonly folder: string,
    readonly database: string,
    readonly port: number,
  ) {}

  static async at(folder: string, port?: number, database = path.join(folder, "ledger.db")): Promise<Ledger> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return new Ledger(folder, database, await freePort(port));
  }

  get origin(): string {
    return `http://${this.host}:${this.port}`;
  }

  async start(): Promise<void> {
    const args = ["serve", "--db", this.database, "--listen", `127.0.0.1:${this.port}`, ...this.options];
    const log = path.join(this.folder, "ledger.log");
    const program =
      this.clock === undefined
        ? Program.start("flattr-ledger", binary("flattr-ledger"), args, { log })
        : Program.start("flattr-ledger", await ledgerTests(), args, {
            log,
            env: { FLATTR_TEST_CLOCK: this.clock },
          });
    this.program = program;
    await until("the ledger answers", () => ready(program, this.port), 30);
  }

  /** pid is the process that runs now. */
  get pid(): number {
    return this.program?.pid ?? 0;
  }

  /** stop ends it by SIGTERM; its exit code is 0 when it ended cleanly. */
  async stop(): Promise<number | null> {
    await this.program?.stop();
    return (await this.program?.exited) ?? null;
  }

  kill(): void {
    this.program?.kill("SIGKILL");
  }

  /** command runs an operator's command on the database. */
  command(args: readonly string[], input?: string): Promise<string> {
    return succeed(binary("flattr-ledger"), [...args, "--db", this.database], options(input));
  }

  /** attempt is command for one that may be refused. */
  attempt(args: readonly string[], input?: string): Promise<Finished> {
    return finish(binary("flattr-ledger"), [...args, "--db", this.database], options(input));
  }
}

/** Companion is flattrd with its state in one folder. */
export class Companion {
  private program: Program | undefined;
  private constructor(
    readonly state: string,
    readonly port: number,
    readonly ledger: string,
  ) {}

  static async at(state: string, ledger: string, port?: number): Promise<Companion> {
    mkdirSync(state, { recursive: true, mode: 0o700 });
    return new Companion(state, await freePort(port), ledger);
  }

  async start(): Promise<void> {
    const args = [
      "run",
      "--state",
      this.state,
      "--listen",
      `127.0.0.1:${this.port}`,
      "--ledger",
      this.ledger,
    ];
    const program = Program.start("flattrd", binary("flattrd"), args, {
      log: path.join(this.state, "flattrd.log"),
    });
    this.program = program;
    await until("the companion listens", () => ready(program, this.port), 30);
  }

  /** pid is the process that runs now. */
  get pid(): number {
    return this.program?.pid ?? 0;
  }

  /** stop ends it by SIGTERM; its exit code is 0 when it ended cleanly. */
  async stop(): Promise<number | null> {
    await this.program?.stop();
    return (await this.program?.exited) ?? null;
  }

  kill(): void {
    this.program?.kill("SIGKILL");
  }

  /** alive tells whether the program runs. */
  async alive(): Promise<boolean> {
    return this.program?.alive ?? false;
  }

  /** status is what `flattrd status --json` says, with its exit code. */
  async status(): Promise<{ code: number; json: Record<string, unknown> }> {
    const { code, stdout } = await finish(binary("flattrd"), ["status", "--json", "--state", this.state]);
    return { code, json: stdout.trim() === "" ? {} : JSON.parse(stdout) };
  }
}

let built: Promise<string> | undefined;

/** ledgerTests builds the ledger's tests, which serve at any time, once in a program. */
export function ledgerTests(): Promise<string> {
  const file = path.join(root, "bin", "flattr-ledger-test");
  built ??= succeed("go", ["test", "-c", "-o", file, "./ledger"]).then(() => file);
  return built;
}

/** ready tells whether the program listens; a program that ended is an error. */
async function ready(program: Program, port: number): Promise<boolean> {
  if (await listening(port)) return true;
  if (program.alive) return false;
  throw new Error(`${program.name} ended:\n${program.tail()}`);
}

function options(input: string | undefined): { input?: string } {
  return input === undefined ? {} : { input };
}
