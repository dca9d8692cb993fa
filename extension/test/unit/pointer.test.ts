// Links, queries and values as pages write them, and what a thing is made of.
import { describe, expect, it } from "vitest";
import { pointerOfFrame } from "../../src/detect/frame";
import { pointerOfLink } from "../../src/detect/link";
import {
  cleanDescription,
  cleanText,
  type Pointer,
  readFields,
  readOwner,
  readWebURL,
} from "../../src/detect/pointer";
import { decode, readQuery } from "../../src/detect/query";
import { pointerOf, scan } from "../../src/detect/scan";
import { mergeFound, mergePointers } from "../../src/thing/merge";
import { thingOf } from "../../src/thing/thing";
import { parsePage } from "./page";

const BASE = "https://a.example/post";
const LEDGER = "ledger.example:8080";

/** A test of bounds: a machine that does other things as well takes a multiple, a quadratic way takes minutes. */
const BOUND_MS = 3000;

const link = (href: string): Pointer | undefined => pointerOfLink(href, BASE, LEDGER);

describe("links", () => {
  it.each([
    "https://flattr.com.evil.example/thing/1",
    "https://evil.example/flattr.com/thing/1",
    "https://flattr.com@evil.example/thing/1",
    "https://user@flattr.com/thing/1",
    "https://flattr.com:8443/thing/1",
    "https://flattr.com./thing/1",
    "https://notflattr.com/thing/1",
    "https://flattr.community/@ada",
    "https://blog.flattr.com/@ada",
    "https://flattr.io/@ada",
    "https://fIattr.com/@ada",
    "https://ledger.example/@ada",
    "https://ledger.example:80801/@ada",
    "javascript://flattr.com/thing/1",
    "ftp://flattr.com/thing/1",
    "https://flattr.com/thing/image/1",
    "https://flattr.com/thing/12345678901234567890",
    "https://flattr.com/profile/a%20b",
    "https://flattr.com/domain/localhost",
    "https://flattr.com/domain/a.example%2Fb",
    "https://flattr.com/domain/u@a.example",
    "https://flattr.com/@",
    "http://[",
  ])("%s points to nothing", (href) => expect(link(href)).toBeUndefined());

  it("reads the ledger's addresses like those of flattr.com", () => {
    expect(link("http://LEDGER.example:8080/thing/7/x")).toEqual({ form: "link-thing", thingID: "7" });
    expect(link("https://ledger.example:8080/@Ada")).toEqual({
      form: "link-at",
      owner: "Ada",
      site: "https://ledger.example:8080",
    });
    const frame = (src: string) => pointerOfFrame(src, BASE, LEDGER)?.url;
    expect(frame("//ledger.example:8080/button/view/?url=https://b.example/")).toBe("https://b.example/");
    expect(frame("//ledger.example:8080/button/popout/?url=https://b.example/")).toBeUndefined();
    expect(pointerOfFrame("//ledger.example:8080/view/?url=/", BASE, undefined)).toBeUndefined();
  });
});

describe("queries", () => {
  it("are read as they are written in the wild", () => {
    const query = readQuery("?&&url=http%3A%2F%2Fb.example%2F100%&amp;title=+a+b+&empty=&x&amp;amp;tags=q=r");
    expect(Object.fromEntries(query)).toEqual({ url: "http://b.example/100%", title: "a b", tags: "q=r" });
  });

  it.each([
    ["%C3%BC", "ü"],
    ["%FC%2F", "%FC/"],
    ["%E2%82%AC%E2%82%", "€%E2%82%"],
    ["%F0%9F%98%80%zz", "😀%zz"],
    ["%ED%A0%80%", "%ED%A0%80%"],
    ["a+b%2Bc%", "a b+c%"],
    ["%EF%BB%BFx%", "\ufeffx%"],
  ])("%s decodes to %s", (text, plain) => expect(decode(text)).toBe(plain));
});

describe("values", () => {
  it("lose tags, but not line breaks by tag, nor signs that are none", () => {
    const text = 'a <b class=">">bold</b> <br/>2 < 3 <!-- c --> <i';
    expect(cleanDescription(text)).toBe('a ">bold <br/>2 < 3 <i');
  });

  it("are cut between characters", () => {
    expect([...(cleanDescription("😀".repeat(3000)) ?? "")]).toHaveLength(1000);
  });

  it("credit nobody where a sample was not filled in", () => {
    for (const name of [
      "flattr",
      "[UID]",
      "YOUR_USERNAME",
      "your-user-name",
      "{{ user }}",
      "<?php echo",
      "%UID%",
    ])
      expect(readOwner(name)).toBeUndefined();
    for (const name of ["flattrfan", "yours.truly", "email:0123", "youri"])
      expect(readOwner(name)).toBe(name);
    for (const url of ["[URL]", "{{ page.url }}", "%URL%", "http://[URL]", "http://wp.local"])
      expect(readWebURL(url, BASE)).toBeUndefined();
    expect(readWebURL("http://[::1]/", BASE)).toBe("http://[::1]/");
  });

  it.each([
    ["tags that never close", "<a".repeat(500_000)],
    ["signs", "< ".repeat(500_000)],
    ["blanks", " ".repeat(1_000_000)],
    ["commas", ",".repeat(1_000_000)],
    ["line breaks", "\n x".repeat(300_000)],
    ["escapes", "%41%".repeat(250_000)],
    ["brackets", "[".repeat(1_000_000)],
  ])("a megabyte of %s is read within a bound", (_, text) => {
    const startMs = performance.now();
    cleanText(text);
    cleanDescription(text);
    readFields(new Map(["title", "description", "tags", "hidden", "button"].map((key) => [key, text])));
    readOwner(text);
    readWebURL(text, BASE);
    readQuery(text);
    link(`https://flattr.com/submit/auto?url=${text}`);
    link(`https://flattr.com/thing/1/${text}`);
    expect(performance.now() - startMs).toBeLessThan(BOUND_MS);
  });
});

