// The toolbar button: how many things this page has, and how things stand, by shape, by colour and in words.
import { browser } from "../browser";
import type { Link, Standing } from "../messages";
import { plural, text } from "../words";
import { type Face, imagesOf } from "./face";

/** More things than this are shown as 99+. */
const MAX_COUNT = 99;
const BADGE_COLOUR = "#2f7d1f";
const BADGE_TEXT_COLOUR = "#ffffff";

/** faceOf chooses the shape: what keeps clicks from arriving comes before what is on the page. */
export function faceOf(link: Link, standings: readonly Standing[]): Face {
  if (link === "unpaired" || link === "unknown") return "unpaired";
  if (link === "away" || link === "other_program" || link === "version") return "away";
  if (standings.some((standing) => standing === "kept" || standing === "waiting")) return "waiting";
  if (standings.includes("flattred")) return "flattred";
  return standings.length > 0 ? "found" : "idle";
}

/** badgeOf is the number on the icon: none is no badge. */
export function badgeOf(things: number): string {
  if (things === 0) return "";
  return things > MAX_COUNT ? `${MAX_COUNT}+` : String(things);
}

/** describe says in words what icon and badge show, for those who do not see them. */
export function describe(face: Face, standings: readonly Standing[]): string {
  const parts = [text("name")];
  if (standings.length > 0) parts.push(plural("titleThings", standings.length));
  const flattred = standings.filter((standing) => standing === "flattred" || standing === "waiting").length;
  if (flattred > 0) parts.push(plural("titleFlattred", flattred));
  if (standings.includes("refused")) parts.push(text("titleRefused"));
  if (face === "waiting") parts.push(text("titleWaiting"));
  if (face === "away") parts.push(text("titleAway"));
  if (face === "unpaired") parts.push(text("titleUnpaired"));
  return parts.join(" · ");
}

/** paintTab shows one tab's state. A tab that is gone is nobody's loss. */
export async function paintTab(tabId: number, link: Link, standings: readonly Standing[]): Promise<void> {
  const face = faceOf(link, standings);
  await Promise.all([
    browser.action.setIcon({ tabId, imageData: imagesOf(face) }),
    browser.action.setBadgeText({ tabId, text: badgeOf(standings.length) }),
    browser.action.setTitle({ tabId, title: describe(face, standings) }),
  ]).catch(() => {});
}

/** sayOn says on a tab's button what became of a click that was made in no page; the next painting takes its place. */
export async function sayOn(tabId: number, mark: string, words: string): Promise<void> {
  await Promise.all([
    browser.action.setBadgeText({ tabId, text: mark }),
    browser.action.setTitle({ tabId, title: words }),
  ]).catch(() => {});
}

/** paintAll shows what holds for tabs without things. */
export async function paintAll(link: Link): Promise<void> {
  const face = faceOf(link, []);
  await Promise.all([
    browser.action.setIcon({ imageData: imagesOf(face) }),
    browser.action.setTitle({ title: describe(face, []) }),
    browser.action.setBadgeBackgroundColor({ color: BADGE_COLOUR }),
    browser.action.setBadgeTextColor({ color: BADGE_TEXT_COLOUR }),
  ]).catch(() => {});
}
