// What the head of a page says of its payments: links of today and of old, and the account it belongs to.
import { pointerOfLink } from "./link";
import { cleanText, type Form, makePointer, type Pointer, readWebURL } from "./pointer";

const ATOM = "http://www.w3.org/2005/Atom";
const FID = /^[0-9A-Za-z]{6}$/;
const PAYMENT = "payment";

/** The long name of the relation, as Atom allows it. */
const PAYMENT_IRI = "http://www.iana.org/assignments/relation/payment";

/** Elements of a head that are looked at, and elements at the beginning of a body, where a broken head's contents land. */
const MAX_HEAD_ELEMENTS = 1000;
const MAX_BODY_ELEMENTS = 50;

/** Links of a feed that are looked at. */
const MAX_FEED_LINKS = 5000;

/** HeadFound is a pointer and the element of a head or a feed that carries it. */
export interface HeadFound {
  readonly pointer: Pointer;
  readonly element: Element;
}

/** readHead finds payment links, monetization links and the account of a page. */
export function readHead(root: Document, ledgerHost: string | undefined): readonly HeadFound[] {
  const found: HeadFound[] = [];
  const once = new Set<Form>();
  for (const element of headElements(root)) {
    const pointer = pointerOfElement(element, root, ledgerHost);
    if (pointer === undefined || once.has(pointer.form)) continue;
    // Of accounts and wallets the first counts; payment links may name several things.
    if (pointer.form !== "head-rel-payment") once.add(pointer.form);
    found.push({ pointer, element });
  }
  return found.sort((a, b) => rank(a) - rank(b));
}

// What another system says of the page comes last.
function rank({ pointer }: HeadFound): number {
  return pointer.form === "link-monetization" ? 1 : 0;
}

function pointerOfElement(
  element: Element,
  root: Document,
  ledgerHost: string | undefined,
): Pointer | undefined {
  if (element.localName === "meta") return pointerOfMeta(element);
  if (element.localName !== "link") return undefined;
  const payment = hasToken(element, PAYMENT) ? paymentOf(element, "head-rel-payment", ledgerHost) : undefined;
  return payment ?? pointerOfMonetization(element, root);
}

/** readFeed finds the payment links of a feed: those of the Atom namespace, under whatever prefix. */
export function readFeed(root: Document, ledgerHost: string | undefined): readonly HeadFound[] {
  const found: HeadFound[] = [];
  const links = root.getElementsByTagNameNS(ATOM, "link");
  const count = Math.min(links.length, MAX_FEED_LINKS);
  for (let index = 0; index < count; index++) {
    const element = links[index];
    if (element === undefined || !hasToken(element, PAYMENT, PAYMENT_IRI)) continue;
    const pointer = paymentOf(element, "feed-rel-payment", ledgerHost);
    if (pointer !== undefined) found.push({ pointer, element });
  }
  return found;
}

function* headElements(root: Document): Iterable<Element> {
  let element = root.head?.firstElementChild ?? null;
  for (let count = 0; element !== null && count < MAX_HEAD_ELEMENTS; count++) {
    yield element;
    element = element.nextElementSibling;
  }
  element = root.body?.firstElementChild ?? null;
  for (let count = 0; element !== null && count < MAX_BODY_ELEMENTS; count++) {
    yield element;
    element = element.nextElementSibling;
  }
}

function hasToken(element: Element, ...tokens: readonly string[]): boolean {
  const rel = element.getAttribute("rel");
  if (rel === null || rel.length > 1000) return false;
  return rel
    .toLowerCase()
    .split(/\s+/)
    .some((token) => tokens.includes(token));
}

// The relation is shared with other systems: it counts only when it leads to an auto-submit address of ours.
function paymentOf(element: Element, form: Form, ledgerHost: string | undefined): Pointer | undefined {
  const pointer = pointerOfLink(element.getAttribute("href"), element.baseURI, ledgerHost);
  if (pointer?.form !== "link-submit-auto") return undefined;
  const { form: _, ...said } = pointer;
  return makePointer(form, said);
}

function pointerOfMeta(element: Element): Pointer | undefined {
  if (element.getAttribute("name")?.trim().toLowerCase() !== "flattr:id") return undefined;
  const fid = cleanText(element.getAttribute("content"));
  return fid !== undefined && FID.test(fid) ? makePointer("meta-flattr-id", { fid }) : undefined;
}

// Another system's sign that a page takes money: the page is a thing, and its wallet is nobody we know.
function pointerOfMonetization(element: Element, root: Document): Pointer | undefined {
  if (!hasToken(element, "monetization")) return undefined;
  const wallet = readWebURL(element.getAttribute("href"), element.baseURI);
  const url = readWebURL(root.URL.replace(/#.*$/s, ""), root.baseURI);
  return wallet === undefined || url === undefined
    ? undefined
    : makePointer("link-monetization", { url, wallet });
}
