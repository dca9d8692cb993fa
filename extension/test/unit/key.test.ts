// The key of a thing, by the vectors that the ledger reads too.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { KeyError, keyOf } from "../../src/thing/key";

interface Vector {
  url: string;
  key?: string;
  error?: string;
  why: string;
}

const file = new URL("../../../ledger/thing/testdata/keys.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as Vector[];

function keyOrProblem(url: string): string {
  try {
    return keyOf(url);
  } catch (error) {
    if (error instanceof KeyError) return `error ${error.problem}`;
    throw error;
  }
}

describe("keyOf", () => {
  it("has vectors", () => expect(vectors.length).toBeGreaterThan(50));

  it.each(vectors)("$why", ({ url, key, error }) => {
    expect(keyOrProblem(url)).toBe(key ?? `error ${error}`);
  });
});
