// How fast is the extension, and does a page notice it? Each row beside the floor of the same run.
//
//   node .ci/e2e.mjs bench/bench
//
// FLATTR_BENCH_SIZE=small is a smoke test that judges nothing, FLATTR_BENCH_WRITE=1 writes the table to
// BENCHMARKS.md, FLATTR_BENCH_ROWS is "extension" for all of this or some of "scan storm button old packed".
import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { whatIsMissing } from "../e2e/browser.js";
import { firefoxIsMissing } from "../e2e/firefox.js";
import { perform, root } from "../e2e/programs.js";
import { type Clicks, inChromium, inFirefox, measureClicks } from "./click.js";
import { Field } from "./field.js";
import { CLICKED_BUTTONS } from "./ground.js";
import { measureNodes } from "./nodes.js";
import { measureSize } from "./size.js";
import { measureOld, measureStorm } from "./storm.js";
import { Table, write } from "./table.js";

/** Size is how much is measured. */
interface Size extends Clicks {
  nodes: readonly number[];
  rounds: number;
  storms: readonly number[];
  batches: number;
  oldRounds: number;
}

const FULL: Size = {
  nodes: [10_000, 100_000, 1_000_000],
  rounds: 20,
  storms: [10_000, 100_000],
  batches: 200,
  clickPages: 3,
  clicks: CLICKED_BUTTONS,
  sleeps: 10,
  oldRounds: 5,
};
const SMALL: Size = {
  nodes: [10_000],
  rounds: 3,
  storms: [10_000],
  batches: 10,
  clickPages: 1,
  clicks: 4,
  sleeps: 1,
  oldRounds: 1,
};

const PARTS = ["scan", "storm", "button", "old", "packed"] as const;

const small = process.env["FLATTR_BENCH_SIZE"] === "small";
const only = process.env["FLATTR_BENCH_ROWS"] ?? "";
const wanted = PARTS.filter((part) => only === "" || only.includes("extension") || only.includes(part));

async function main(): Promise<void> {
  const missing = await whatIsMissing(undefined);
  if (missing) {
    console.log(`the extension is not measured: ${missing}`);
    return;
  }
  const size = small ? SMALL : FULL;
  const table = new Table(!small);
  const field = await Field.open(2 * (size.clickPages + 1));
  let browsers: string;
  try {
    browsers = await field.browser.chromium.version();
    for (const part of wanted) await measure(part, field, table, size);
  } finally {
    await field.close();
  }
  const madeBy = `Made by \`make bench WRITE=1\` on ${machine()}, ${browsers}; ${new Date().toISOString().slice(0, 10)}.`;
  console.log(`\n${table.markdown()}\n${madeBy}\n`);
  const complete = !small && wanted.length === PARTS.length;
  if (process.env["FLATTR_BENCH_WRITE"] === "1" && complete) {
    write(path.join(root, "BENCHMARKS.md"), table.markdown(), madeBy);
  }
}

function measure(part: (typeof PARTS)[number], field: Field, table: Table, size: Size): Promise<void> {
  switch (part) {
    case "scan":
      return measureNodes(field, table, size.nodes, size.rounds);
    case "storm":
      return measureStorm(field, table, size.storms, size.batches);
    case "button":
      return measureButton(field, table, size);
    case "old":
      return measureOld(field, table, size.oldRounds);
    case "packed":
      return measureSize(table, field.folder);
  }
}

async function measureButton(field: Field, table: Table, size: Size): Promise<void> {
  await measureClicks(inChromium(field), table, 0, size);
  const missing = firefoxIsMissing();
  if (missing) {
    table.say(`Clicks in Firefox are not measured: ${missing}`);
    return;
  }
  const firefox = await inFirefox(field, path.join(field.folder, "firefox"));
  try {
    await measureClicks(firefox, table, size.clickPages + 1, size);
  } finally {
    await firefox.close();
  }
}

function machine(): string {
  const memory = /^MemTotal:\s*(.*)$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
  return `${os.cpus()[0]?.model ?? "unknown"}, ${os.cpus().length} processors, ${memory} memory, ${os.release()}`;
}

await perform(async () => {
  if (wanted.length > 0) await main();
});
