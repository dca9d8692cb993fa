// What the shipped detection finds in a real Chromium, by the program that tells others: tools/detect.mjs.
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { type Case, casesIn, type Item, LEDGER, OWN, sorted } from "./cases";

const COMMON = casesIn(new URL("../../../../shared/corpus/", import.meta.url));

/** One browser for all pages, on a machine that does other things as well. */
const RUN_MS = 300_000;

const PROGRAM = fileURLToPath(new URL("../../tools/detect.mjs", import.meta.url));
const CHROMIUM =
  process.env["FLATTR_QUICK"] === undefined &&
  ["/usr/bin/chromium", "/usr/bin/chromium-browser"].some((file) => existsSync(file));

interface Line {
  file: string;
  things: number;
  found: Item[];
  error?: string;
}

function detect(input: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> {
  const options = { input, encoding: "utf8", timeout: RUN_MS, maxBuffer: 1 << 28 } as const;
  return spawnSync(process.execPath, [PROGRAM, ...args], { ...options, env: { ...process.env, ...env } });
}

function linesOf(output: string): Line[] {
  return output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

// A browser with scripts sees nothing in noscript, and a snippet that ran as the frame that it made.
function seenLive({ expected }: Case): Item[] {
  return expected
    .filter(({ where }) => where !== "noscript")
    .map(({ where: _, form, ...item }) => ({
      form: form === "iframe-script" ? "iframe-view" : form,
      ...item,
    }));
}

function suite(cases: readonly Case[]): void {
  const found = new Map<string, Line>();
  beforeAll(() => {
    const input = cases.map(({ file, base_url }) => JSON.stringify({ file, base_url })).join("\n");
    const { stdout, stderr, status } = detect(input, ["--ledger", LEDGER]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const lines = linesOf(stdout);
    expect(lines.map(({ file }) => file)).toEqual(cases.map(({ file }) => file));
    for (const line of lines) found.set(line.file, line);
  }, RUN_MS);

  it.each(cases)("$name", (page) => {
    const line = found.get(page.file);
    expect(sorted(line?.found ?? [])).toEqual(sorted(seenLive(page)));
    if (page.things !== undefined) expect(line?.things).toBe(page.things);
  });
}

describe.skipIf(!CHROMIUM)("our own pages in Chromium (skipped without it and in the quick round)", () =>
  suite(OWN),
);

describe.skipIf(!CHROMIUM || COMMON.length === 0)(
  "the common corpus in Chromium (skipped without it, in the quick round, and where ../shared is absent)",
  () => suite(COMMON),
);

describe("tools/detect.mjs", () => {
  it("says what is missing without Chromium", () => {
    const { stdout, stderr, status } = detect("", [], { CHROMIUM: "/nowhere/chromium" });
    expect(status).toBe(2);
    expect(stderr).toContain("no Chromium here at /nowhere/chromium: sudo apt-get install chromium");
    expect(stdout).toBe("");
  });

  it.skipIf(!CHROMIUM)(
    "answers every line in its place, and fails when one cannot be read",
    () => {
      const page = OWN.find(({ name }) => name === "marked.html");
      const good = JSON.stringify({ file: page?.file, base_url: page?.base_url });
      const bad = JSON.stringify({ file: "/nowhere/page.html", base_url: "https://a.example/" });
      const { stdout, status } = detect(["no line", good, bad].join("\n"));
      const lines = linesOf(stdout);
      expect(status).toBe(1);
      expect(lines.map(({ error }) => error !== undefined)).toEqual([true, false, true]);
      expect(lines[1]?.things).toBe(1);
    },
    RUN_MS,
  );
});
