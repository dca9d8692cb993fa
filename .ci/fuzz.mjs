// Runs every fuzz test for a while, one after the other, each from its seeds and
// from what Go's cache holds of earlier runs.
//
//   node .ci/fuzz.mjs             30 seconds each
//   node .ci/fuzz.mjs 300 rest 300 seconds each, those only that have rest in folder or name
//
// What makes one fail is written below its package's testdata/fuzz, and is a seed
// from then on. The last line is `N passed, N failed`.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const seconds = Number(process.argv[2] ?? 30);
const only = process.argv[3] ?? "";

function run(command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 64 << 20 });
  return { ok: status === 0, output: `${stdout}${stderr}` };
}

const found = run("git", "grep", "-o", "-E", "^func Fuzz\\w+", "--", "*_test.go");
if (!found.ok) throw new Error(`no fuzz test is found: ${found.output}`);
const targets = found.output
  .trim()
  .split("\n")
  .map((line) => {
    const [file, declared] = line.split(":");
    return { folder: `./${path.dirname(file)}`, name: declared.replace("func ", "") };
  })
  .filter(({ folder, name }) => `${folder} ${name}`.includes(only));

let passed = 0;
let failed = 0;
for (const { folder, name } of targets) {
  const { ok, output } = run("go", "test", "-run", "^$", "-fuzz", `^${name}$`, "-fuzztime", `${seconds}s`, folder);
  const ran = /^fuzz: elapsed/m.test(output); // else it was not there, or did not compile
  if (ok && ran) passed++;
  else failed++;
  const execs = [...output.matchAll(/execs: (\d+)/g)].at(-1)?.[1] ?? "0";
  console.log(`${ok && ran ? "ok    " : "FAILED"} ${folder} ${name}: ${execs} inputs`);
  if (!ok || !ran) console.log(output);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
