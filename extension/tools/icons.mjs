// Draws the mark as PNG and as SVG. The faces of the toolbar button are drawn by the extension itself (background/face.ts).
// Run by hand (npm run icons) after a change of the shape; the pictures are committed.
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";
import { palettePNG } from "./png.mjs";

const icons = join(dirname(fileURLToPath(import.meta.url)), "..", "static", "icons");

const HEART =
  "M16 29.5C6.8 22.6 2 17.4 2 10.8 2 6.1 5.4 3 9.4 3c2.9 0 5.3 1.6 6.6 4.2C17.3 4.6 19.7 3 22.6 3 26.6 3 30 6.1 30 10.8c0 6.6-4.8 11.8-14 18.7z";
const F = "M11.5 9v14.8h3.8v-4.3h4.8v-3.6h-4.8v-3.3h5.9V9z";

const filled = (colour) => `<path fill="${colour}" fill-rule="evenodd" d="${HEART}${F}"/>`;

/** Browsers make it smaller where they need to; the stores show it as it is. */
const SIZE = 128;
/** Steps of transparency at the edge of a shape: more are not seen, and cost bytes. */
const ALPHA_STEPS = 7;

const svg = (shape) => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${shape}</svg>`;

// draw runs in the browser: an SVG in a size, as its bytes red, green, blue, alpha.
async function draw(source, size) {
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(source.replace("<svg ", `<svg width="${size}" height="${size}" `))}`;
  await image.decode();
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, size, size);
  return btoa(String.fromCharCode(...context.getImageData(0, 0, size, size).data.slice(0, 65_536)));
}

const browser = await puppeteer.launch({
  browser: "chrome",
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  const page = await browser.newPage();
  const pixels = Buffer.from(await page.evaluate(draw, svg(filled("#2f7d1f")), SIZE), "base64");
  const png = palettePNG(pixels, SIZE, SIZE, { alphaSteps: ALPHA_STEPS });
  await writeFile(join(icons, `mark-${SIZE}.png`), png);
  const scheme = "<style>path{fill:#2f7d1f}@media(prefers-color-scheme:dark){path{fill:#7bc96a}}</style>";
  const mark = `${scheme}<path fill-rule="evenodd" d="${HEART}${F}"/>`;
  await writeFile(join(icons, "mark.svg"), `${svg(mark)}\n`);
} finally {
  await browser.close();
}
