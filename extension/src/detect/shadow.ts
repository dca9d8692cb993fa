// Shadow roots: parts of a page that its own queries do not see.

/** Roots looked into on one page. */
const MAX_ROOTS = 500;

/** Up to this many elements a page is searched whole; beyond, only elements with a dash in their name, by a native query. */
const MAX_WHOLE = 2000;

/** Up to this many even that is not noticed; larger pages are searched on demand only. */
const MAX_UNASKED = 20_000;

/** Elements that are asked one by one on demand: as many take a third of a second. */
const MAX_ON_DEMAND = 100_000;

/** Custom elements whose roots are asked for. */
const MAX_CUSTOM = 20_000;

/** Our own elements stand in pages too. */
const OURS = /^flattr-/;

// A form lends its properties' names to its fields: the prototype's own getter cannot be named away.
const openRootOf = Object.getOwnPropertyDescriptor(Element.prototype, "shadowRoot")?.get;

/** RootOf gives the shadow root of an element, if it has one that may be seen. */
export type RootOf = (element: Element) => ShadowRoot | null;

/** openRoot sees open roots only, as every script does. */
export function openRoot(element: Element): ShadowRoot | null {
  return (openRootOf?.call(element) as ShadowRoot | null | undefined) ?? null;
}

/** rootsIn finds the open shadow roots of a document, and those inside them, at a cost that an idle page does not notice. */
export function rootsIn(root: Document): readonly ShadowRoot[] {
  const all = root.getElementsByTagName("*");
  if (all[MAX_UNASKED] !== undefined) return []; // to count them all would take longer
  return gather(all.length <= MAX_WHOLE ? all : customElements(root), openRoot);
}

/** allRootsIn asks every element, by whatever means; only where the reader wants to see what is on the page. */
export function allRootsIn(root: Document, rootOf: RootOf): readonly ShadowRoot[] {
  const all = root.getElementsByTagName("*");
  return gather(all.length <= MAX_ON_DEMAND ? all : customElements(root), rootOf);
}

function gather(elements: ArrayLike<Element>, rootOf: RootOf): readonly ShadowRoot[] {
  const roots: ShadowRoot[] = [];
  add(elements, rootOf, roots);
  // The list grows while it is gone through: roots have roots inside them.
  for (let index = 0; index < roots.length; index++) {
    const inside = roots[index]?.querySelectorAll("*");
    if (inside !== undefined) add(inside, rootOf, roots);
  }
  return roots;
}

function add(elements: ArrayLike<Element>, rootOf: RootOf, roots: ShadowRoot[]): void {
  const count = Math.min(elements.length, MAX_ON_DEMAND);
  for (let index = 0; index < count && roots.length < MAX_ROOTS; index++) {
    const element = elements[index];
    if (element === undefined || OURS.test(element.localName)) continue;
    const root = rootOf(element);
    if (root !== null) roots.push(root);
  }
}

// XPath is the one query that browsers answer for a part of a name.
function customElements(root: Document): readonly Element[] {
  const found = root.evaluate("//*[contains(local-name(),'-')]", root, null, 7);
  const elements: Element[] = [];
  for (let index = 0; index < Math.min(found.snapshotLength, MAX_CUSTOM); index++) {
    const node = found.snapshotItem(index);
    if (node?.nodeType === 1) elements.push(node as Element);
  }
  return elements;
}
