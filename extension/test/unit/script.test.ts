// Scripts as they are read and never run: words, values, sayings, and what the scripts of a page say together.
import { describe, expect, it } from "vitest";
import { tokensOf } from "../../src/detect/lexer";
import { sayingsOf } from "../../src/detect/script";
import { readScripts } from "../../src/detect/scripts";
import { parsePage } from "./page";

const PAGE = "https://a.example/post?x=1#part";

function words(script: string): string[] {
  return tokensOf(script).map(({ text }) => text);
}

function variable(value: string): string | undefined {
  const [first] = sayingsOf(`var flattr_url = ${value};`, PAGE, "Title");
  return first?.kind === "variable" ? first.value : undefined;
}

function readAll(html: string) {
  return readScripts(parsePage(html, PAGE), undefined);
}

/** A test of bounds: a machine that does other things as well takes a multiple, a quadratic way takes minutes. */
const BOUND_MS = 3000;

describe("tokensOf", () => {
  it("leaves out comments of every kind", () => {
    expect(words("<!-- a\nb // c\n/* d\n e */ f\n--> g")).toEqual(["b", "f"]);
  });

  it("tells patterns from divisions", () => {
    expect(words(`x = a / b / 'c'; y = /'["]/g.test(z)`)).toContain("c");
    expect(words(`return /['"]/; "d"`)).toContain("d");
    expect(words(`f(/[/']/); "e"`)).toContain("e");
  });

  it("decodes texts, and does not know one with a value in it", () => {
    expect(words(String.raw`'\x41\u0042\u{43}\'\n'`)).toEqual(["ABC'\n"]);
    expect(words("`plain`")).toEqual(["plain"]);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a script's
    expect(tokensOf("`a${b}`; `c`").map(({ kind }) => kind)).toEqual(["mark", "mark", "text"]);
    expect(tokensOf("'open\nx")[0]?.kind).toBe("mark");
  });
});

describe("what a script says", () => {
  it.each([
    [`'https://b.example/'`, "https://b.example/"],
    [`"https://" + 'b.example' + "/" + 7`, "https://b.example/7"],
    [`("https://b.example/")`, "https://b.example/"],
    ["document.URL", PAGE],
    ["window.location.href", PAGE],
    ["location.toString()", PAGE],
    [`'/?u=' + encodeURIComponent(document.URL)`, `/?u=${encodeURIComponent(PAGE)}`],
    ["document.title", "Title"],
  ])("%s is known", (value, text) => expect(variable(value)).toBe(text));

  it.each([
    "other",
    "f('https://b.example/')",
    `'https://b.example/'.replace('b', 'c')`,
    `x ? 'https://b.example/' : 'https://c.example/'`,
    `'https://b.example/' + id`,
    "location.href.split('#')[0]",
    "list[0]",
  ])("%s is not known", (value) => expect(variable(value)).toContain("\0"));

  it("tells setting from comparing, and the page's own variables from others'", () => {
    expect(sayingsOf("if (flattr_url == 'x') {} a.flattr_uid = 'no'; flattr_btn => 1", PAGE, "")).toEqual([]);
    expect(sayingsOf("window.flattr_uid = 'yes'", PAGE, "")).toHaveLength(1);
  });
});

describe("calls of the loader", () => {
  const fields = (literal: string) => {
    const [saying] = sayingsOf(`FlattrLoader.render(${literal}, box, "after")`, PAGE, "Title");
    return saying?.kind === "render" ? Object.fromEntries(saying.fields) : undefined;
  };

  it("are read by their keys, whatever the values of others", () => {
    expect(fields(`{ title: pick({ url: "no" }, "x"), 'url': "https://b.example/", hidden: 1 }`)).toEqual({
      title: "\0",
      url: "https://b.example/",
      hidden: "1",
    });
    expect(fields(`{ button: wide ? url : "compact", uid: "ada" }`)).toEqual({ button: "\0", uid: "ada" });
    expect(fields(`{ url: "https://b.example/", other: function () { return { url: "no" }; } }`)).toEqual({
      url: "https://b.example/",
    });
  });

  it("with a variable for the whole say nothing", () => expect(fields("options")).toBeUndefined());
});

