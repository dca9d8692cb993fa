// Everything but the browser: sample site, ledger with its world, companion.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { freePort } from "./programs.js";
import { Companion, Ledger } from "./services.js";
import { Site } from "./site/site.js";

/** The ports a person will see; where one is taken, a free one is used. */
const PORTS = { ledger: 8080, companion: 17890, site: 8090 };

export class Stage {
  private constructor(
    readonly folder: string,
    readonly site: Site,
    readonly ledger: Ledger,
    readonly companion: Companion,
  ) {}

  /** set makes a world of its own below folder; wellKnown asks for the usual ports. */
  static async set(folder: string, wellKnown: boolean): Promise<Stage> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const site = await new Site().listen(wellKnown ? await freePort(PORTS.site) : 0);
    const ledger = await Ledger.at(path.join(folder, "ledger"), wellKnown ? PORTS.ledger : 0);
    const world = path.join(folder, "world.ndjson");
    writeFileSync(world, site.world());
    await ledger.command(["load", world]);
    await ledger.start();
    const port = wellKnown ? PORTS.companion : 0;
    const companion = await Companion.at(path.join(folder, "companion"), ledger.origin, port);
    await companion.start();
    return new Stage(folder, site, ledger, companion);
  }

  /** invite mints a code of the operator's with the given means. */
  async invite(means: string): Promise<string> {
    const said = await this.ledger.command(["invite", "new", "--means", means]);
    const code = said.trim();
    if (code === "" || code.includes("\n")) throw new Error(`invite new printed ${JSON.stringify(said)}`);
    return code;
  }

  async close(): Promise<void> {
    await this.companion.stop();
    await this.ledger.stop();
    await this.site.close();
  }
}
