// A mail server on loopback that keeps what it is sent: the letters that members get.
import { createServer, type Server, type Socket } from "node:net";
import { until } from "./programs.js";

/** Letterbox takes letters by SMTP as far as a program needs it that sends them one after the other. */
export class Letterbox {
  readonly letters: string[] = [];
  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async open(): Promise<Letterbox> {
    const server = createServer((socket) => box.answer(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const box = new Letterbox(server, typeof address === "object" && address !== null ? address.port : 0);
    return box;
  }

  /** options are those of `serve` by which letters come here. */
  get options(): readonly string[] {
    return ["--smtp", `smtp://127.0.0.1:${this.port}`, "--mail-from", "Flattr <flattr@ledger.example>"];
  }

  private answer(socket: Socket): void {
    let [said, inLetter] = ["", false];
    const reply = (line: string) => socket.write(`${line}\r\n`);
    socket.setEncoding("utf8");
    socket.on("error", () => socket.destroy());
    socket.on("data", (text: string) => {
      said += text;
      for (;;) {
        const end = inLetter ? "\r\n.\r\n" : "\r\n";
        const at = said.indexOf(end);
        if (at < 0) return;
        const whole = said.slice(0, at);
        said = said.slice(at + end.length);
        if (inLetter) {
          this.letters.push(readable(whole));
          inLetter = false;
          reply("250 kept");
          continue;
        }
        const verb = whole.slice(0, 4).toUpperCase();
        inLetter = verb === "DATA";
        reply(inLetter ? "354 go on" : verb === "QUIT" ? "221 bye" : "250 ok");
        if (verb === "QUIT") socket.end();
      }
    });
    reply("220 letterbox");
  }

  /** link waits for a letter with a link to a path of the ledger, and gives the newest one. */
  link(origin: string, path: string): Promise<string> {
    const pattern = new RegExp(`${origin}${path}\\?token=[\\w-]+`, "g");
    return until(`a letter with a link to ${path}`, () => this.letters.join("\n").match(pattern)?.at(-1), 60);
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** readable undoes quoted-printable, in which letters are written. */
function readable(letter: string): string {
  return letter
    .replaceAll("=\r\n", "")
    .replaceAll(/=([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
