// Runs every check, one stage after the other, and counts.
//
//   node .ci/test.mjs all     everything, as continuous integration does
//   node .ci/test.mjs check   the quick round: no race detector, no browser
//
// A stage that fails prints its output in full, one that passes is one line.
// Later stages run all the same. The last line is `N passed, N failed,
// N skipped`, alone on it; the exit code is 1 when something failed.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { SUITES } from "./suites.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const extension = path.join(root, "extension");
const scratch = mkdtempSync(path.join(os.tmpdir(), "flattr-test-"));
const quick = process.argv[2] === "check";

const total = { passed: 0, failed: 0, skipped: 0 };
const skips = []; // "name: reason"

/** Runs a command and resolves to its exit code and everything it printed. */
function run(command, { cwd = root, env = {}, minutes = 14 } = {}) {
  return new Promise((resolve) => {
    const child = spawn("/bin/bash", ["-c", `set -eu -o pipefail; ${command}`], {
      cwd,
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true, // a group of its own, so that a stage that hangs ends whole
    });
    const parts = [];
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      process.kill(-child.pid, "SIGKILL");
    }, minutes * 60_000);
    child.stdout.on("data", (data) => parts.push(data));
    child.stderr.on("data", (data) => parts.push(data));
    child.on("close", (code) => {
      clearTimeout(timer);
      let output = Buffer.concat(parts).toString();
      if (late) output += `\nended after ${minutes} minutes`;
      resolve({ code: late ? 1 : (code ?? 1), output });
    });
  });
}

/** One check that passes when its command does. */
function single(command, options) {
  return async () => {
    const { code, output } = await run(command, options);
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: [], output };
  };
}

/** One check that passes when its command prints nothing. */
function silent(command, options) {
  return async () => {
    const { code, output } = await run(command, options);
    const ok = code === 0 && output.trim() === "";
    return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: [], output };
  };
}

/** Go's tests, counted from the stream of `go test -json`; subtests count. */
function goTests(flags) {
  return async () => {
    const GOFLAGS = (process.env.GOFLAGS ?? "").replace(flags === "-race" ? "-buildmode=pie" : "", "");
    const { code, output } = await run(`go test ${flags} -timeout 25m -json ./...`, { minutes: 30, env: { GOFLAGS } });
    const count = { passed: 0, failed: 0, skipped: [], output: "" };
    const printed = new Map(); // package and test -> its output
    const failedIn = new Set(); // packages in which a test has failed
    for (const line of output.split("\n")) {
      if (line === "") continue;
      let event;
      try {
        event = JSON.parse(line);
      } catch {
        count.output += `${line}\n`;
        continue;
      }
      const key = `${event.Package ?? event.ImportPath ?? ""} ${event.Test ?? ""}`;
      if (event.Output !== undefined) printed.set(key, (printed.get(key) ?? "") + event.Output);
      if (event.Action === "build-output") count.output += event.Output;
      if (event.Action === "pass" && event.Test) count.passed++;
      if (event.Action === "skip" && event.Test) {
        count.skipped.push(`${key}: ${reasonOf(printed.get(key) ?? "")}`);
      }
      if (event.Action !== "fail") continue;
      if (event.Test) failedIn.add(event.Package);
      else if (failedIn.has(event.Package)) continue; // its tests are counted already
      count.failed++;
      count.output += printed.get(key) ?? "";
    }
    if (code !== 0 && count.failed === 0) count.failed = 1;
    return count;
  };
}

/** The reason of a skipped test, from the lines it printed. */
function reasonOf(output) {
  const said = output.split("\n").filter((line) => line.startsWith("    ") && !line.includes("--- SKIP"));
  return said.map((line) => line.trim().replace(/^\S+\.go:\d+: /, "")).join(" ") || "no reason given";
}

