// Tables for a terminal.

/** table lays rows out in columns; columns in right are set to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[],
): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => [...(row[column] ?? "")].length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const room = " ".repeat((widths[column] ?? 0) - [...cell].length);
        return right.includes(column) ? room + cell : cell + room;
      })
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

/** euro writes micro-EUR with two decimals, below a cent with three. */
export function euro(micro: number): string {
  const cents = micro % 10_000 === 0;
  return `${(micro / 1_000_000).toFixed(cents ? 2 : 3)} EUR`;
}

/** Line is one line of a statement as `flattr-ledger statement` prints it. */
export interface Line {
  type: string;
  [field: string]: unknown;
}

/** lines reads newline-delimited JSON. */
export function lines(ndjson: string): Line[] {
  return ndjson
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as Line);
}
