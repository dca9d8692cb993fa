// Bundles a program of extension/test/e2e (Node runs no TypeScript) and runs it.
//
//   node .ci/e2e.mjs story | e2e | … [arguments]   of another folder of extension/test: bench/bench
//   node .ci/e2e.mjs all                         every test in a browser, one after the other
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { SUITES } from "./suites.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const extension = path.join(root, "extension");
const [wanted = "story", ...given] = process.argv.slice(2);

/** bundle writes the program where its imports are found: below node_modules. */
async function bundle(program, args) {
  // Two of them may run at the same time.
  const name = [program, ...args.map((arg) => arg.replaceAll(/\W+/g, "_"))].join("-");
  const outfile = path.join(extension, "node_modules", ".cache", "flattr", `${name}.mjs`);
  const require = createRequire(path.join(extension, "package.json"));
  const esbuild = await import(pathToFileURL(require.resolve("esbuild")).href);
  await esbuild.build({
    entryPoints: [path.join(extension, "test", program.includes("/") ? "." : "e2e", `${program}.ts`)],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: "inline",
    logLevel: "warning",
  });
  return outfile;
}

let child;
// Ctrl-C reaches the child by the terminal; a TERM is handed on.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child?.kill("SIGTERM"));

/** run resolves with the program's exit code. */
async function run(program, args) {
  const outfile = await bundle(program, args);
  return new Promise((resolve) => {
    child = spawn(process.execPath, ["--enable-source-maps", outfile, ...args], {
      stdio: "inherit",
      env: { ...process.env, FLATTR_ROOT: root },
    });
    child.on("exit", (code, signal) => resolve(signal ? 1 : (code ?? 1)));
  });
}

let failed = 0;
for (const [name, [program, ...args]] of wanted === "all" ? SUITES : [["", [wanted, ...given]]]) {
  if (name !== "") console.log(`--- ${name}`);
  if ((await run(program, args)) !== 0) failed = 1;
}
process.exit(failed);