/** vitest's tests, counted from its JSON report. */
function vitest() {
  return async () => {
    const report = path.join(scratch, "vitest.json");
    const { code, output } = await run(`npx --no-install vitest run --reporter=json --outputFile=${report}`, {
      cwd: extension,
      env: quick ? { FLATTR_QUICK: "1" } : {}, // no browser
    });
    if (!existsSync(report)) return { passed: 0, failed: 1, skipped: [], output };
    const json = JSON.parse(readFileSync(report, "utf8"));
    const tests = json.testResults.flatMap((file) => file.assertionResults.map((test) => ({ file, test })));
    const of = (...states) => tests.filter(({ test }) => states.includes(test.status));
    const failed = of("failed");
    const broken = json.testResults.filter(
      (file) => file.status === "failed" && file.assertionResults.length === 0,
    );
    return {
      passed: of("passed").length,
      failed: failed.length + broken.length || (code === 0 ? 0 : 1),
      skipped: of("pending", "skipped", "todo").map(
        ({ test }) => `vitest ${test.fullName}: marked as skipped in its file`,
      ),
      output: [
        output,
        ...broken.map((file) => `${file.name}\n${file.message}`),
        ...failed.map(
          ({ file, test }) => `${file.name}: ${test.fullName}\n${test.failureMessages.join("\n")}`,
        ),
      ].join("\n"),
    };
  };
}

/** One of the tests in a browser, counted from the report it writes. */
function endToEnd(program) {
  return async () => {
    const report = path.join(scratch, `${program.join("-")}.json`);
    const command = `node .ci/e2e.mjs ${program.join(" ")}`;
    const { code, output } = await run(command, { env: { FLATTR_E2E_REPORT: report } });
    if (!existsSync(report)) return { passed: 0, failed: 1, skipped: [], output };
    const json = JSON.parse(readFileSync(report, "utf8"));
    return {
      passed: json.passed,
      failed: json.failed || (code === 0 ? 0 : 1),
      skipped: json.skipped.map((entry) => `e2e ${entry.name}: ${entry.reason}`),
      output,
    };
  };
}

/** Generated files are what their generator writes; they are put back if not. */
function generated() {
  return async () => {
    const files = [
      "extension/wire.schema.json",
      "extension/src/wire.gen.ts",
      "ledger/web/static/style.css",
    ].map((file) => path.join(root, file));
    const before = new Map(files.map((file) => [file, readFileSync(file)]));
    const { code, output } = await run("make generate");
    const stale = files.filter((file) => digest(readFileSync(file)) !== digest(before.get(file)));
    for (const file of stale) writeFileSync(file, before.get(file));
    const ok = code === 0 && stale.length === 0;
    const say = stale
      .map((file) => `not current, run make generate: ${path.relative(root, file)}`)
      .join("\n");
    return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: [], output: `${output}\n${say}` };
  };
}

/**
 * The PostgreSQL server on which Go's tests run their second half: private, and
 * ended by the shell that watches it as soon as this program lets go of it.
 */
const postgres = { absent: "", shell: undefined };

/** Starts the server and hands its URL to the stages that follow. */
function startPostgres() {
  return async () => {
    const ok = { passed: 1, failed: 0, skipped: [], output: "" };
    if (process.env.FLATTR_TEST_POSTGRES) return ok;
    const script = readFileSync(path.join(root, "ledger/store/storetest/server.sh"), "utf8");
    const shell = spawn("/bin/sh", ["-c", script, "server.sh", "/tmp"], {
      cwd: "/",
      stdio: ["pipe", "pipe", "ignore"],
      detached: true, // Ctrl-C reaches this program, whose end reaches the shell
      ...(process.getuid() === 0 ? otherUser() : {}),
    });
    postgres.shell = shell;
    const line = await new Promise((resolve) => {
      shell.on("error", (error) => resolve(`absent: ${error.message}`));
      shell.on("close", () => resolve("absent: the shell that watches it ended"));
      createInterface(shell.stdout).once("line", resolve);
    });
    if (line.startsWith("absent: ")) {
      postgres.absent = line.slice("absent: ".length);
      return { passed: 0, failed: 0, skipped: [`postgresql: ${postgres.absent}`], output: "" };
    }
    process.env.FLATTR_TEST_POSTGRES = line;
    return ok;
  };
}

