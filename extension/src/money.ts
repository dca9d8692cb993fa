// Amounts as a reader writes them: two decimals, and three where a click is worth no whole number of cents.

const MICRO_PER_CENT = 10_000;
const MICRO_PER_EURO = 1_000_000;

/** amount formats micro-EUR: whole cents with two decimals, else three, as the ledger's pages do. */
export function amount(micro: number, language: string): string {
  const digits = micro % MICRO_PER_CENT === 0 ? 2 : 3;
  return new Intl.NumberFormat(language, {
    style: "currency",
    currency: "EUR",
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(micro / MICRO_PER_EURO);
}

/** daysLeft counts the days of a month that are left, today included; both in UTC. */
export function daysLeft(month: string, nowMs: number): number {
  const [year = 0, number = 0] = month.split("-").map(Number);
  const dayMs = 24 * 60 * 60 * 1000;
  return Math.max(0, Math.ceil((Date.UTC(year, number, 1) - nowMs) / dayMs));
}
