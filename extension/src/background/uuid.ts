// Ids of events: UUIDs of version 7, which sort by the time of their making.

/** uuidv7 makes an id for an event made at the time, in milliseconds since 1970. */
export function uuidv7(
  nowMs: number,
  random: Uint8Array = crypto.getRandomValues(new Uint8Array(10)),
): string {
  const time = Math.max(0, Math.floor(nowMs)).toString(16).padStart(12, "0").slice(-12);
  const hex = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const variant = (8 + ((random[2] ?? 0) & 3)).toString(16);
  return [
    time.slice(0, 8),
    time.slice(8),
    `7${hex.slice(0, 3)}`,
    variant + hex.slice(5, 8),
    hex.slice(8, 20),
  ].join("-");
}