/** Ends the server and waits until it is gone. */
async function endPostgres() {
  const { shell } = postgres;
  if (!shell || shell.exitCode !== null || !shell.pid) return;
  const gone = new Promise((resolve) => shell.on("close", resolve));
  shell.stdin.end();
  await gone;
}

/** Whom PostgreSQL runs as when we are root, which it refuses. */
function otherUser() {
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const user = users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody");
  return user ? { uid: Number(user[2]), gid: Number(user[3]) } : {};
}

function digest(data) {
  return createHash("sha256").update(data).digest("hex");
}

const npx = "npx --no-install";
const stages = [
  ["modules", single("go mod download && go mod verify")],
  ["go.mod is tidy", single("go mod tidy -diff")],
  ["build", single("make build")],
  ["format", silent('go tool gofumpt -l $(git ls-files "*.go")')],
  ["vet", single("go vet ./...")],
  ["staticcheck", single("go tool staticcheck ./...")],
  ["deadcode", silent("go tool deadcode -test ./...")],
  ["generated files", generated()],
  ["types", single(`${npx} tsc --noEmit -p .`, { cwd: extension })],
  ["types e2e", single(`${npx} tsc --noEmit -p test/e2e`, { cwd: extension })],
  ["biome", single(`${npx} biome ci .`, { cwd: extension })],
  ["web-ext lint", single(`${npx} web-ext lint --self-hosted=false -s dist/firefox`, { cwd: extension })],
  ["vitest", vitest()],
  ["postgresql for the tests", startPostgres()],
  ["go test", goTests(quick ? "" : "-race")],
  ...(quick ? [] : [["bench, small", single("make bench SIZE=small")]]),
];

// Tests in a browser wait more than they work: two of them run at a time, each with a display and ports of its own.
const inBrowsers = quick ? [] : SUITES.map(([name, program]) => [`end to end, ${name}`, endToEnd(program)]);

const begun = Date.now();

/** judge runs a stage, prints its line and counts it. */
async function judge([name, stage]) {
  const start = Date.now();
  let result;
  try {
    result = await stage();
  } catch (error) {
    result = { passed: 0, failed: 1, skipped: [], output: String(error?.stack ?? error) };
  }
  const seconds = ((Date.now() - start) / 1000).toFixed(1).padStart(6);
  total.passed += result.passed;
  total.failed += result.failed;
  total.skipped += result.skipped.length;
  skips.push(...result.skipped);
  if (result.failed > 0) console.log(`--- ${name}\n${result.output.trim()}\n---`);
  const verdict = result.failed > 0 ? "FAILED" : "ok";
  const skipped = result.skipped.length > 0 ? `, ${result.skipped.length} skipped` : "";
  console.log(
    `${verdict.padEnd(6)} ${seconds} s  ${name}: ${result.passed} passed, ${result.failed} failed${skipped}`,
  );
}

/** lane judges one stage after the other until none is left. */
async function lane(left) {
  for (let stage = left.shift(); stage !== undefined; stage = left.shift()) await judge(stage);
}

await lane(stages);
await Promise.all([lane(inBrowsers), lane(inBrowsers)]);
await endPostgres();
rmSync(scratch, { recursive: true, force: true });
for (const skip of skips) console.log(`skipped ${skip}`);
if (postgres.absent) {
  console.log(`HALF OF THE LEDGER'S TESTS DID NOT RUN: there is no PostgreSQL (${postgres.absent}).`);
  console.log("Install it with: sudo apt-get install --no-install-recommends postgresql");
}
console.log(`all stages: ${((Date.now() - begun) / 1000).toFixed(0)} s`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 ? 1 : 0);
