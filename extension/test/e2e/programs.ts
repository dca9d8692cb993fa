// Starting and ending of real programs, and nothing left behind.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import path from "node:path";

/** root is the top of the project. */
export const root = process.env["FLATTR_ROOT"] ?? process.cwd();

/** binary is the path of one of our programs. */
export function binary(name: "flattrd" | "flattr-ledger"): string {
  return path.join(root, "bin", name);
}

const running = new Set<Program>();

// Whatever happens, no program outlives the one that started it. A signal that
// nobody else handles becomes an exit, so that this holds then, too.
process.on("exit", () => {
  for (const program of running) program.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (process.listenerCount(signal) === 1) process.exit(1);
  });
}

/** Program is a running child process whose output goes to a log file. */
export class Program {
  readonly exited: Promise<number | null>;
  private constructor(
    readonly name: string,
    readonly log: string,
    private readonly child: ChildProcess,
  ) {
    running.add(this);
    this.exited = new Promise((resolve) => {
      child.once("error", () => resolve(null));
      child.once("exit", (code) => resolve(code));
    }).then((code) => {
      running.delete(this);
      return code as number | null;
    });
  }

  static start(
    name: string,
    command: string,
    args: readonly string[],
    options: { log: string; env?: Record<string, string> },
  ): Program {
    const log = openSync(options.log, "a", 0o600);
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", log, log],
      detached: true, // Ctrl-C is for us; we end it in good order
    });
    closeSync(log);
    return new Program(name, options.log, child);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get alive(): boolean {
    return running.has(this);
  }

  kill(signal: NodeJS.Signals): void {
    if (this.alive) this.child.kill(signal);
  }

  /** stop asks the program to end by SIGTERM, and says when it did not. */
  async stop(seconds = 10): Promise<void> {
    if (!this.alive) return;
    this.kill("SIGTERM");
    const late = Symbol("late");
    if ((await Promise.race([this.exited, delay(seconds * 1000).then(() => late)])) !== late) return;
    this.kill("SIGKILL");
    await this.exited;
    throw new Error(`${this.name} did not end within ${seconds} s of SIGTERM; see ${this.log}`);
  }

  /** tail is the end of the log, for a message to a person. */
  tail(lines = 20): string {
    return readFileSync(this.log, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  }
}

/** stopAll ends every program still running, the youngest first. */
export async function stopAll(): Promise<void> {
  for (const program of [...running].reverse()) {
    await program.stop().catch((error: unknown) => console.error(String(error)));
  }
}

/** perform runs a program whole: what it started is ended, and what it threw is told and makes it fail. */
export async function perform(main: () => Promise<void>): Promise<never> {
  try {
    await main();
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    await stopAll();
  }
  process.exit();
}

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

/** finish runs a command to its end; it rejects only when it cannot start. */
export function finish(
  command: string,
  args: readonly string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args,
      { cwd: root, env: { ...process.env, ...options.env }, maxBuffer: 64 << 20, timeout: 120_000 },
      (error, stdout, stderr) => {
        if (error && typeof error.code !== "number") reject(error);
        else resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
      },
    );
    child.stdin?.on("error", () => {}); // a command that reads nothing closes it
    child.stdin?.end(options.input ?? "");
  });
}

/** succeed is finish for commands that must succeed; it gives their output. */
export async function succeed(
  command: string,
  args: readonly string[],
  options: { input?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const { code, stdout, stderr } = await finish(command, args, options);
  if (code !== 0) {
    throw new Error(`${path.basename(command)} ${args.join(" ")}: exit ${code}\n${stdout}${stderr}`);
  }
  return stdout;
}

export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** until polls for what a test waits for; what is the sentence of the failure. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  seconds = 20,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  let last: unknown;
  for (;;) {
    try {
      const found = await probe();
      if (found !== undefined && found !== false) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`waited ${seconds} s in vain: ${what}${last ? ` (${String(last)})` : ""}`);
    }
    await delay(50);
  }
}

/** freePort is a port of loopback nobody listens on now. */
export async function freePort(wanted = 0): Promise<number> {
  const server = createServer();
  const bound = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(wanted, "127.0.0.1", () => resolve(true));
  });
  if (!bound) return freePort();
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** listening tells whether somebody accepts connections on the port. */
export function listening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}
