// A ticket admits one browser profile to the companion, once, within two minutes.
import { LIMITS } from "../wire.gen";
import { type Bytes, fromBase32 } from "./bytes";

/** Ticket is where to dial and the 16 bytes that prove the right to. */
export interface Ticket {
  readonly port: number;
  readonly secret: Bytes;
}

const TICKET_CHARS = 26;
const TICKET_BYTES = 16;

/** readTicket reads what the native host hands over; undefined when port or ticket are out of bounds. */
export function readTicket(port: unknown, text: unknown): Ticket | undefined {
  if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65535) return undefined;
  if (typeof text !== "string" || text.length !== TICKET_CHARS) return undefined;
  const secret = fromBase32(text);
  return secret?.length === TICKET_BYTES ? { port, secret } : undefined;
}

/** readPasted reads the line `flattr1:<port>:<ticket>` that `flattrd pair` prints. */
export function readPasted(line: string): Ticket | undefined {
  const [label, port, ticket, ...rest] = line.trim().split(":");
  if (label?.toLowerCase() !== LIMITS.pasteTicketLabel || rest.length > 0 || port === undefined)
    return undefined;
  return /^\d{1,5}$/.test(port) ? readTicket(Number(port), ticket) : undefined;
}
