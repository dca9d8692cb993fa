// Places and their time: what has only just come, moved or been shown cannot have been meant.
import { beforeEach, expect, it } from "vitest";
import { Seen } from "../../src/content/seen";
import { type Box, showPage } from "./layout";

let box: Box;
let scrolledPx: number;
let opacity: string;
let seen: Seen;
let button: Element;

function clickAt(timeStamp: number): boolean {
  return seen.isLong(button, { timeStamp } as MouseEvent);
}

beforeEach(() => {
  box = { x: 100, y: 100, width: 55, height: 62 };
  scrolledPx = 0;
  opacity = "1";
  const page = showPage('<p><a class="FlattrButton" href="/1"></a></p>', () => ({
    ...box,
    y: box.y - scrolledPx,
  }));
  button = page.querySelector("a") as Element;
  Object.assign(globalThis, { getComputedStyle: () => ({ opacity, filter: "none" }) });
  seen = new Seen(new AbortController().signal, () => true);
  seen.watch([button]);
});

it("takes a click on what has stood there for half a second", () => {
  expect([clickAt(1000), clickAt(1499), clickAt(1500), clickAt(9000)]).toEqual([false, false, true, true]);
});

it("starts again where it moved, was out of sight, or could not be seen well", () => {
  clickAt(1000);
  box = { ...box, x: 140 };
  expect([clickAt(2000), clickAt(2500)]).toEqual([false, true]);
  box = { ...box, y: 5000 };
  expect(clickAt(3000)).toBe(false);
  box = { ...box, y: 100 };
  expect([clickAt(4000), clickAt(4600)]).toEqual([false, true]);
  opacity = "0.1";
  expect(clickAt(5000)).toBe(false);
  opacity = "1";
  expect([clickAt(6000), clickAt(6600)]).toEqual([false, true]);
});

it("knows scrolling from moving, and what stays in the window while the page scrolls", () => {
  clickAt(1000);
  scrolledPx = 60;
  Object.assign(globalThis, { scrollY: 60 });
  expect(clickAt(1600)).toBe(true);
  Object.assign(globalThis, { scrollY: 90 }); // the box in the window is the same now
  expect(clickAt(1700)).toBe(true);
});

it("does not follow a button that creeps after the pointer", () => {
  clickAt(1000);
  for (let step = 1; step <= 10; step++) {
    box = { ...box, x: 100 + 2 * step, y: 100 + 2 * step };
    clickAt(1600 + step);
  }
  expect(clickAt(1620)).toBe(false);
});
