// Byte strings as the protocol needs them: joined, numbered, in base64url and base32.

/** Bytes is a byte string over a plain buffer, which is what WebCrypto takes. */
export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

/** utf8 returns text in UTF-8. */
export function utf8(text: string): Bytes {
  return encoder.encode(text) as Bytes;
}

/** join returns the parts one after the other. */
export function join(...parts: readonly Uint8Array[]): Bytes {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** uint16 returns two bytes, most significant first. */
export function uint16(value: number): Bytes {
  return new Uint8Array([value >> 8, value & 0xff]);
}

/** uint32 returns four bytes, most significant first. */
export function uint32(value: number): Bytes {
  return new Uint8Array([value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]);
}

/** fromBase64url reads base64url without padding; undefined when it is none. */
export function fromBase64url(text: string): Bytes | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** toBase64url writes base64url without padding. */
export function toBase64url(bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** fromBase32 reads base32 of RFC 4648 without padding, in either case; undefined when it is none. */
export function fromBase32(text: string): Bytes | undefined {
  const bytes: number[] = [];
  let held = 0;
  let bits = 0;
  for (const char of text.toUpperCase()) {
    const value = BASE32.indexOf(char);
    if (value < 0) return undefined;
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 0xff);
      held &= (1 << bits) - 1;
    }
  }
  if (bits >= 5 || held !== 0) return undefined; // left-over bits must be padding
  return new Uint8Array(bytes);
}
