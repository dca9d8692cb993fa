// The mail server of the ledger's own tests, which keeps what members are sent.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { Program, until } from "./programs.js";
import { ledgerTests } from "./services.js";

/** Letter is one that has come. */
export interface Letter {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export class Letters {
  private constructor(
    private readonly folder: string,
    private readonly program: Program,
    private readonly address: string,
  ) {}

  static async listen(folder: string): Promise<Letters> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const log = path.join(folder, "mail.log");
    const env = { FLATTR_TEST_LETTERS: folder };
    const program = Program.start("mail server", await ledgerTests(), [], { log, env });
    const address = await until("the mail server listens", () => {
      if (!program.alive) throw new Error(program.tail());
      return /listening on (\S+)/.exec(readFileSync(log, "utf8"))?.[1];
    });
    return new Letters(folder, program, address);
  }

  /** options are those with which a ledger sends its letters here. */
  get options(): readonly string[] {
    return ["--smtp", `smtp://${this.address}`, "--mail-from", "Flattr <flattr@ledger.example>"];
  }

  /** wait waits for the letter of that number; the first is 1. */
  wait(number: number): Promise<Letter> {
    const file = path.join(this.folder, `${number}.json`);
    const read = () => existsSync(file) && (JSON.parse(readFileSync(file, "utf8")) as Letter);
    return until(`letter ${number} comes`, read, 90);
  }

  close(): Promise<void> {
    return this.program.stop();
  }
}
