// A page often points to one thing several times; readers see it once.
import type { Form, Pointer } from "../detect/pointer";
import type { Thing } from "../wire.gen";
import { namesOf, thingOf } from "./thing";

/** PageThing is one distinct thing of a page and the form by which it was found first. */
export interface PageThing {
  readonly thing: Thing;
  readonly form: Form;
}

/** mergePointers makes the distinct things of a page out of all its pointers. */
export function mergePointers(pointers: readonly Pointer[]): readonly PageThing[] {
  const found: PageThing[] = [];
  for (const pointer of pointers) {
    const thing = thingOf(pointer);
    if (thing !== undefined) found.push({ thing, form: pointer.form });
  }
  return mergeFound(found);
}

/** mergeFound joins things that share a name, in the order of the first; what was said first stays, later ones add. */
export function mergeFound(found: readonly PageThing[]): readonly PageThing[] {
  const things: PageThing[] = [];
  const byName = new Map<string, number>();
  for (const { thing, form } of found) {
    const names = namesOf(thing);
    const known = names.map((name) => byName.get(name)).find((index) => index !== undefined);
    const index = known ?? things.length;
    const before = things[index];
    things[index] =
      before === undefined ? { thing, form } : { ...before, thing: { ...thing, ...before.thing } };
    for (const name of names) byName.set(name, index);
  }
  return things;
}
