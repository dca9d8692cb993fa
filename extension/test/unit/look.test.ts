// Colours: every pair of text and ground that is used, light and dark, reads at 4.5:1 or better; edges of controls at 3:1.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { STYLE } from "../../src/content/overlay.style";
import { FACE } from "../../src/content/replace.style";

const look = readFileSync(new URL("../../static/look.css", import.meta.url), "utf8");

type Scheme = "light" | "dark";

function tokens(css: string, scheme: Scheme): Record<string, string> {
  const pairs = css.matchAll(/--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g);
  return Object.fromEntries(
    [...pairs].map(([, name, light, dark]) => [name, (scheme === "light" ? light : dark) ?? ""]),
  );
}

// Relative luminance and contrast as WCAG 2.2 defines them.
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const TEXT: readonly [string, string][] = [
  ["ink", "paper"],
  ["ink", "raised"],
  ["quiet", "paper"],
  ["quiet", "raised"],
  ["flattr", "paper"],
  ["flattr", "raised"],
  ["on-flattr", "flattr"],
  ["warn", "paper"],
  ["warn", "raised"],
];

describe.each(["light", "dark"] as const)("colours in %s", (scheme) => {
  const page = tokens(look, scheme);
  const inPage = [tokens(STYLE, scheme), tokens(FACE, scheme)];

  it("have all tokens", () => {
    expect(Object.keys(page).sort()).toEqual([
      "edge",
      "flattr",
      "ink",
      "on-flattr",
      "paper",
      "quiet",
      "raised",
      "warn",
    ]);
  });

  it.each(TEXT)("%s reads on %s", (text, ground) => {
    expect(contrast(page[text] ?? "", page[ground] ?? "")).toBeGreaterThanOrEqual(4.5);
  });

  it("show the edges of fields and buttons", () => {
    expect(contrast(page["quiet"] ?? "", page["paper"] ?? "")).toBeGreaterThanOrEqual(3);
    expect(contrast(page["flattr"] ?? "", page["raised"] ?? "")).toBeGreaterThanOrEqual(3);
  });

  it.each(inPage)("read in pages too: %j", (shown) => {
    for (const [text, ground] of [
      ["ink", "paper"],
      ["flattr", "paper"],
      ["on-flattr", "flattr"],
    ] as const) {
      const ratio = contrast(shown[text] ?? "", shown[ground] ?? "");
      expect(ratio, `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
    expect(shown["flattr"]).toBe(page["flattr"]);
  });

  it("show the edge of a button in a page that has no means", () => {
    const face = tokens(FACE, scheme);
    expect(contrast(face["edge"] ?? "", face["paper"] ?? "")).toBeGreaterThanOrEqual(3);
  });
});
