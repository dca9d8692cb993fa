// Stand-ins for old buttons: what they show, what the page can learn, and that the page comes back as it was.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { flattrs, navigate } from "../../src/content/click";
import { Known } from "../../src/content/known";
import { Replacements } from "../../src/content/replace";
import { scan } from "../../src/detect/scan";
import type { ThingState } from "../../src/messages";
import { speak } from "./chrome";
import { roots, showPage } from "./layout";

const PAGE = `<p><a class="FlattrButton" style="color: red;display:inline-block" href="/1" title="One">One</a> and
<a class="FlattrButton" style="display:none;" href="/2">Two</a> <a href="/3" class="FlattrButton">Three</a>
<a href="https://flattr.com/submit/auto?url=https://a.example/&user_id=ann"><img></a></p>`;

let life: AbortController;
let known: Known;
let replacements: Replacements;
let page: Document;
let changes: boolean[];

function settle(): void {
  replacements.settle(scan(page, undefined));
}

function faces(): HTMLButtonElement[] {
  const hosts = [...page.querySelectorAll("flattr-button")];
  return hosts.map((host) => roots.get(host)?.querySelector("button") as HTMLButtonElement);
}

// The word is drawn by the style: a page can search all text, that in closed roots included.
function wordOn(face: HTMLElement | undefined): string | undefined {
  expect(face?.textContent).toBe("");
  return face?.querySelector("span")?.dataset["word"];
}

function stateOf(path: string, fields: Partial<ThingState>): ThingState {
  return { names: [`url site.example/${path}`], standing: "flattred", click: "c1", ...fields };
}

beforeEach(() => {
  page = showPage(PAGE, () => ({ x: 0, y: 0, width: 80, height: 20 }));
  life = new AbortController();
  changes = [];
  known = new Known(life.signal, () => replacements.repaint());
  replacements = new Replacements(life.signal, known, (done) => changes.push(done));
});

afterEach(() => {
  life.abort();
  speak("en");
});

describe("Replacements", () => {
  it("stands in for buttons, not for links with a picture of their own", () => {
    settle();
    expect(faces().map((face) => face.dataset["state"])).toEqual(["free", "free", "free"]);
    expect(faces()[0]?.ariaLabel).toBe("Flattr: One");
    expect(changes).toEqual([true]);
    for (const host of page.querySelectorAll("flattr-button")) {
      expect(host.nextElementSibling?.className).toBe("FlattrButton");
      expect([host.shadowRoot, host.attributes.length, host.childNodes.length]).toEqual([null, 0, 0]);
    }
  });

  it("gives the page back exactly as it was", () => {
    const before = page.body.innerHTML;
    settle();
    expect(page.body.innerHTML).not.toBe(before);
    replacements.restore();
    expect(page.body.innerHTML).toBe(before);
    settle();
    life.abort();
    expect(page.body.innerHTML).toBe(before);
  });

  it("keeps what the page changed meanwhile, and takes back only what is its own", () => {
    settle();
    const three = page.querySelector<HTMLElement>('[href="/3"]');
    three?.style.setProperty("color", "blue");
    replacements.restore();
    expect(three?.getAttribute("style")).toBe("color: blue;");
  });

  it("follows a button that moves, and goes with one that goes", () => {
    settle();
    const three = page.querySelector('[href="/3"]');
    page.body.prepend(three ?? "");
    page.querySelector('[href="/1"]')?.remove();
    settle();
    expect(page.body.firstElementChild?.localName).toBe("flattr-button");
    expect(page.body.children[1]).toBe(three);
    expect(faces()).toHaveLength(2);
  });

  it("sweeps out what a page copied, or a script before an update left", () => {
    settle();
    page.body.innerHTML = `${page.body.innerHTML}`;
    settle();
    expect(page.querySelectorAll("flattr-button")).toHaveLength(3);
    expect(faces().every((face) => face !== undefined)).toBe(true);
    const next = new Replacements(new AbortController().signal, known, () => {});
    next.settle(scan(page, undefined));
    expect(page.querySelectorAll("flattr-button")).toHaveLength(3);
  });

  it("stands in where it would be told of clicks: in open shadow roots, not in closed ones", () => {
    const add = (mode: ShadowRootMode, within: Node): ShadowRoot => {
      const root = within.appendChild(page.createElement("div")).attachShadow({ mode });
      root.innerHTML = `<a class="FlattrButton" href="/${mode}"></a>`;
      return root;
    };
    const [open, closed] = [add("open", page.body), add("closed", page.body)];
    const inside = add("open", closed);
    // What an extension before an update left there goes as well.
    open.prepend(page.createElement("flattr-button"));
    replacements.settle(scan(page, undefined, [open, closed, inside]));
    expect([open, closed, inside].map((root) => root.querySelectorAll("flattr-button").length)).toEqual([
      1, 0, 0,
    ]);
  });

  it("opens the page of the original, and runs no script of it", () => {
    const opened: unknown[] = [];
    window.open = (address) => {
      opened.push(address);
      return null;
    };
    const [original] = [...page.querySelectorAll("a")];
    for (const button of [0, 1, 2]) if (original) navigate({ original }, { button });
    original?.setAttribute("href", "javascript:void(0)");
    if (original) navigate({ original }, { button: 1 });
    expect(opened).toEqual(["https://site.example/1", "https://site.example/1"]);
  });

  it("leaves alone what the reader is writing", () => {
    Object.defineProperty(page.querySelector('[href="/1"]'), "isContentEditable", { value: true });
    settle();
    expect(faces()).toHaveLength(2);
    const takes = scan(page, undefined).map(({ pointer, element }) => flattrs(pointer, element));
    expect(takes).toEqual([false, true, true, true]);
  });

  it("makes a thousand in helpings, and says when the last is done", async () => {
    page.body.innerHTML = Array.from(
      { length: 120 },
      (_, at) => `<a class="FlattrButton" href="/m/${at}"></a>`,
    ).join("");
    settle();
    expect(faces()).toHaveLength(50);
    await expect.poll(() => changes).toEqual([false, false, true]);
    expect(faces()).toHaveLength(120);
  });
});

