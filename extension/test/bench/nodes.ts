// Row: one scan of a page, clean and after one mutation, beside the least that visiting each element costs.
import { createRequire } from "node:module";
import path from "node:path";
import { root } from "../e2e/programs.js";
import type { Field } from "./field.js";
import { PLAIN } from "./ground.js";
import type { Times } from "./nodes.entry.js";
import { count, median, ms, type Table } from "./table.js";

const extension = path.join(root, "extension");

/** What a scan may cost, in times of its floor; at 100,000 nodes and at a million in milliseconds. */
const CLEAN = 1.5;
const CHANGED = 2.5;
const MILLION_MS = 100;

/** Of a usual page; the years have left many more on some. */
const POINTERS = 3;
const MANY_POINTERS = 50;

/** measureNodes adds a row for each size of page. */
export async function measureNodes(
  field: Field,
  table: Table,
  sizes: readonly number[],
  rounds: number,
): Promise<void> {
  const script = await bundle();
  for (const size of sizes) add(table, size, rounds, await times(field, script, size, POINTERS, rounds));
  const size = sizes[0] ?? 0;
  const many = await times(field, script, size, MANY_POINTERS, rounds);
  table.say(
    `With ${MANY_POINTERS} pointers to Flattr among ${count(many.nodes)} nodes, ${many.found} of them to things, a scan takes ${ms(median(many.clean))}: the rest is reading them.`,
  );
}

function add(table: Table, size: number, rounds: number, { found, first, ...each }: Times): void {
  const [floor, clean, changed] = [median(each.floor), median(each.clean), median(each.changed)];
  const [reach, reached] = goal(size, floor, clean, changed);
  table.add({
    what: `scan of ${count(size)} nodes in Chromium, median of ${rounds}`,
    measured: `${ms(clean)} clean (${(clean / floor).toFixed(2)} x), ${ms(changed)} after one mutation (${(changed / floor).toFixed(2)} x)`,
    floor: `${ms(floor)}, \`querySelectorAll('*')\``,
    reach,
    reached,
  });
  table.say(`Scan of ${count(each.nodes)} nodes: ${found} found; the first one of all took ${ms(first)}.`);
}

// Small pages have nothing to reach: their floor is a tenth of a millisecond.
function goal(size: number, floor: number, clean: number, changed: number): [string, boolean | undefined] {
  if (size < 100_000) return ["-", undefined];
  if (size >= 1_000_000) return [`under ${MILLION_MS} ms`, Math.max(clean, changed) < MILLION_MS];
  return [`clean ≤ ${CLEAN} x, changed ≤ ${CHANGED} x`, clean <= CLEAN * floor && changed <= CHANGED * floor];
}

async function times(
  field: Field,
  script: string,
  size: number,
  pointers: number,
  rounds: number,
): Promise<Times> {
  const page = await field.browser.open(`${field.ground.origin}${PLAIN}/nodes/${size}/${pointers}`);
  try {
    const session = await page.createCDPSession();
    const { frameTree } = await session.send("Page.getFrameTree");
    const { executionContextId: contextId } = await session.send("Page.createIsolatedWorld", {
      frameId: frameTree.frame.id,
      worldName: "measured",
    });
    await session.send("Runtime.evaluate", { contextId, expression: script });
    const answer = await session.send("Runtime.evaluate", {
      contextId,
      expression: `measure(${rounds})`,
      returnByValue: true,
    });
    if (answer.exceptionDetails) throw new Error(answer.exceptionDetails.exception?.description);
    return answer.result.value as Times;
  } finally {
    await page.close();
  }
}

/** bundle makes the scan as the content script has it: the same source, the same settings. */
async function bundle(): Promise<string> {
  const { build } = createRequire(path.join(extension, "package.json"))(
    "esbuild",
  ) as typeof import("esbuild");
  const { outputFiles } = await build({
    absWorkingDir: extension,
    entryPoints: ["test/bench/nodes.entry.ts"],
    write: false,
    bundle: true,
    format: "iife",
    target: ["chrome121", "firefox140"],
    charset: "utf8",
    legalComments: "none",
  });
  return outputFiles[0]?.text ?? "";
}
