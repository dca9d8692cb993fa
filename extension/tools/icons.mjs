// Draws the icons: one mark, a shape for every state, as PNG in the sizes that browsers ask for.
// Run by hand (npm run icons) after a change of a shape; the pictures are committed.
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";
import { palettePNG } from "./png.mjs";

const icons = join(dirname(fileURLToPath(import.meta.url)), "..", "static", "icons");

// Middle tones, seen on light and on dark toolbars alike.
const GREEN = "#3d9a2b";
const GREY = "#7d8883";

const HEART =
  "M16 29.5C6.8 22.6 2 17.4 2 10.8 2 6.1 5.4 3 9.4 3c2.9 0 5.3 1.6 6.6 4.2C17.3 4.6 19.7 3 22.6 3 26.6 3 30 6.1 30 10.8c0 6.6-4.8 11.8-14 18.7z";
const F = "M11.5 9v14.8h3.8v-4.3h4.8v-3.6h-4.8v-3.3h5.9V9z";

const filled = (colour) => `<path fill="${colour}" fill-rule="evenodd" d="${HEART}${F}"/>`;
const outline = (colour) =>
  `<clipPath id="heart"><path d="${HEART}"/></clipPath>
   <path fill="none" stroke="${colour}" stroke-width="5" clip-path="url(#heart)" d="${HEART}"/><path fill="${colour}" d="${F}"/>`;
// A sign in the lower corner, cut out of the mark so that it is seen at 16 pixels.
const withSign = (mark, sign) =>
  `<mask id="corner"><rect width="32" height="32" fill="#fff"/><circle cx="23.5" cy="23.5" r="10.5" fill="#000"/></mask>
   <g mask="url(#corner)">${mark}</g>${sign}`;
const CLOCK = `<circle cx="23.5" cy="23.5" r="7.2" fill="none" stroke="${GREEN}" stroke-width="2.6"/>
  <path d="M23.5 19.6v4.2l3 1.8" fill="none" stroke="${GREEN}" stroke-width="2.4" stroke-linecap="round"/>`;
const BANG = `<circle cx="23.5" cy="23.5" r="8.5" fill="#b3541e"/><path d="M23.5 18.4v6.2" stroke="#fff" stroke-width="3" stroke-linecap="round"/>
  <circle cx="23.5" cy="28.4" r="1.7" fill="#fff"/>`;
const slashed = (mark) =>
  `<mask id="cut"><rect width="32" height="32" fill="#fff"/><path d="M5 3l24 26" stroke="#000" stroke-width="8"/></mask>
   <g mask="url(#cut)">${mark}</g><path d="M4 4l24 25" stroke="${GREY}" stroke-width="3.2" stroke-linecap="round"/>`;

const SHAPES = {
  mark: filled("#2f7d1f"),
  idle: outline(GREY),
  found: outline(GREEN),
  flattred: filled(GREEN),
  waiting: withSign(outline(GREEN), CLOCK),
  away: slashed(outline(GREY)),
  unpaired: withSign(outline(GREY), BANG),
};
// Drawn at 32, a shape is as sharp when the browser halves it for 16; the mark stands in the stores at 128.
const SIZES = { mark: [32, 128] };
/** Steps of transparency at the edge of a shape: more are not seen, and cost bytes. */
const ALPHA_STEPS = 15;

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
  for (const [name, shape] of Object.entries(SHAPES)) {
    for (const size of SIZES[name] ?? [32]) {
      const pixels = Buffer.from(await page.evaluate(draw, svg(shape), size), "base64");
      await writeFile(
        join(icons, `${name}-${size}.png`),
        palettePNG(pixels, size, size, { alphaSteps: ALPHA_STEPS }),
      );
    }
  }
  const scheme = "<style>path{fill:#2f7d1f}@media(prefers-color-scheme:dark){path{fill:#7bc96a}}</style>";
  const mark = `${scheme}<path fill-rule="evenodd" d="${HEART}${F}"/>`;
  await writeFile(join(icons, "mark.svg"), `${svg(mark)}\n`);
} finally {
  await browser.close();
}