describe("readScripts", () => {
  it("needs a loader of ours after the variables", () => {
    const block = `<script>var flattr_url = "https://a.example/thing"</script>`;
    const loader = `<script src="//api.flattr.com/button/load.js"></script>`;
    expect(readAll(block + loader).pointers).toHaveLength(1);
    expect(readAll(loader + block).pointers).toHaveLength(0);
    expect(readAll(block + loader + loader).pointers).toHaveLength(1);
    for (const host of ["api.flattr.com.evil.example", "evil.example", "api.flattr.com@evil.example"]) {
      expect(readAll(block + loader.replace("api.flattr.com", host)).pointers).toHaveLength(0);
    }
  });

  it("reads nothing that a browser would not run", () => {
    const block = `var flattr_url = "https://a.example/thing"; document.write('<script src="//api.flattr.com/button/load.js">')`;
    expect(readAll(`<script>${block.replace("<script", "<scr'+'ipt")}</script>`).pointers).toHaveLength(1);
    for (const type of ["application/json", "text/template", "text/x-handlebars", "text/plain"]) {
      expect(
        readAll(`<script type="${type}">${block.replace("<script", "")}</script>`).pointers,
      ).toHaveLength(0);
    }
  });

  it("finds the loader in pieces, and leaves out what only running would tell", () => {
    const script = `s.src = proto + '://api.' + "flattr.com/js/0.6/load.js?mode=auto&" + 'uid=ada&category=' + cat + '&language=de_DE&html5-key-prefix=data-x';`;
    const { loader } = readAll(`<script>${script}</script>`);
    expect(loader.prefix).toBe("data-x-");
    expect([...loader.defaults]).toEqual([
      ["uid", "ada"],
      ["language", "de_DE"],
    ]);
  });

  it("finds the loader behind a scheme that only running would tell", () => {
    const script = `s.src = ("https:" == location.protocol ? "https://" : "http://") + "api.flattr.com/js/0.6/load.js?uid=ada"`;
    expect([...readAll(`<script>${script}</script>`).loader.defaults]).toEqual([["uid", "ada"]]);
  });

  it("takes no thing of a frame whose address only running would tell", () => {
    const frame = (query: string) =>
      readAll(`<script>f = make("iframe"); f.src = "//button.flattr.com/view/?${query}</script>`).pointers;
    expect(frame('url=https://b.example/?p=" + id')).toEqual([]);
    expect(frame('uid=" + id + "&url=https://b.example/?p=1"')[0]?.pointer).toEqual({
      form: "iframe-script",
      url: "https://b.example/?p=1",
    });
  });

  it("takes the first loader of several, as written", () => {
    const one = `<script src="https://api.flattr.com/js/0.5.0/load.js?uid=%41da&title=no"></script>`;
    const two = `<script src="https://api.flattr.com/js/0.6/load.js?uid=eve"></script>`;
    expect([...readAll(one + two).loader.defaults]).toEqual([["uid", "%41da"]]);
  });
});

describe("hostile scripts", () => {
  it.each([
    ["brackets that never close", "flattr_url=(".repeat(16_000)],
    ["names of brackets", `/*flattr*/${"x=((((((((((((".repeat(12_000)}`],
    ["patterns that never end", `/*flattr*/${"(/[".repeat(60_000)}`],
    ["a sum without end", `/*flattr*/${"'a'+".repeat(45_000)}`],
    ["a loader's beginning", `'//api.flattr.com/js/${"0.".repeat(90_000)}'`],
    ["texts that never close", `/*flattr*/${"'\n".repeat(90_000)}`],
    ["texts whose ends are escaped", `/*flattr*/"${'\\"'.repeat(90_000)}`],
    ["texts of many lines whose ends are escaped", `/*flattr*/"${'\\\n\\"'.repeat(45_000)}`],
    ["templates whose ends are escaped", `/*flattr*/\`${"\\`\n".repeat(60_000)}`],
    ["blanks", `/*flattr*/'a'${" ".repeat(190_000)}+`],
    ["megabytes", `flattr_url='${"x".repeat(5_000_000)}'`],
  ])("%s are read within a bound", (_, script) => {
    const startMs = performance.now();
    sayingsOf(script, PAGE, "");
    expect(performance.now() - startMs).toBeLessThan(BOUND_MS);
  });

  it("an address without end is read within a bound", () => {
    const startMs = performance.now();
    readAll(`<script>f = make("iframe"); f.src = "//a.example/view/?${"x".repeat(190_000)}"</script>`);
    expect(performance.now() - startMs).toBeLessThan(BOUND_MS);
  });
});
