// What a page's main thread did, from the browser's own trace.
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "puppeteer-core";

/** A task longer than this blocks the page for the rest of its length. */
export const LONG_TASK_MS = 50;

const CATEGORIES = ["toplevel", "devtools.timeline", "v8", "v8.execute", "blink.user_timing"];

interface Event {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  ts: number; // in microseconds
  dur?: number;
  tdur?: number; // of it, on a processor: what a busy neighbour does not lengthen
  args?: { data?: { url?: string; fileName?: string; type?: string } };
}

/** Work is what a main thread did while it was traced; times are milliseconds on a processor. */
export interface Work {
  busy: number; // all tasks together
  longest: number;
  long: number; // tasks longer than LONG_TASK_MS
  blocking: number; // of the long ones, what is over LONG_TASK_MS
  ours: number; // in the content script, microtasks included
  ourLayout: number; // style and layout that it asked for; what the page had pending anyway is in it
  ourLongest: number; // the longest piece of both without a pause
}

/** traced records what a page does during some work; the page is told apart by a mark that it must make itself. */
export async function traced(page: Page, mark: string, work: () => Promise<void>): Promise<Work> {
  await page.tracing.start({ categories: ["-*", ...CATEGORIES] });
  try {
    await work();
  } catch (error) {
    await page.tracing.stop();
    throw error;
  }
  const data = await page.tracing.stop();
  if (data === undefined) throw new Error("the browser gave no trace");
  const folder = process.env["FLATTR_BENCH_PROFILE"];
  if (folder) writeFileSync(path.join(folder, `${mark.replaceAll(" ", "-")}-${++kept}.json`), data);
  return read(JSON.parse(Buffer.from(data).toString()).traceEvents as Event[], mark);
}

let kept = 0; // traces left in the folder for profiles

function read(events: readonly Event[], mark: string): Work {
  const marked = events.find(({ name }) => name === mark);
  if (marked === undefined) throw new Error(`the trace has no mark "${mark}"`);
  const thread = events.filter(({ pid, tid, dur }) => pid === marked.pid && tid === marked.tid && dur);
  const tasks = thread.filter(({ name }) => name.endsWith("RunTask")).map(timeOf);
  const pieces = outermost(thread.filter(isOurs));
  const layout = total(
    outermost(thread.filter((event) => isLayout(event) && isWithin(event, pieces))).map(timeOf),
  );
  const long = tasks.filter((time) => time > LONG_TASK_MS);
  return {
    busy: total(tasks),
    longest: Math.max(0, ...tasks),
    long: long.length,
    blocking: total(long.map((time) => time - LONG_TASK_MS)),
    ours: total(pieces.map(timeOf)) - layout,
    ourLayout: layout,
    ourLongest: Math.max(0, ...pieces.map(timeOf)),
  };
}

function total(times: readonly number[]): number {
  return times.reduce((sum, time) => sum + time, 0);
}

function isLayout({ name }: Event): boolean {
  return name === "UpdateLayoutTree" || name === "Layout";
}

function isWithin({ ts }: Event, pieces: readonly Event[]): boolean {
  return pieces.some((piece) => ts >= piece.ts && ts < piece.ts + (piece.dur ?? 0));
}

// The measured pages make no promises of their own: microtasks are the content script's.
function isOurs({ name, args }: Event): boolean {
  if (name === "RunMicrotasks") return true;
  if (name !== "FunctionCall" && name !== "EvaluateScript" && name !== "v8.compile") return false;
  return (args?.data?.url ?? args?.data?.fileName ?? "").startsWith("chrome-extension://");
}

/** outermost leaves out the events that lie within others. */
function outermost(events: readonly Event[]): readonly Event[] {
  const found: Event[] = [];
  let end = -1;
  for (const event of [...events].sort((a, b) => a.ts - b.ts)) {
    if (event.ts < end) continue;
    found.push(event);
    end = event.ts + (event.dur ?? 0);
  }
  return found;
}

function timeOf({ dur = 0, tdur = dur }: Event): number {
  return tdur / 1000;
}
