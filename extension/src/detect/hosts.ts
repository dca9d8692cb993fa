// Whose addresses are Flattr's: the historical hosts and the reader's own ledger, which serves the same paths.

const LINK_HOSTS: readonly string[] = ["flattr.com", "www.flattr.com"];
const FRAMES: Readonly<Record<string, RegExp>> = {
  "api.flattr.com": /^\/button\/view\/?$/,
  "button.flattr.com": /^\/view\/?$/,
};
const LEDGER_FRAMES = /^\/(?:button\/)?view\/?$/;
const LOADER_HOST = "api.flattr.com";

/** isLinkHost tells whether links on this address are Flattr's. The ledger is host and port of the reader's own. */
export function isLinkHost(url: URL, ledgerHost: string | undefined): boolean {
  return isPlainWeb(url) && (LINK_HOSTS.includes(url.host) || isLedger(url, ledgerHost));
}

/** isFrameAddress tells whether a frame of this address shows a button. */
export function isFrameAddress(url: URL, ledgerHost: string | undefined): boolean {
  if (!isPlainWeb(url)) return false;
  const path = Object.hasOwn(FRAMES, url.host) ? FRAMES[url.host] : undefined;
  return path?.test(url.pathname) === true || (isLedger(url, ledgerHost) && LEDGER_FRAMES.test(url.pathname));
}

/** isLoaderHost tells whether a script from this address can be a loader of buttons. */
export function isLoaderHost(url: URL, ledgerHost: string | undefined): boolean {
  return isPlainWeb(url) && (url.host === LOADER_HOST || isLedger(url, ledgerHost));
}

/** isFlattrPage tells whether a page is Flattr's own, where no click is captured. */
export function isFlattrPage(url: URL, ledgerHost: string | undefined): boolean {
  const host = url.hostname;
  return host === "flattr.com" || host.endsWith(".flattr.com") || isLedger(url, ledgerHost);
}

function isLedger(url: URL, ledgerHost: string | undefined): boolean {
  return ledgerHost !== undefined && url.host === ledgerHost;
}

function isPlainWeb(url: URL): boolean {
  if (url.protocol !== "https:" && url.protocol !== "http:") return false;
  return url.username === "" && url.password === "";
}
