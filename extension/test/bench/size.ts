// Row: what a reader downloads.
import { statSync } from "node:fs";
import path from "node:path";
import { EXTENSION } from "../e2e/browser.js";
import { root, succeed } from "../e2e/programs.js";
import type { Table } from "./table.js";
import { count } from "./table.js";

const PACKED_BYTES = 60_000;

/** measureSize packs the extension as for a store and adds its row; folder takes the archive. */
export async function measureSize(table: Table, folder: string): Promise<void> {
  const webExt = path.join(root, "extension", "node_modules", ".bin", "web-ext");
  await succeed(webExt, ["build", "-s", EXTENSION, "-a", folder, "-n", "packed.zip", "-o"]);
  const { size } = statSync(path.join(folder, "packed.zip"));
  table.add({
    what: "packed size of the extension",
    measured: `${count(size)} bytes`,
    floor: "-",
    reach: `under ${count(PACKED_BYTES)} bytes`,
    reached: size < PACKED_BYTES,
  });
}
