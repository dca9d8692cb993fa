// A name server of our own on loopback, so that sites have names that a person could claim: every name is this machine's.
import { createSocket, type Socket } from "node:dgram";
import type { AddressInfo } from "node:net";

/** A question for an IPv4 address, and what an answer to it begins with. */
const TYPE_A = 1;
const HEADER = 12;

export class Names {
  private constructor(private readonly socket: Socket) {}

  static async listen(): Promise<Names> {
    const socket = createSocket("udp4");
    socket.on("message", (question, from) => {
      const answer = answerTo(question);
      if (answer !== undefined) socket.send(answer, from.port, from.address);
    });
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(0, "127.0.0.1", resolve);
    });
    return new Names(socket);
  }

  /** address is where it listens, as host:port. */
  get address(): string {
    return `127.0.0.1:${(this.socket.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.socket.close(resolve));
  }
}

/** answerTo says 127.0.0.1 to whoever asks for an address, and nothing to other questions. */
function answerTo(question: Buffer): Buffer | undefined {
  let end = HEADER;
  while (end < question.length && question[end] !== 0) end += (question[end] ?? 0) + 1;
  end += 5; // the last label, type and class
  if (end > question.length) return undefined;
  const isAddress = question.readUInt16BE(end - 4) === TYPE_A;
  const header = Buffer.alloc(HEADER);
  question.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180, 2); // an answer, of one who looks further
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(isAddress ? 1 : 0, 6);
  const record = Buffer.from([0xc0, HEADER, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
  return Buffer.concat([header, question.subarray(HEADER, end), ...(isAddress ? [record] : [])]);
}
