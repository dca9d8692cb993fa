// Builds the extension: OUT/chrome and OUT/firefox hold the same bytes.
// The same source gives the same bytes, so that what is shipped can be held against it.
//
//   node build.mjs [OUT]     OUT is dist unless another folder is named
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, "dist"));
const chrome = join(out, "chrome");
const firefox = join(out, "firefox");

// chromeID derives an extension's id from its public key, as Chromium does:
// the first 16 bytes of the key's SHA-256, each hex digit shifted to a..p.
function chromeID(publicKey) {
  const hex = createHash("sha256").update(Buffer.from(publicKey, "base64")).digest("hex").slice(0, 32);
  return [...hex].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 16))).join("");
}

// The companion trusts the ids in ids.json; a manifest with another id could never pair.
async function checkIDs() {
  const ids = JSON.parse(await readFile(join(here, "ids.json"), "utf8"));
  const manifest = JSON.parse(await readFile(join(here, "static", "manifest.json"), "utf8"));
  const id = chromeID(manifest.key);
  if (!ids.chrome.includes(id)) throw new Error(`ids.json lacks ${id}, the id of the manifest's key`);
  const gecko = manifest.browser_specific_settings.gecko.id;
  if (ids.firefox !== gecko) throw new Error(`ids.json says ${ids.firefox}, the manifest ${gecko}`);
}

// trim ships what a browser reads: what explains a word to a translator, and how the source is set, stay in the source.
async function trim() {
  const json = async (file, change) =>
    writeFile(file, JSON.stringify(change(JSON.parse(await readFile(file, "utf8")))));
  await json(join(chrome, "manifest.json"), (manifest) => manifest);
  for (const locale of await readdir(join(chrome, "_locales"))) {
    await json(join(chrome, "_locales", locale, "messages.json"), (messages) =>
      Object.fromEntries(Object.entries(messages).map(([key, { message }]) => [key, { message }])),
    );
  }
  for (const page of (await readdir(chrome)).filter((name) => name.endsWith(".html"))) {
    const file = join(chrome, page);
    await writeFile(file, (await readFile(file, "utf8")).replaceAll(/\n\s+/g, "\n"));
  }
}

await checkIDs();
// Only what this program writes is removed: OUT may be a folder with more in it.
for (const folder of [chrome, firefox]) await rm(folder, { recursive: true, force: true });
await mkdir(chrome, { recursive: true });
await cp(join(here, "static"), chrome, { recursive: true });
await trim();
const options = {
  absWorkingDir: here,
  outdir: chrome,
  bundle: true,
  minify: true,
  target: ["chrome123", "firefox140"],
  charset: "ascii", // Chromium refuses a content script with a character that Unicode never assigns, such as U+FFFF
  legalComments: "none",
  logLevel: "warning",
};
// The content script runs in pages and is one file; background and pages of ours are another.
await build({
  ...options,
  entryPoints: { content: "src/content/main.ts", start: "src/start.ts" },
  format: "iife",
});
const sheets = (await readdir(chrome)).filter((name) => name.endsWith(".css"));
await build({ ...options, entryPoints: sheets.map((name) => `static/${name}`) });
await cp(chrome, firefox, { recursive: true });
console.log(`built ${chrome} and ${firefox}`);
