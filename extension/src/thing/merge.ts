// A page often points to one thing several times; readers see it once.
import type { Form, Pointer } from "../detect/pointer";
import type { Thing } from "../wire.gen";
import { namesOf, pageThing, sameThing, thingOf } from "./thing";

/** PageThing is one distinct thing of a page and the form by which it was found first. */
export interface PageThing {
  readonly thing: Thing;
  readonly form: Form;
}

/** mergePointers makes the distinct things of a page out of all its pointers. The page's account goes to the page's own thing. */
export function mergePointers(pointers: readonly Pointer[], address?: string): readonly PageThing[] {
  const found: PageThing[] = [];
  for (const pointer of pointers) {
    const thing = thingOf(pointer);
    if (thing !== undefined) found.push({ thing, form: pointer.form });
  }
  return credit(mergeFound(found), pointers, address);
}

// What the page says of itself in its head holds where a thing at the page's own address names nobody.
function credit(
  things: readonly PageThing[],
  pointers: readonly Pointer[],
  address: string | undefined,
): readonly PageThing[] {
  const fid = pointers.find(({ form }) => form === "meta-flattr-id")?.fid;
  const page = address === undefined ? undefined : pageThing(address, undefined);
  if (fid === undefined || page === undefined) return things;
  const names = namesOf(page);
  return things.map((one) => {
    const { thing } = one;
    const named = thing.owner !== undefined || thing.fid !== undefined;
    return named || !sameThing(names, namesOf(thing)) ? one : { ...one, thing: { ...thing, fid } };
  });
}

/**
 * mergeFound joins things that share a name, in the order of the first; what was said first stays, later ones add. Two
 * that were apart become one when a third shares a name with each.
 */
export function mergeFound(found: readonly PageThing[]): readonly PageThing[] {
  const things: (PageThing | undefined)[] = [];
  const byName = new Map<string, number>();
  for (const one of found) {
    const names = writtenNames(one.thing);
    const known = [...new Set(names.map((name) => byName.get(name)))].filter((index) => index !== undefined);
    const index = known.length === 0 ? things.length : Math.min(...known);
    let merged = one;
    for (const other of known.sort((a, b) => b - a)) {
      const before = things[other];
      if (before !== undefined) merged = { ...before, thing: { ...merged.thing, ...before.thing } };
      things[other] = undefined;
    }
    things[index] = merged;
    for (const name of names) byName.set(name, index);
    if (known.length > 1) lead(byName, known, index);
  }
  return things.filter((thing) => thing !== undefined);
}

// A page that writes the same escape in both cases means two things, as servers may; readers see both. The ledger's
// key knows no case there, so a click on one shows on the other as well.
function writtenNames(thing: Thing): readonly string[] {
  const lower = thing.url?.match(/%(?:[a-f][\dA-Fa-f]|[\dA-F][a-f])/g)?.join("") ?? "";
  return namesOf(thing).map((name) => (name.startsWith("url ") ? `${name} ${lower}` : name));
}

// Whatever led to one of the things that became one leads to it from now on.
function lead(byName: Map<string, number>, from: readonly number[], to: number): void {
  for (const [name, index] of byName) if (from.includes(index)) byName.set(name, to);
}
