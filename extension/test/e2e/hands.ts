// What a reader's hands and eyes do in a browser, for the tests that run in both.

/** Sheet is a page in a tab of its own. */
export interface Sheet {
  goto(url: string): Promise<void>;
  /** back and forward go through the tab's history, as the browser's buttons do. */
  back(): Promise<void>;
  forward(): Promise<void>;
  /** run runs a function in the page; it sees nothing but its arguments, which pass as JSON. */
  run<T, A extends unknown[]>(work: (...args: A) => T | Promise<T>, ...args: A): Promise<T>;
  /** click is a real click of the mouse in the middle of the first match that is shown. */
  click(selector: string): Promise<void>;
  /** clickAt is a real click of the mouse at a point of the window. */
  clickAt(x: number, y: number): Promise<void>;
  /** type fills a field with what a reader types. */
  type(selector: string, text: string): Promise<void>;
  /** visible waits for a match that is shown. */
  visible(selector: string): Promise<void>;
  /** closed looks into the page's closed shadow roots, which the page itself cannot. */
  closed(selector: string): Promise<readonly Seen[]>;
  /** front brings the tab to the front. */
  front(): Promise<void>;
  close(): Promise<void>;
}

/** Seen is an element in a closed shadow root: where it is shown, in CSS pixels of the window, and what it says. */
export interface Seen {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly text: string;
  readonly data: Readonly<Record<string, string>>;
}

/** Hands is a browser with the extension as it is shipped. */
export interface Hands {
  readonly name: "Chromium" | "Firefox";
  open(url: string): Promise<Sheet>;
  /** find waits for a tab, opened by whomever, whose address begins so. */
  find(start: string): Promise<Sheet>;
  /** own is the address of one of the extension's files. */
  own(file: string): string;
  /** inside runs a function in a document of the extension that does nothing by itself. */
  inside<T, A extends unknown[]>(work: (...args: A) => T | Promise<T>, ...args: A): Promise<T>;
  /** inBackground runs a function in the background itself, which it wakes. */
  inBackground<T, A extends unknown[]>(work: (...args: A) => T | Promise<T>, ...args: A): Promise<T>;
  /** stopBackground ends the background as the browser does when it was idle, but at once. */
  stopBackground(): Promise<void>;
  /** popup opens the toolbar's popup about the tab that shows url, in a tab of its own. */
  popup(url: string): Promise<Sheet>;
  /** update puts the build in a folder in the place of the one that runs, as the browser's update does. */
  update(folder: string): Promise<void>;
  /** pids are the browser's processes. */
  pids(): Promise<readonly number[]>;
  close(): Promise<void>;
}
