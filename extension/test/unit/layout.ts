// What jsdom lacks of a browser, for the content script's units: sheets that are made, idle moments, and boxes.
import { JSDOM } from "jsdom";

/** Box is where an element of a test's page is drawn, in CSS pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

class Sheet {
  text = "";
  replaceSync(text: string): void {
    this.text = text;
  }
}

/** roots are the shadow roots that were attached, by their hosts: a test may look where a page cannot. */
export const roots = new Map<Element, ShadowRoot>();

/** showPage makes HTML the page that the content script's code runs in; boxes tells where elements are drawn. */
export function showPage(html: string, boxes: (element: Element) => Box): Document {
  const { window } = new JSDOM(html, { url: "https://site.example/", pretendToBeVisual: true });
  const { Element, HTMLElement, Node, document, MouseEvent, Event } = window;
  const attach = Element.prototype.attachShadow;
  roots.clear();
  Element.prototype.attachShadow = function (init: ShadowRootInit): ShadowRoot {
    const root = attach.call(this, init);
    roots.set(this, root);
    return root;
  };
  Element.prototype.getBoundingClientRect = function (): DOMRect {
    const { x, y, width, height } = boxes(this);
    return { x, y, width, height, left: x, top: y, right: x + width, bottom: y + height } as DOMRect;
  };
  Element.prototype.getClientRects = function (): DOMRectList {
    return [this.getBoundingClientRect()] as unknown as DOMRectList;
  };
  Element.prototype.checkVisibility = () => true;
  Object.assign(globalThis, {
    window,
    document,
    Element,
    HTMLElement,
    Node,
    MouseEvent,
    Event,
    CSSStyleSheet: Sheet,
  });
  Object.assign(globalThis, {
    HTMLAnchorElement: window.HTMLAnchorElement,
    ShadowRoot: window.ShadowRoot,
    getComputedStyle: window.getComputedStyle.bind(window),
    innerWidth: 800,
    innerHeight: 600,
    scrollX: 0,
    scrollY: 0,
    addEventListener: () => {},
    requestIdleCallback: (then: () => void) => setTimeout(then),
    requestAnimationFrame: (then: () => void) => setTimeout(then),
  });
  Object.assign(window, { innerWidth: 800, innerHeight: 600 });
  return document;
}
