// The table of the extension, and its place in BENCHMARKS.md.
import { readFileSync, writeFileSync } from "node:fs";

const BEGINS = "<!-- the extension's table: written by make bench WRITE=1 -->\n";
const ENDS = "<!-- end of the extension's table -->\n";

export interface Row {
  what: string;
  measured: string;
  floor: string; // of the same run; "-" where there is none
  reach: string;
  reached: boolean | undefined; // undefined: not measured, or nothing to reach
}

export class Table {
  private readonly rows: Row[] = [];
  private readonly notes: string[] = [];

  /** judged is false for a smoke test, which is too short to judge anything by. */
  constructor(private readonly judged: boolean) {}

  add(row: Row): void {
    this.rows.push(row);
    console.log(
      `${row.what}: ${row.measured}, floor ${row.floor}, to reach ${row.reach}: ${this.verdict(row)}`,
    );
  }

  /** say keeps a sentence under the table. */
  say(note: string): void {
    this.notes.push(note);
    console.log(note);
  }

  markdown(): string {
    const rows = this.rows.map(
      (row) => `| ${row.what} | ${row.measured} | ${row.floor} | ${row.reach} | ${this.verdict(row)} |\n`,
    );
    const head = "| what | measured | floor in the same run | to reach | reached |\n|---|---|---|---|---|\n";
    return `${head}${rows.join("")}${this.notes.map((note) => `\n${note}\n`).join("")}`;
  }

  private verdict({ reached }: Row): string {
    if (reached === undefined) return "-";
    if (!this.judged) return "not judged";
    return reached ? "yes" : "no";
  }
}

/** write puts the table into the page, with what it was made by. */
export function write(file: string, table: string, madeBy: string): void {
  const text = readFileSync(file, "utf8");
  const begin = text.indexOf(BEGINS);
  const end = text.indexOf(ENDS);
  if (begin < 0 || end < begin)
    throw new Error(`${file}: the lines around the extension's table are missing`);
  writeFileSync(file, `${text.slice(0, begin)}${BEGINS}\n${table}\n${madeBy}\n\n${text.slice(end)}`);
}

/** median is the middle of some figures; the lower one of two. */
export function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor((figures.length - 1) / 2)] ?? Number.NaN;
}

/** percentile95 is the figure that one in twenty exceeds. */
export function percentile95(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.ceil(figures.length * 0.95) - 1] ?? Number.NaN;
}

/** ms writes milliseconds with about three digits. */
export function ms(figure: number): string {
  if (figure < 1) return `${figure.toFixed(3)} ms`;
  return `${figure < 100 ? figure.toFixed(1) : figure.toFixed(0)} ms`;
}

/** count writes a number with its thousands apart. */
export function count(figure: number): string {
  return figure.toLocaleString("en-US");
}
