// Whether a reader can have meant a click: the thing clicked must be there to be seen, under the pointer, in its own right.

/** A target smaller than this in either direction is hidden, whatever its style says. */
const MIN_SIDE_PX = 8;

/** Below this opacity, all ancestors multiplied, a reader cannot be said to have seen it. */
const MIN_OPACITY = 0.7;

/** Ancestors looked at; deeper pages are not honest pages. */
const MAX_ANCESTORS = 500;

/** isHonest checks visibility, size and place of the clicked element. It reads layout and changes nothing. */
export function isHonest(element: Element, event: MouseEvent): boolean {
  const { width, height } = boxOf(element);
  if (width < MIN_SIDE_PX || height < MIN_SIDE_PX) return false;
  return isShown(element, true) && isOnTop(element, pointOf(element, event));
}

/** boxOf is where an element is drawn: a link's own box, or that of the picture in it, whichever is larger. */
export function boxOf(element: Element): DOMRect {
  const box = element.getBoundingClientRect();
  const inner = element.firstElementChild?.getBoundingClientRect();
  if (inner === undefined) return box;
  return inner.width * inner.height > box.width * box.height ? inner : box;
}

/** isShown tells whether an element is drawn at all; closely, whether it and all that holds it can be seen well. */
export function isShown(element: Element, closely: boolean): boolean {
  if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
  return !closely || isOpaque(element);
}

/** isForeignFrame tells whether a document of another origin holds this one, at whatever depth: it could hide it. */
export function isForeignFrame(): boolean {
  try {
    for (let view: Window = window; view !== view.top; view = view.parent) {
      if (view.parent.document === undefined) return true;
    }
    return false;
  } catch {
    return true;
  }
}

/** isEdited tells whether an element belongs to what a reader is writing. */
export function isEdited(element: Element): boolean {
  return (element as HTMLElement).isContentEditable === true || element.ownerDocument.designMode === "on";
}

// Enter and screen readers click without a pointer: then the target's centre is what counts.
function pointOf(element: Element, event: MouseEvent): { x: number; y: number } {
  const pointer = "pointerType" in event && event.pointerType !== "";
  if (pointer) return { x: event.clientX, y: event.clientY };
  const target = element.querySelector("img, svg") ?? element;
  const box = target.getClientRects()[0] ?? target.getBoundingClientRect();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

function isOpaque(element: Element): boolean {
  let opacity = 1;
  let above: Element | null = element;
  for (let depth = 0; above !== null; depth++) {
    if (depth > MAX_ANCESTORS) return false;
    const style = getComputedStyle(above);
    opacity *= Number(style.opacity);
    if (opacity < MIN_OPACITY || style.filter.includes("opacity")) return false;
    above = parentOf(above);
  }
  return true;
}

// A form lends its properties' names to its fields, and so could lead past a transparent ancestor: the prototypes' own
// getters cannot be named away. Above a document stands the frame that shows it.
function parentOf(element: Element): Element | null {
  const slot = Reflect.get(Element.prototype, "assignedSlot", element) as Element | null;
  if (slot !== null) return slot;
  const parent = Reflect.get(Node.prototype, "parentNode", element) as Node | null;
  if (parent === null) return null;
  if (parent.nodeType === Node.ELEMENT_NODE) return parent as Element;
  if (parent.nodeType === Node.DOCUMENT_FRAGMENT_NODE) return (parent as ShadowRoot).host ?? null;
  return frameOf(element);
}

function frameOf(element: Element): Element | null {
  return element.ownerDocument.defaultView?.frameElement ?? null;
}

// Nothing lies over the point, in this document and in those whose frames lead to it.
function isOnTop(element: Element, { x, y }: { x: number; y: number }): boolean {
  const view = element.ownerDocument.defaultView;
  if (view === null || x < 0 || y < 0 || x >= view.innerWidth || y >= view.innerHeight) return false;
  const root = element.getRootNode() as Document | ShadowRoot;
  const top = root.elementFromPoint(x, y);
  if (top === null || !(top === element || element.contains(top))) return false;
  const frame = frameOf(element);
  if (frame === null) return true;
  const box = frame.getBoundingClientRect();
  return isOnTop(frame, { x: box.x + frame.clientLeft + x, y: box.y + frame.clientTop + y });
}
