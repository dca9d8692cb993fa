// Whose addresses are Flattr's: the historical hosts and the reader's own ledger, which serves the same paths.

const LINK_HOSTS: readonly string[] = ["flattr.com", "www.flattr.com"];

/** isLinkHost tells whether links on this address are Flattr's. The ledger is host and port of the reader's own. */
export function isLinkHost(url: URL, ledgerHost: string | undefined): boolean {
  if (url.protocol !== "https:" && url.protocol !== "http:") return false;
  if (url.username !== "" || url.password !== "") return false;
  return LINK_HOSTS.includes(url.host) || (ledgerHost !== undefined && url.host === ledgerHost);
}

/** isFlattrPage tells whether a page is Flattr's own, where no click is captured. */
export function isFlattrPage(url: URL, ledgerHost: string | undefined): boolean {
  const host = url.hostname;
  return (
    host === "flattr.com" ||
    host.endsWith(".flattr.com") ||
    (ledgerHost !== undefined && url.host === ledgerHost)
  );
}
