// Waiting for a layout: what a page out of sight asks for again and again must not gather.
import { JSDOM } from "jsdom";
import { afterEach, expect, it, vi } from "vitest";
import { afterLayout } from "../../src/content/layout";

const waiting = new Set<Observer>();

class Observer {
  constructor(readonly laidOut: () => void) {}
  observe(): void {
    waiting.add(this);
  }
  disconnect(): void {
    waiting.delete(this);
  }
}

afterEach(() => vi.useRealTimers());

it("waits once, and calls back in a task of its own", () => {
  vi.useFakeTimers();
  Object.assign(globalThis, { ResizeObserver: Observer, document: new JSDOM().window.document });
  const then = vi.fn();
  const ask = afterLayout(new AbortController().signal, then);
  for (let count = 0; count < 100; count++) ask();
  expect(waiting.size).toBe(1);
  for (const observer of [...waiting]) observer.laidOut();
  expect([waiting.size, then.mock.calls.length]).toEqual([0, 0]);
  vi.runAllTimers();
  expect(then).toHaveBeenCalledTimes(1);
});

it("calls nobody whose life has ended", () => {
  vi.useFakeTimers();
  const life = new AbortController();
  const then = vi.fn();
  afterLayout(life.signal, then)();
  for (const observer of [...waiting]) observer.laidOut();
  life.abort();
  vi.runAllTimers();
  expect(then).not.toHaveBeenCalled();
});
