// Whether a reader can have meant a click: the thing clicked must be there to be seen, under the pointer, in its own right.

/** A target smaller than this in either direction is hidden, whatever its style says. */
const MIN_SIDE_PX = 8;

/** Below this opacity, all ancestors multiplied, a reader cannot be said to have seen it. */
const MIN_OPACITY = 0.7;

/** Ancestors looked at; deeper pages are not honest pages. */
const MAX_ANCESTORS = 500;

/** isHonest checks visibility, size and place of the clicked element. It reads layout and changes nothing. */
export function isHonest(element: Element, event: MouseEvent): boolean {
  const box = element.getBoundingClientRect();
  const inner = element.firstElementChild?.getBoundingClientRect();
  const width = Math.max(box.width, inner?.width ?? 0);
  const height = Math.max(box.height, inner?.height ?? 0);
  if (width < MIN_SIDE_PX || height < MIN_SIDE_PX) return false;
  if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
  return isOpaque(element) && isOnTop(element, pointOf(element, event));
}

/** isForeignFrame tells whether this document is a frame in a page of another origin. */
export function isForeignFrame(): boolean {
  if (window.top === window) return false;
  try {
    return window.top?.document === undefined;
  } catch {
    return true;
  }
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

function parentOf(element: Element): Element | null {
  if (element.assignedSlot !== null) return element.assignedSlot;
  if (element.parentElement !== null) return element.parentElement;
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? root.host : null;
}

function isOnTop(element: Element, point: { x: number; y: number }): boolean {
  if (point.x < 0 || point.y < 0 || point.x >= innerWidth || point.y >= innerHeight) return false;
  const root = element.getRootNode();
  const top = (root instanceof ShadowRoot ? root : document).elementFromPoint(point.x, point.y);
  return top !== null && (top === element || element.contains(top));
}
