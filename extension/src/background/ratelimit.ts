// A page cannot make a reader flattr faster than a person would.

/** A burst of clicks, and how fast it fills up again: an index page of old buttons is clicked through faster than this by nobody. */
const BURST = 20;
const REFILL_PER_SECOND = 2;

/** Tabs remembered at a time; older ones start with a full burst again. */
const MAX_TABS = 500;

/** RateLimit is one bucket of clicks for each tab. */
export class RateLimit {
  readonly #buckets = new Map<number, { left: number; atMs: number }>();

  /** take tells whether a click of this tab may pass now. */
  take(tab: number, nowMs: number): boolean {
    const bucket = this.#buckets.get(tab) ?? { left: BURST, atMs: nowMs };
    const refilled = Math.min(
      BURST,
      bucket.left + (Math.max(0, nowMs - bucket.atMs) / 1000) * REFILL_PER_SECOND,
    );
    const passes = refilled >= 1;
    this.#buckets.delete(tab);
    if (this.#buckets.size >= MAX_TABS) this.forget(this.#buckets.keys().next().value);
    this.#buckets.set(tab, { left: passes ? refilled - 1 : refilled, atMs: nowMs });
    return passes;
  }

  /** forget drops a closed tab. */
  forget(tab: number | undefined): void {
    if (tab !== undefined) this.#buckets.delete(tab);
  }
}
