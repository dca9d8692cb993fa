// Month end on a copy: what the present month will bring once its grace is over.
import { cpSync } from "node:fs";
import { Ledger } from "./services.js";
import type { Stage } from "./stage.js";
import { type Line, lines } from "./tables.js";

export interface Settled {
  ledger: Ledger; // the copy, not started
  month: string;
  asOf: string;
  statement: Line[];
  audit: string;
}

/**
 * settledCopy copies the database of a stopped ledger (nobody writes, and a
 * ledger that ended cleanly has left nothing beside its file), settles the
 * present month as of an hour after its grace, and audits the books.
 */
export async function settledCopy(stage: Stage, folder: string): Promise<Settled> {
  const ledger = await Ledger.at(folder);
  cpSync(stage.ledger.database, ledger.database);
  const now = new Date();
  const month = now.toISOString().slice(0, 7);
  const end = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
  const asOf = new Date(end + 73 * 3600 * 1000).toISOString().replace(".000", "");
  await ledger.command(["settle", "--month", month, "--now", asOf]);
  const statement = lines(await ledger.command(["statement", "--month", month, "--format", "ndjson"]));
  const audit = await ledger.command(["audit"]);
  return { ledger, month, asOf, statement, audit };
}
