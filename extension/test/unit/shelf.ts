// A shelf for tests, with the manners of storage.local: values are copied, and it can be full.
import type { Shelf } from "../../src/background/outbox";

/** MapShelf keeps what it is given as JSON, as the browser does. */
export class MapShelf implements Shelf {
  readonly items = new Map<string, string>();
  full = false;

  async get(): Promise<Record<string, unknown>> {
    return Object.fromEntries([...this.items].map(([key, value]) => [key, JSON.parse(value) as unknown]));
  }

  async set(items: Record<string, unknown>): Promise<void> {
    if (this.full) throw new Error("quota exceeded");
    for (const [key, value] of Object.entries(items)) this.items.set(key, JSON.stringify(value));
  }

  async remove(keys: string | string[]): Promise<void> {
    for (const key of [keys].flat()) this.items.delete(key);
  }
}