describe("a stand-in", () => {
  it.each([
    [{ standing: "kept" }, "kept", "Waiting", "true"],
    [{ standing: "waiting" }, "waiting", "Waiting", "true"],
    [{}, "flattred", "Flattred", "true"],
    [{ standing: "refused", code: "no_means" }, "no_means", "No means", "false"],
    [{ standing: "refused", code: "flattr_owner" }, "refused", "Refused", "false"],
  ] as const)("shows %j", (fields, state, word, pressed) => {
    settle();
    known.tell([stateOf("1", fields)]);
    const [face] = faces();
    expect([face?.dataset["state"], wordOn(face), face?.ariaPressed]).toEqual([state, word, pressed]);
    expect(face?.ariaLabel).toBe(`${word}: One`);
    expect(face?.title).not.toBe("");
    expect(faces()[1]?.dataset["state"]).toBe("free");
  });

  it("speaks German", () => {
    speak("de");
    settle();
    known.tell([stateOf("1", {})]);
    expect(wordOn(faces()[0])).toBe("Geflattert");
  });
});

describe("Known", () => {
  const names = ["url site.example/1"];
  const reply = {
    click: "c1",
    standing: "kept",
    at: "2026-11-03T12:00:00Z",
    undoable: true,
    isNew: true,
  } as const;

  it("shows a click at once, and does not flicker while it is on its way", () => {
    known.begin(names);
    expect(known.of(names)?.standing).toBe("flattred");
    known.kept(names, reply);
    known.tell([stateOf("1", { standing: "kept" })]);
    known.settled("c1", { standing: "waiting", link: "up" });
    expect(known.of(names)?.standing).toBe("flattred");
    known.settled("c1", { standing: "refused", code: "no_means", link: "up" });
    expect(known.of(names)).toMatchObject({ standing: "refused", code: "no_means" });
  });

  it("says that a click waits where the companion is away, and frees what was not kept or was undone", () => {
    known.begin(names);
    known.kept(names, reply);
    known.settled("c1", { standing: "kept", link: "away" });
    expect(known.of(names)?.standing).toBe("kept");
    known.settled("c1", { standing: "free", link: "up" });
    expect(known.of(names)).toBeUndefined();
    known.begin(names);
    known.failed(names);
    expect(known.of(names)).toBeUndefined();
  });
});
