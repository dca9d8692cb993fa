// The package as a store gets it: small, whole, with nothing in it twice.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** What the packed extension may weigh: less than one picture of an ordinary page. */
const MAX_PACKED_BYTES = 60_000;

/** What a zip adds: a local header and an entry in the directory for each file, both with its name; then its end. */
const ZIP_FILE_BYTES = 30 + 46;
const ZIP_END_BYTES = 22;

const extension = fileURLToPath(new URL("../../", import.meta.url));
let folder = "";
let files: readonly string[] = [];

const read = (name: string): Buffer => readFileSync(path.join(folder, "chrome", name));

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "flattr-packed-"));
  execFileSync(process.execPath, ["build.mjs", folder], { cwd: extension });
  const chrome = path.join(folder, "chrome");
  files = readdirSync(chrome, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(path.join(chrome, name)).isFile())
    .map((name) => name.replaceAll(path.sep, "/"));
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the package", () => {
  it("is text that Chromium takes for UTF-8", () => {
    for (const name of files.filter((each) => /\.(?:js|css|html|json)$/.test(each))) {
      expect(read(name).toString("utf8"), name).not.toMatch(/[\p{Noncharacter_Code_Point}\ufffd]/u);
    }
  });

  it("weighs less than 60,000 bytes", () => {
    const sizes = files.map((name) => {
      const data = read(name);
      // Level 6, which every packer reaches; a file that does not shrink is stored as it is.
      const packed = Math.min(data.length, deflateRawSync(data, { level: 6 }).length);
      return { name, bytes: packed + ZIP_FILE_BYTES + 2 * Buffer.byteLength(name) };
    });
    const total = sizes.reduce((sum, { bytes }) => sum + bytes, ZIP_END_BYTES);
    const heaviest = sizes.sort((one, other) => other.bytes - one.bytes).slice(0, 8);
    const list = heaviest.map(({ name, bytes }) => `${bytes} ${name}`).join("\n");
    expect(total, `${total} bytes, the heaviest:\n${list}`).toBeLessThan(MAX_PACKED_BYTES);
  });

  it("holds every file that the manifest and the pages name, and no other", () => {
    const text = (name: string): string => read(name).toString("utf8");
    const reached = new Set(["manifest.json", "content.js"]);
    const queue = [...reached];
    const named = /[\w-]+(?:\/[\w-]+)*\.(?:js|css|html|svg|png)\b/g;
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      if (/\.(?:png|svg)$/.test(name)) continue;
      for (const [mention] of text(name).matchAll(named)) {
        if (!files.includes(mention) || reached.has(mention)) continue;
        reached.add(mention);
        queue.push(mention);
      }
    }
    const words = files.filter((name) => /^_locales\/[a-z]{2}\/messages\.json$/.test(name));
    expect([...new Set([...reached, ...words])].sort()).toEqual([...files].sort());
  });

  it("has scripts in ASCII, which every browser reads", () => {
    for (const name of files.filter((file) => file.endsWith(".js")))
      expect(/^[\t\n\r -~]*$/.test(read(name).toString("latin1")), name).toBe(true);
  });

  it("is the same for both browsers", () => {
    for (const name of files)
      expect(read(name).equals(readFileSync(path.join(folder, "firefox", name))), name).toBe(true);
  });
});
