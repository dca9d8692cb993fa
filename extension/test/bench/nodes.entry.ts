// Runs inside the measured page, in an isolated world as a content script has: the shipped scan against its floor.
import { scan } from "../../src/detect/scan";

/** Times are milliseconds, one of each kind a round. */
export interface Times {
  found: number;
  nodes: number;
  first: number; // the very first scan, before anything is in a cache
  floor: number[];
  clean: number[];
  changed: number[]; // after one mutation
}

const LEDGER = "ledger.example.org";

function measure(rounds: number): Times {
  const first = timed(() => scan(document, LEDGER));
  const floorOnce = () => document.querySelectorAll("*").length;
  const nodes = floorOnce();
  const found = scan(document, LEDGER).length;
  const times: Times = { found, nodes, first, floor: [], clean: [], changed: [] };
  for (let round = 0; round < rounds; round++) {
    times.floor.push(timed(floorOnce));
    times.clean.push(timed(() => scan(document, LEDGER)));
    const change = document.createElement("span");
    document.querySelector("main")?.lastElementChild?.append(change);
    times.changed.push(timed(() => scan(document, LEDGER)));
    change.remove();
    scan(document, LEDGER); // so that the next round begins clean
  }
  return times;
}

function timed(work: () => unknown): number {
  const begun = performance.now();
  work();
  return performance.now() - begun;
}

Object.assign(globalThis, { measure });