describe("things", () => {
  it("an author is one thing whatever the case of the name, and another on the ledger", () => {
    const things = ["https://flattr.com/@Ada", "https://www.flattr.com/profile/ada"].map((href) =>
      link(href),
    );
    expect(mergePointers(things.filter((one) => one !== undefined))).toEqual([
      { thing: { url: "https://flattr.com/profile/ada", owner: "Ada", title: "Ada" }, form: "link-at" },
    ]);
    expect(thingOf(link("http://ledger.example:8080/@ada") as Pointer)?.url).toBe(
      "http://ledger.example:8080/profile/ada",
    );
  });

  it("a site is the thing at its front page; a donation and an account are none", () => {
    expect(thingOf({ form: "link-domain", domain: "B.example" })).toEqual({
      url: "https://b.example/",
      title: "B.example",
    });
    expect(thingOf({ form: "link-donation", owner: "ada" })).toBeUndefined();
    expect(thingOf({ form: "meta-flattr-id", fid: "abc123" })).toBeUndefined();
  });

  it("the page's account goes to the page's own thing, where that names nobody", () => {
    const meta: Pointer = { form: "meta-flattr-id", fid: "abc123" };
    const merged = (pointer: Pointer) =>
      mergePointers([pointer, meta], "https://a.example/post#part")[0]?.thing;
    expect(merged({ form: "js-a-bare", url: "http://www.a.example/post" })?.fid).toBe("abc123");
    expect(merged({ form: "js-a-rev", url: "http://a.example/post", owner: "ada" })?.fid).toBeUndefined();
    expect(merged({ form: "js-a-bare", url: "https://a.example/other" })?.fid).toBeUndefined();
  });

  it("two things become one when a third is both, whatever comes between", () => {
    const [url, id] = ["https://b.example/1", "42"];
    const found = [{ id }, { url }, { id: "7" }, { url, id }, { id: "0042" }, { url: "http://b.example/1" }];
    const things = mergeFound(found.map((thing) => ({ thing, form: "js-a-rev" })));
    expect(things.map(({ thing }) => thing)).toEqual([{ id, url }, { id: "7" }]);
  });
});

describe("scan", () => {
  it("shows another system's sign as the page, with its wallet", () => {
    const page = parsePage(`<link rel="monetization" href="https://wallet.example/ada">`, `${BASE}#part`);
    expect(scan(page, undefined).map(({ pointer }) => pointer)).toEqual([
      { form: "link-monetization", url: BASE, wallet: "https://wallet.example/ada" },
    ]);
  });

  it("reads an element as a click does", () => {
    const page = parsePage(
      `<script src="//api.flattr.com/js/0.6/load.js?uid=ada"></script><a class="FlattrButton" href="/x"></a>
      <svg><a class="FlattrButton" href="https://flattr.com/t/1"></a></svg>
      <iframe src="https://button.flattr.com/view/?url=https://b.example/"></iframe>`,
      BASE,
    );
    const read = (selector: string) => {
      const element = page.querySelector(selector);
      return element === null ? undefined : pointerOf(element, undefined);
    };
    expect(read("body > a")).toMatchObject({ form: "js-a-bare", url: "https://a.example/x", owner: "ada" });
    expect(read("svg a")).toBeUndefined();
    expect(read("iframe")).toMatchObject({ form: "iframe-view", url: "https://b.example/" });
  });

  it("is not led in circles by the names of a form's fields", () => {
    const page = parsePage(
      `<a class="FlattrButton" href="/x"><form><input name="parentNode"></form>A <b>bold</b><br>word</a>`,
      BASE,
    );
    // jsdom does not lend a form's properties to its fields, as browsers do.
    const [form, value] = ["form", "input"].map((selector) => page.querySelector(selector));
    for (const name of ["parentNode", "nextSibling"]) Object.defineProperty(form, name, { value });
    expect(scan(page, undefined)[0]?.pointer.description).toBe("A bold<br>word");
  });

  it("leaves out a twin of the button it follows where scripts are off", () => {
    const page = parsePage(
      `<a class="FlattrButton" href="/x"></a><noscript><a href="https://flattr.com/thing/1">twin</a></noscript>
      <p></p><noscript><a href="https://flattr.com/thing/2">alone</a></noscript>`,
      BASE,
    );
    const ids = scan(page, undefined).map(({ pointer }) => pointer.thingID);
    expect(ids).toEqual([undefined, "2"]);
  });
});
