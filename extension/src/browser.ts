// What differs between Chromium and Firefox, and nothing else.

const scope: { readonly browser?: typeof chrome } = globalThis as never;

/** browser is the extension interface with promises: `browser` where there is one, else `chrome`. */
export const browser: typeof chrome = scope.browser ?? chrome;

/** orphaned tells whether the extension was updated or removed under a content script that still runs. */
export function orphaned(): boolean {
  return browser.runtime?.id === undefined;
}
