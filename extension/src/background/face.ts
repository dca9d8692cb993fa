// The faces of the toolbar button, drawn when they are shown: shapes weigh less than pictures of them, and are as sharp
// on every screen.

/** Face is a shape of the icon: each differs from the others without its colour. */
export type Face = "idle" | "found" | "flattred" | "waiting" | "away" | "unpaired";

const HEART =
  "M16 29.5C6.8 22.6 2 17.4 2 10.8 2 6.1 5.4 3 9.4 3c2.9 0 5.3 1.6 6.6 4.2C17.3 4.6 19.7 3 22.6 3 26.6 3 30 6.1 30 10.8c0 6.6-4.8 11.8-14 18.7z";
const F = "M11.5 9v14.8h3.8v-4.3h4.8v-3.6h-4.8v-3.3h5.9V9z";
const SLASH = "M4 4l24 25";
const CLOCK = "M23.5 16.3a7.2 7.2 0 1 0 .01 0zM23.5 19.6v4.2l3 1.8";
const BANG = "M23.5 18.6v5.4M23.5 28.2v.2";

/** Where a sign stands in the corner, it is cut out of the mark with a rim, so that it is seen at 16 pixels. */
const CORNER = 23.5;
const CORNER_RADIUS = 10.5;
const BANG_RADIUS = 8.5;

// Middle tones, seen on light and on dark toolbars alike.
const GREEN = "#3d9a2b";
const GREY = "#7d8883";
const ALARM = "#b3541e";

/** A page with something to flattr has a bolder heart than one without. */
const THIN = 3;
const THICK = 7;

/** The shapes are drawn on a square of so many units, and shown in these sizes, in pixels: dense screens take the larger. */
const UNITS = 32;
const SIZES = [16, 32, 64] as const;

const drawn = new Map<Face, Record<number, ImageData>>();

/** imagesOf are the pictures of a face by their size, drawn once while the background runs. */
export function imagesOf(face: Face): Record<number, ImageData> {
  const known = drawn.get(face) ?? Object.fromEntries(SIZES.map((size) => [size, draw(face, size)]));
  drawn.set(face, known);
  return known;
}

function draw(face: Face, size: number): ImageData {
  const canvas = new OffscreenCanvas(size, size).getContext("2d", { willReadFrequently: true });
  if (canvas === null) throw new Error("no canvas to draw on");
  canvas.scale(size / UNITS, size / UNITS);
  canvas.lineCap = "round";
  const colour = face === "idle" || face === "away" || face === "unpaired" ? GREY : GREEN;
  if (face === "flattred") fill(canvas, colour, HEART + F);
  else outline(canvas, colour, colour === GREY ? THIN : THICK);
  if (face === "away") {
    cutting(canvas, () => stroke(canvas, GREY, 8, SLASH));
    stroke(canvas, GREY, 3.2, SLASH);
  }
  if (face === "waiting" || face === "unpaired") cutting(canvas, () => disc(canvas, GREEN, CORNER_RADIUS));
  if (face === "waiting") stroke(canvas, GREEN, 2.6, CLOCK);
  if (face === "unpaired") {
    disc(canvas, ALARM, BANG_RADIUS);
    stroke(canvas, "#fff", 3, BANG);
  }
  return canvas.getImageData(0, 0, size, size);
}

type Canvas = OffscreenCanvasRenderingContext2D;

function fill(canvas: Canvas, colour: string, path: string): void {
  canvas.fillStyle = colour;
  canvas.fill(new Path2D(path), "evenodd");
}

function stroke(canvas: Canvas, colour: string, width: number, path: string): void {
  canvas.strokeStyle = colour;
  canvas.lineWidth = width;
  canvas.stroke(new Path2D(path));
}

function disc(canvas: Canvas, colour: string, radius: number): void {
  canvas.fillStyle = colour;
  canvas.beginPath();
  canvas.arc(CORNER, CORNER, radius, 0, 2 * Math.PI);
  canvas.fill();
}

// The rim of the heart lies inside it: only half of a line as wide as this is seen.
function outline(canvas: Canvas, colour: string, width: number): void {
  canvas.save();
  canvas.clip(new Path2D(HEART));
  stroke(canvas, colour, width, HEART);
  canvas.restore();
  fill(canvas, colour, F);
}

function cutting(canvas: Canvas, work: () => void): void {
  canvas.globalCompositeOperation = "destination-out";
  work();
  canvas.globalCompositeOperation = "source-over";
}
