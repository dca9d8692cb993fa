// Honest clicks: what is not there to be seen cannot have been meant. jsdom has no layout, so boxes are given.
import { JSDOM } from "jsdom";
import { describe, expect, it } from "vitest";
import { isForeignFrame, isHonest } from "../../src/content/honest";

// Puts a page there, with one button of an honest size that nothing covers.
function clickOn(html: string, change: (document: Document) => void = () => {}): boolean {
  const { window } = new JSDOM(html, { pretendToBeVisual: true });
  const { document, Node, Element } = window;
  const button = document.querySelector(".FlattrButton");
  if (button === null) throw new Error("no button");
  const box = { x: 10, y: 10, width: 55, height: 62 };
  Object.assign(button, { getBoundingClientRect: () => box, checkVisibility: () => true });
  document.elementFromPoint = () => button;
  const getComputedStyle = ({ style }: HTMLElement) => ({ opacity: style.opacity || "1", filter: "none" });
  Object.assign(window, { innerWidth: 800, innerHeight: 600 });
  Object.assign(globalThis, { window, document, Node, Element, getComputedStyle });
  change(document);
  const event = { pointerType: "mouse", clientX: 20, clientY: 20 };
  return isHonest(button, event as unknown as MouseEvent);
}

const BUTTON = '<a class="FlattrButton" href="https://a.example/1">Flattr</a>';

describe("isHonest", () => {
  it("believes what is there to be seen", () => {
    expect(clickOn(`<form style="opacity:0.9">${BUTTON}</form>`)).toBe(true);
  });

  it("multiplies the opacity of all ancestors", () => {
    expect(clickOn(`<div style="opacity:0.8"><div style="opacity:0.8">${BUTTON}</div></div>`)).toBe(false);
  });

  it("does not believe what is too small or covered", () => {
    const small = (document: Document): void => {
      const box = { x: 10, y: 10, width: 55, height: 7 };
      Object.assign(document.querySelector(".FlattrButton") ?? {}, { getBoundingClientRect: () => box });
    };
    const covered = (document: Document): void => {
      document.elementFromPoint = () => document.body;
    };
    expect([clickOn(BUTTON, small), clickOn(BUTTON, covered)]).toEqual([false, false]);
  });

  it("is not led past a transparent ancestor by the names of a form's fields", () => {
    const html = `<input id="i"><div style="opacity:0.01"><form>${BUTTON}</form></div>`;
    // jsdom does not lend a form's properties to its fields, as browsers do.
    const lend = (document: Document): void => {
      const [form, value] = ["form", "#i"].map((selector) => document.querySelector(selector));
      for (const name of ["parentElement", "parentNode", "assignedSlot", "getRootNode"]) {
        Object.defineProperty(form, name, { value });
      }
    };
    expect(clickOn(html, lend)).toBe(false);
  });

  it.each([
    ["", true],
    ["opacity:0.01", false],
  ])("looks at the frame that shows the page: %j", (style, honest) => {
    const show = (document: Document): void => {
      const frame = document.createElement("iframe");
      frame.style.cssText = style;
      const top = { innerWidth: 800, innerHeight: 600, frameElement: null };
      const owner = { defaultView: top, elementFromPoint: () => frame };
      Object.defineProperty(frame, "ownerDocument", { value: owner });
      Object.defineProperty(frame, "getRootNode", { value: () => owner });
      Object.defineProperty(document.defaultView, "frameElement", { value: frame });
    };
    expect(clickOn(BUTTON, show)).toBe(honest);
  });
});

describe("isForeignFrame", () => {
  // Windows from the page in front inwards; of another origin, the document cannot be had.
  function isForeign(...own: readonly boolean[]): boolean {
    const views: Record<string, unknown>[] = own.map((isOwn) => (isOwn ? { document: {} } : {}));
    views.forEach((view, index) => {
      Object.assign(view, { top: views[0], parent: views[Math.max(index - 1, 0)] });
    });
    Object.assign(globalThis, { window: views.at(-1) });
    return isForeignFrame();
  }

  it("asks every document above", () => {
    expect([isForeign(true), isForeign(true, true), isForeign(true, true, true)]).toEqual([
      false,
      false,
      false,
    ]);
    expect([isForeign(false, true), isForeign(true, false, true)]).toEqual([true, true]);
  });
});
