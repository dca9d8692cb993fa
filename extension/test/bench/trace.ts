// What a page's main thread did, from the browser's own trace.
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
  args?: { data?: { url?: string; fileName?: string; type?: string } };
}

/** Work is what a main thread did while it was traced; times in milliseconds. */
export interface Work {
  busy: number; // all tasks together
  longest: number;
  long: number; // tasks longer than LONG_TASK_MS
  blocking: number; // of the long ones, what is over LONG_TASK_MS
  ours: number; // in the content script, microtasks included
  ourLongest: number; // the longest piece of it without a pause
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
  return read(JSON.parse(Buffer.from(data).toString()).traceEvents as Event[], mark);
}

function read(events: readonly Event[], mark: string): Work {
  const marked = events.find(({ name }) => name === mark);
  if (marked === undefined) throw new Error(`the trace has no mark "${mark}"`);
  const thread = events.filter(({ pid, tid, dur }) => pid === marked.pid && tid === marked.tid && dur);
  const tasks = thread.filter(({ name }) => name.endsWith("RunTask")).map(({ dur = 0 }) => dur / 1000);
  const ours = union(thread.filter(isOurs));
  const total = (times: readonly number[]) => times.reduce((sum, time) => sum + time, 0);
  const long = tasks.filter((time) => time > LONG_TASK_MS);
  return {
    busy: total(tasks),
    longest: Math.max(0, ...tasks),
    long: long.length,
    blocking: total(long.map((time) => time - LONG_TASK_MS)),
    ours: total(ours),
    ourLongest: Math.max(0, ...ours),
  };
}

// The measured pages make no promises of their own: microtasks are the content script's.
function isOurs({ name, args }: Event): boolean {
  if (name === "RunMicrotasks") return true;
  if (name !== "FunctionCall" && name !== "EvaluateScript" && name !== "v8.compile") return false;
  return (args?.data?.url ?? args?.data?.fileName ?? "").startsWith("chrome-extension://");
}

/** union gives the lengths in milliseconds of the stretches that events cover together. */
function union(events: readonly Event[]): readonly number[] {
  const lengths: number[] = [];
  let from = 0;
  let to = -1;
  for (const { ts, dur = 0 } of [...events].sort((a, b) => a.ts - b.ts)) {
    if (ts > to) {
      if (to >= from) lengths.push((to - from) / 1000);
      from = ts;
      to = ts + dur;
    } else to = Math.max(to, ts + dur);
  }
  if (to >= from) lengths.push((to - from) / 1000);
  return lengths;
}
