// Bundles a program of extension/test/e2e (Node runs no TypeScript) and runs it;
// one of another folder of extension/test is named with it.
//
//   node .ci/e2e.mjs story | e2e | bench/bench [arguments]
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const extension = path.join(root, "extension");
const [name = "story", ...args] = process.argv.slice(2);
const program = name.includes("/") ? name : `e2e/${name}`;

// The bundle lies under node_modules, so that its imports are found there.
const outfile = path.join(extension, "node_modules", ".cache", "flattr", `${program}.mjs`);
const require = createRequire(path.join(extension, "package.json"));
const esbuild = await import(pathToFileURL(require.resolve("esbuild")).href);
await esbuild.build({
  entryPoints: [path.join(extension, "test", `${program}.ts`)],
  outfile,
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  logLevel: "warning",
});

const child = spawn(process.execPath, ["--enable-source-maps", outfile, ...args], {
  stdio: "inherit",
  env: { ...process.env, FLATTR_ROOT: root },
});
// Ctrl-C reaches the child by the terminal; a TERM is handed on.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
