// The key by which two URLs are one thing: the twin of the ledger's package thing, and its test reads the same vectors.
import { parseAddress } from "../address";
import { LIMITS } from "../wire.gen";

/** KeyProblem says why a URL names no thing. */
export type KeyProblem = "long" | "scheme" | "character" | "user" | "host" | "port";

/** KeyError carries why a URL has no key. */
export class KeyError extends Error {
  constructor(readonly problem: KeyProblem) {
    super(`the URL names no thing: ${problem}`);
  }
}

const MAX_HOST_CHARS = 253;
const RESERVED = ":/?#[]@!$&'()*+,;=";
const UNRESERVED = /^[A-Za-z0-9\-._~]$/;
const LABEL = /^[a-z0-9_-]{1,63}$/;
const NUMBER = /^(?:0x[0-9a-f]*|[0-9]+)$/;

const encoder = new TextEncoder();

/** keyOf is the thing's key of a URL, or throws KeyError. */
export function keyOf(url: string): string {
  if (encoder.encode(url).length > LIMITS.maxUrlBytes) throw new KeyError("long");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u0020\u007f\\]|\p{Surrogate}/u.test(url)) throw new KeyError("character");
  const scheme = /^https?:\/\//i.exec(url)?.[0];
  if (scheme === undefined) throw new KeyError("scheme");
  const rest = url.slice(scheme.length);
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const tail = end < 0 ? "" : rest.slice(end);
  return hostAndPort(authority, scheme.length === "http://".length ? "80" : "443") + normalTail(tail);
}

/** Keys kept: a page of many buttons is looked at again and again, and each address is asked for several times. */
const MAX_KEPT = 2000;
const kept = new Map<string, string | undefined>();

/** keyIfAny is the key of a URL, or undefined where it has none. */
export function keyIfAny(url: string): string | undefined {
  if (kept.has(url)) return kept.get(url);
  if (kept.size >= MAX_KEPT) kept.clear();
  const key = attempt(url);
  kept.set(url, key);
  return key;
}

function attempt(url: string): string | undefined {
  try {
    return keyOf(url);
  } catch (error) {
    if (error instanceof KeyError) return undefined;
    throw error;
  }
}

function hostAndPort(authority: string, defaultPort: string): string {
  if (authority.includes("@")) throw new KeyError("user");
  // A colon inside the brackets of an IPv6 address separates no port.
  const colon = authority.lastIndexOf(":");
  const hasPort = colon > authority.lastIndexOf("]");
  const port = hasPort ? normalPort(authority.slice(colon + 1), defaultPort) : "";
  return normalHost(hasPort ? authority.slice(0, colon) : authority) + port;
}

function normalPort(port: string, defaultPort: string): string {
  if (port === "") return "";
  if (!/^\d+$/.test(port)) throw new KeyError("port");
  const number = Number(port);
  if (number > 65535) throw new KeyError("port");
  return String(number) === defaultPort ? "" : `:${number}`;
}

function normalHost(given: string): string {
  if (given === "" || /%(?![0-9a-f]{2})/i.test(given)) throw new KeyError("host");
  const host = parseAddress(`http://${given}/`)?.hostname;
  if (host === undefined || host === "") throw new KeyError("host");
  if (host.startsWith("[")) return host;
  if (host.length > MAX_HOST_CHARS) throw new KeyError("host");
  const labels = host.replace(/\.$/, "").split(".");
  if (!labels.every((label) => LABEL.test(label))) throw new KeyError("host");
  // Browsers read 127.1 and 0x7f.1 as addresses; here only the plain form is one.
  if (NUMBER.test(labels.at(-1) ?? "")) {
    if (given !== host) throw new KeyError("host");
    return host;
  }
  return host.startsWith("www.") && host.length > "www.".length ? host.slice("www.".length) : host;
}

function normalTail(tail: string): string {
  const hash = tail.indexOf("#");
  const beforeFragment = hash < 0 ? tail : tail.slice(0, hash);
  const mark = beforeFragment.indexOf("?");
  const path = mark < 0 ? beforeFragment : beforeFragment.slice(0, mark);
  const query = mark < 0 ? "" : `?${escapes(beforeFragment.slice(mark + 1))}`;
  const fragment = hash < 0 ? "" : `#${escapes(tail.slice(hash + 1))}`;
  return removeDots(escapes(path)) + query + fragment;
}

// Escapes in upper case, unreserved characters plain, everything that may not stand by itself escaped.
function escapes(text: string): string {
  return text.replaceAll(/%[0-9A-Fa-f]{2}|./gsu, (part) => {
    if (part.length === 3 && part.startsWith("%")) {
      const plain = String.fromCharCode(Number.parseInt(part.slice(1), 16));
      return UNRESERVED.test(plain) ? plain : part.toUpperCase();
    }
    if (UNRESERVED.test(part) || RESERVED.includes(part)) return part;
    return Array.from(
      encoder.encode(part),
      (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    ).join("");
  });
}

// "." and ".." go out of an absolute path (RFC 3986, section 5.2.4); the empty path becomes "/".
function removeDots(path: string): string {
  if (path === "") return "/";
  const segments = path.slice(1).split("/");
  const kept: string[] = [];
  for (const [index, segment] of segments.entries()) {
    if (segment !== "." && segment !== "..") {
      kept.push(segment);
      continue;
    }
    if (segment === "..") kept.pop();
    if (index === segments.length - 1) kept.push("");
  }
  return `/${kept.join("/")}`;
}
