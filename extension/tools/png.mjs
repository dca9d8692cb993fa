// Small PNGs: a palette in place of four bytes a pixel. For the icons, and for the pictures in docs/pictures.
import { deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * palettePNG writes pixels (red, green, blue, alpha; a byte each) with so many colours at most (256 are possible), the
 * nearest where there are more. Alpha is rounded to the given number of steps.
 */
export function palettePNG(pixels, width, height, { alphaSteps = 255, colours = 256 } = {}) {
  const count = new Map();
  const keys = new Uint32Array(width * height);
  for (let at = 0; at < keys.length; at++) {
    const key = keyOf(pixels, at * 4, alphaSteps);
    keys[at] = key;
    count.set(key, (count.get(key) ?? 0) + 1);
  }
  const palette = paletteOf(count, colours);
  const nearest = new Map();
  const indices = new Uint8Array(keys.length);
  for (let at = 0; at < keys.length; at++) {
    let index = nearest.get(keys[at]);
    if (index === undefined) {
      index = nearestOf(palette, keys[at]);
      nearest.set(keys[at], index);
    }
    indices[at] = index;
  }
  return encode(indices, palette, width, height);
}

function keyOf(pixels, at, alphaSteps) {
  const alpha = Math.round((Math.round((pixels[at + 3] / 255) * alphaSteps) / alphaSteps) * 255);
  if (alpha === 0) return 0;
  return ((pixels[at] << 24) | (pixels[at + 1] << 16) | (pixels[at + 2] << 8) | alpha) >>> 0;
}

const parts = (key) => [key >>> 24, (key >>> 16) & 255, (key >>> 8) & 255, key & 255];

const distance = (one, other) => {
  const [r, g, b, a] = parts(one);
  const [red, green, blue, alpha] = parts(other);
  return (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2 + 3 * (a - alpha) ** 2;
};

// A translucent edge may have lost the last bit of its colour to rounding: opaque colours are the ones that count.
function paletteOf(count, most) {
  const merged = new Map();
  const solid = [...count.keys()].filter((key) => (key & 255) === 255);
  for (const [key, times] of count) {
    const alpha = key & 255;
    const near = alpha === 0 || alpha === 255 ? undefined : solid.find((colour) => sameColour(colour, key));
    const kept = near === undefined ? key : ((near & 0xffffff00) | alpha) >>> 0;
    merged.set(kept, (merged.get(kept) ?? 0) + times);
  }
  const byAlpha = (a, b) => (a & 255) - (b & 255);
  if (merged.size <= most) return [...merged.keys()].sort(byAlpha);
  // Grounds and other large areas keep their very colour; what is between them is mixed.
  const common = [...merged].sort(([, some], [, others]) => others - some);
  const exact = common.splice(0, most >> 1).map(([key]) => key);
  return [...exact, ...medianCut(common, most - exact.length)].sort(byAlpha);
}

function sameColour(one, other) {
  const [r, g, b] = parts(one);
  const [red, green, blue, alpha] = parts(other);
  const slack = 2 + 255 / alpha; // what rounding of premultiplied colours loses
  return Math.max(Math.abs(r - red), Math.abs(g - green), Math.abs(b - blue)) <= slack;
}

// Boxes of colours are halved at the median of their longest side until there are enough of them.
function medianCut(colours, most) {
  const boxes = [colours];
  while (boxes.length < most) {
    const widths = boxes.map(longest);
    let widest = 0;
    for (let at = 1; at < widths.length; at++) if (widths[at].length > widths[widest].length) widest = at;
    if (widths[widest].length === 0) break;
    const { side } = widths[widest];
    const box = boxes[widest].sort(([a], [b]) => parts(a)[side] - parts(b)[side]);
    boxes.splice(widest, 1, box.slice(0, box.length >> 1), box.slice(box.length >> 1));
  }
  return boxes.map((box) => box.reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0]);
}

function longest(box) {
  let best = { side: 0, length: 0 };
  for (let side = 0; side < 4; side++) {
    let [low, high] = [255, 0];
    for (const [key] of box) {
      const value = parts(key)[side];
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (high - low > best.length) best = { side, length: high - low };
  }
  return best;
}

function nearestOf(palette, key) {
  let best = 0;
  for (let at = 1; at < palette.length; at++)
    if (distance(palette[at], key) < distance(palette[best], key)) best = at;
  return best;
}

function encode(indices, palette, width, height) {
  const depth = palette.length <= 2 ? 1 : palette.length <= 4 ? 2 : palette.length <= 16 ? 4 : 8;
  const row = Math.ceil((width * depth) / 8);
  const raw = Buffer.alloc((row + 1) * height); // each row begins with filter 0
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      raw[y * (row + 1) + 1 + (bit >> 3)] |= indices[y * width + x] << (8 - depth - (bit & 7));
    }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, 3, 0, 0, 0], 8); // palette, deflate, adaptive filters, not interlaced
  const translucent = palette.filter((key) => (key & 255) < 255).length;
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from(palette.flatMap((key) => parts(key).slice(0, 3)))),
    ...(translucent > 0
      ? [chunk("tRNS", Buffer.from(palette.slice(0, translucent).map((key) => key & 255)))]
      : []),
    chunk("IDAT", deflateSync(raw, { level: 9, memLevel: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc(body), body.length + 4);
  return framed;
}

function crc(data) {
  let sum = ~0;
  for (const byte of data) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return ~sum >>> 0;
}

/** readPNG reads a screenshot (8 bits, with or without alpha, not interlaced) as red, green, blue, alpha. */
export function readPNG(file) {
  const width = file.readUInt32BE(16);
  const height = file.readUInt32BE(20);
  const channels = file[25] === 6 ? 4 : 3;
  if (file[24] !== 8 || (file[25] !== 2 && file[25] !== 6) || file[28] !== 0)
    throw new Error("not a screenshot as Chromium takes it");
  const data = [];
  for (let at = 8; at < file.length; at += file.readUInt32BE(at) + 12)
    if (file.toString("latin1", at + 4, at + 8) === "IDAT")
      data.push(file.subarray(at + 8, at + 8 + file.readUInt32BE(at)));
  const rows = unfilter(inflateSync(Buffer.concat(data)), width * channels, height, channels);
  if (channels === 4) return { width, height, pixels: rows };
  const pixels = Buffer.alloc(width * height * 4, 255);
  for (let at = 0; at < width * height; at++) rows.copy(pixels, at * 4, at * 3, at * 3 + 3);
  return { width, height, pixels };
}

function unfilter(raw, bytes, height, step) {
  const out = Buffer.alloc(bytes * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (bytes + 1)];
    for (let x = 0; x < bytes; x++) {
      const left = x >= step ? out[y * bytes + x - step] : 0;
      const up = y > 0 ? out[(y - 1) * bytes + x] : 0;
      const corner = x >= step && y > 0 ? out[(y - 1) * bytes + x - step] : 0;
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0;
      out[y * bytes + x] = raw[y * (bytes + 1) + 1 + x] + guess;
    }
  }
  return out;
}

function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
