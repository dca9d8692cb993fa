// Where the browser is shown: the reader's own display, or one of our own
// that nobody sees, on which xdotool answers the browser's questions.
import { spawn } from "node:child_process";
import path from "node:path";
import { delay, finish, root, succeed, until } from "./programs.js";

export class Display {
  private constructor(
    readonly name: string,
    private readonly end: () => void,
    readonly own: boolean,
  ) {}

  /** present is the display this program was started on, if there is one. */
  static present(): Display | undefined {
    const name = process.env["DISPLAY"];
    return name ? new Display(name, () => {}, false) : undefined;
  }

  /** start begins a display of our own; Xvfb picks a free number itself. */
  static async start(): Promise<Display> {
    const child = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1280x900x24", "-nolisten", "tcp"], {
      stdio: ["ignore", "ignore", "ignore", "pipe"],
      detached: true,
      cwd: path.dirname(root),
    });
    const kill = () => child.kill("SIGTERM");
    process.once("exit", kill);
    let said = "";
    let failed: Error | undefined;
    child.once("error", (error) => {
      failed = error;
    });
    child.stdio[3]?.on("data", (data: Buffer) => {
      said += data.toString();
    });
    const number = await until("Xvfb says its display", () => {
      if (failed) throw failed;
      return said.endsWith("\n") ? said.trim() : undefined;
    });
    return new Display(`:${number}`, kill, true);
  }

  close(): void {
    this.end();
  }

  private get env(): Record<string, string> {
    return { DISPLAY: this.name };
  }

  /** windows is how many windows of the browser are shown; a prompt is one. */
  async windows(): Promise<number> {
    const { stdout } = await finish("xdotool", ["search", "--onlyvisible", "--class", "chrom"], {
      env: this.env,
    });
    return stdout.split("\n").filter(Boolean).length;
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) {
      await succeed("xdotool", ["key", key], { env: this.env });
      await delay(150); // the browser drops keys that come too fast
    }
  }
}
