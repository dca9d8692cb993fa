// Sealed frames: AES-256-GCM with a counter as nonce, one key per direction and connection.
// Key and counter live in one object in memory and die with the socket.
import { type Bytes, join, uint32, utf8 } from "./bytes";

/** Direction names the way of a frame: extension to daemon, or back. */
export type Direction = "e2d" | "d2e";

const TAG_BITS = 128;

/** FrameError says that a frame did not open: it was forged, replayed, reordered or cut. */
export class FrameError extends Error {}

/**
 * Frames numbers the frames of one direction. Its calls must not overlap: the caller keeps one promise chain
 * for each direction, since browsers may finish parallel WebCrypto calls out of order.
 */
export class Frames {
  readonly #key: CryptoKey;
  readonly #bound: Bytes;
  #counter = 0;

  constructor(key: CryptoKey, direction: Direction, transcript: Bytes) {
    this.#key = key;
    this.#bound = join(utf8(direction), transcript);
  }

  /** seal encrypts the next frame of this direction. */
  async seal(plain: Bytes): Promise<Bytes> {
    return new Uint8Array(await crypto.subtle.encrypt(this.#next(), this.#key, plain));
  }

  /** open decrypts the next frame of this direction, or throws FrameError. */
  async open(frame: Bytes): Promise<Bytes> {
    try {
      return new Uint8Array(await crypto.subtle.decrypt(this.#next(), this.#key, frame));
    } catch (cause) {
      throw new FrameError("a frame did not open", { cause });
    }
  }

  #next(): AesGcmParams {
    const number = this.#counter++;
    if (!Number.isSafeInteger(number)) throw new RangeError("frame counter is spent");
    const iv = join(uint32(0), uint32(Math.floor(number / 2 ** 32)), uint32(number % 2 ** 32));
    return { name: "AES-GCM", iv, additionalData: this.#bound, tagLength: TAG_BITS };
  }
}
