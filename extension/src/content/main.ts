// The content script: finds what can be flattred, takes the reader's clicks, and shows what became of them.
// It never opens a connection: only the background does.
import { browser } from "../browser";
import * as click from "./click";
import { Overlay } from "./overlay";
import * as watch from "./watch";

const LEDGER = "ledger";

// A script that runs already, of this extension or of one before an update, makes room for this one.
const scope: { flattrStop?: () => void } = globalThis as never;
scope.flattrStop?.();
const life = new AbortController();
scope.flattrStop = () => life.abort();

function start(signal: AbortSignal): void {
  let where: click.Where = { known: false, ledgerHost: undefined };
  const overlay = new Overlay(signal);
  const listen = click.start(signal, () => where, overlay);
  void browser.storage.local.get(LEDGER).then((stored) => {
    const host: unknown = stored[LEDGER];
    where = { known: true, ledgerHost: typeof host === "string" ? host : undefined };
    watch.start(
      signal,
      () => where.ledgerHost,
      () => life.abort(),
      listen,
    );
  });
}

if (document.documentElement instanceof HTMLElement) start(life.signal);
