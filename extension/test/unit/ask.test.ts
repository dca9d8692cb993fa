// Asking the background from a page: a background that is stopped over the question is asked once more.
import { afterEach, expect, it } from "vitest";
import { ask } from "../../src/content/ask";

const runtime = chrome.runtime as unknown as {
  id?: string;
  sendMessage: (question: unknown) => Promise<unknown>;
};
let asked = 0;

// Answers in turn; an answer that is none loses the connection.
function answers(...replies: readonly unknown[]): void {
  asked = 0;
  runtime.sendMessage = async () => {
    const reply = replies[asked++];
    if (reply === undefined) throw new Error("message channel closed");
    return reply;
  };
}

afterEach(() => {
  runtime.id = "test";
});

it("asks again when the background was stopped before it answered", async () => {
  answers(undefined, { ok: true, value: 1 });
  expect(await ask({ kind: "undo", click: "c1" })).toEqual({ ok: true, value: 1 });
});

it("says so when nobody answers, and asks no one when the extension is gone", async () => {
  answers();
  expect(await ask({ kind: "undo", click: "c1" })).toEqual({ ok: false, code: "gone" });
  expect(asked).toBe(2);
  answers({ ok: true });
  delete runtime.id;
  expect(await ask({ kind: "undo", click: "c1" })).toEqual({ ok: false, code: "gone" });
  expect(asked).toBe(0);
});
