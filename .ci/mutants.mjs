// Breaks the code on purpose and demands that a test turns red.
//
// mutants/*.patch are applied one at a time to a copy of the committed tree.
// Each names in its head what it breaks, and the test that must notice:
//
//   Breaks: the companion acknowledges before COMMIT
//   Test: go ./daemon/companion TestAckComesAfterCommit
//   Test: vitest test/unit/outbox.test.ts removes an entry on ack only
//   Test: e2e - a click made by a script does nothing
//   Test: e2e robust:firefox Firefox: a click made by a script does nothing
//
// A test that does not compile, or is not there, has not noticed anything. One
// that is skipped here, for want of root for example, is left out, and counted.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const folder = path.join(root, "mutants");
const copy = mkdtempSync(path.join(os.tmpdir(), "flattr-mutants-"));
const only = process.argv[2]; // part of a patch's name, to run one

function shell(command, cwd = copy) {
  const { status, stdout, stderr } = spawnSync("/bin/bash", ["-c", command], {
    cwd,
    encoding: "utf8",
    maxBuffer: 64 << 20,
    env: { ...process.env, NO_COLOR: "1" },
  });
  return { ok: status === 0, output: `${stdout}${stderr}` };
}

function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** head reads what a patch breaks and which tests must notice. */
function head(text) {
  const breaks = /^Breaks: (.+)$/m.exec(text)?.[1];
  const tests = [...text.matchAll(/^Test: (\w+) (\S+) (.+)$/gm)].map(([, kind, where, name]) => ({
    kind,
    where,
    name,
  }));
  return { breaks, tests };
}

/** run runs one named test and says whether it ran, and whether it passed. */
function run({ kind, where, name }) {
  if (kind === "go") {
    const { output } = shell(`go test -count=1 -v -run '^${name}$' ${where}`);
    const ran = new RegExp(`^=== RUN\\s+${name}$`, "m").test(output);
    const skipped = new RegExp(`^--- SKIP: ${name} `, "m").test(output);
    return { ran, skipped, passed: !/^(--- FAIL|FAIL|panic:)/m.test(output), output };
  }
  if (kind === "e2e") return endToEnd(where === "-" ? "e2e" : where, name);
  const report = path.join(copy, "vitest.json");
  const command = `npx --no-install vitest run ${where} -t ${quote(name)} --reporter=json --outputFile=${report}`;
  const { output } = shell(command, path.join(copy, "extension"));
  let tests = [];
  try {
    tests = JSON.parse(readFileSync(report, "utf8")).testResults.flatMap((file) => file.assertionResults);
  } catch {
    // no report: the test did not run
  }
  rmSync(report, { force: true });
  const meant = tests.filter((test) => test.fullName.includes(name) || test.title.includes(name));
  const judged = meant.filter((test) => test.status === "passed" || test.status === "failed");
  return { ran: judged.length > 0, passed: judged.every((test) => test.status === "passed"), output };
}

/** endToEnd builds what the browser and the test run, and runs all of a program; a colon parts its arguments. */
function endToEnd(program, name) {
  const { output } = shell(
    "go build -o bin/flattrd ./daemon && go build -o bin/flattr-ledger ./ledger" +
      ` && (cd extension && npm run --silent build) && node .ci/e2e.mjs ${program.split(":").join(" ")}`,
  );
  const verdict = output.split("\n").find((line) => line.endsWith(` s  ${name}`));
  return { ran: verdict !== undefined, passed: verdict?.startsWith("ok ") === true, output };
}

function main() {
  const cloned = shell(`git -C ${quote(root)} archive HEAD | tar -x`);
  if (!cloned.ok) throw new Error(cloned.output);
  symlinkSync(path.join(root, "extension", "node_modules"), path.join(copy, "extension", "node_modules"));

  const patches = readdirSync(folder).filter(
    (name) => name.endsWith(".patch") && (!only || name.includes(only)),
  );
  const green = new Map(); // tests that pass without a patch
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const name of patches.sort()) {
    const file = path.join(folder, name);
    const { breaks, tests } = head(readFileSync(file, "utf8"));
    const complaints = [];
    if (!breaks || tests.length === 0) complaints.push("its head lacks Breaks: or Test:");
    for (const test of tests) {
      const key = JSON.stringify(test);
      if (!green.has(key)) {
        const result = run(test);
        green.set(key, result.skipped ? "skipped" : result.ran && result.passed);
        if (!green.get(key))
          complaints.push(`without the patch ${test.name} does not pass\n${result.output}`);
      }
    }
    const applied = shell(`git apply --whitespace=nowarn ${quote(file)}`);
    if (!applied.ok) complaints.push(`does not apply: ${applied.output}`);
    const able = tests.filter((test) => green.get(JSON.stringify(test)) !== "skipped");
    for (const test of complaints.length === 0 ? able : []) {
      const result = run(test);
      if (!result.ran) complaints.push(`${test.name} did not run\n${result.output}`);
      else if (result.passed) complaints.push(`${test.name} stays green`);
    }
    if (applied.ok) shell(`git apply --whitespace=nowarn -R ${quote(file)}`);
    if (complaints.length > 0) failed++;
    else if (able.length === 0) skipped++;
    else passed++;
    const verdict = complaints.length > 0 ? "FAILED" : able.length === 0 ? "skipped" : "ok    ";
    console.log(`${verdict} ${name}: ${breaks ?? ""}`);
    for (const test of tests.filter((test) => !able.includes(test)))
      console.log(`  ${test.name} is skipped here`);
    for (const complaint of complaints) console.log(`  ${complaint}`);
  }
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 && passed > 0;
}

let ok = false;
try {
  ok = main();
} finally {
  rmSync(copy, { recursive: true, force: true });
}
process.exit(ok ? 0 : 1);
