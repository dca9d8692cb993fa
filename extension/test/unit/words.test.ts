// Words: both languages say everything, nothing is said that nobody asks for, and numbers look right.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { amount, daysLeft } from "../../src/money";
import { keptSentence, sentenceFor, settledSentence } from "../../src/sentences";
import { dateOf, monthName, nameOf, plural } from "../../src/words";
import { readMessages, speak } from "./chrome";

const root = fileURLToPath(new URL("../../", import.meta.url));
const sources = ["src", "static"]
  .flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name}`),
  )
  .filter((name) => /\.ts$|\.html$|manifest\.json$/.test(name))
  .map((name) => readFileSync(root + name, "utf8"))
  .join("\n");

// Codes come from the companion and the ledger, too.
const programs = ["daemon", "ledger"]
  .flatMap((folder) =>
    readdirSync(`${root}../${folder}`, { recursive: true, encoding: "utf8" }).map(
      (name) => `../${folder}/${name}`,
    ),
  )
  .filter((name) => name.endsWith(".go") && !name.endsWith("_test.go"))
  .map((name) => readFileSync(root + name, "utf8"))
  .join("\n");

// Keys that are put together in the code: codes, and the plural forms of a key.
function used(key: string): boolean {
  const plain = key.replace(/_(zero|one|two|few|many|other)$/, "");
  if (key.startsWith("code_")) {
    const code = `"${key.slice("code_".length)}"`;
    return sources.includes(code) || programs.includes(code);
  }
  return [`"${plain}"`, `__MSG_${plain}__`].some((mention) => sources.includes(mention));
}

afterEach(() => speak("en"));

describe("_locales", () => {
  const english = readMessages("en");
  const german = readMessages("de");

  it("have the same keys", () => {
    expect(Object.keys(german).sort()).toEqual(Object.keys(english).sort());
  });

  it.each(Object.keys(english))(
    "%s is described, said in both languages with the same blanks, and used",
    (key) => {
      const blanks = (message = ""): string[] => [...new Set(message.match(/\$\d/g) ?? [])].sort();
      expect(english[key]?.description).toBeTruthy();
      expect(german[key]?.message).toBeTruthy();
      expect(blanks(german[key]?.message)).toEqual(blanks(english[key]?.message));
      expect(used(key)).toBe(true);
    },
  );

  it("have every key that the sources ask for", () => {
    const asked = [
      ...sources.matchAll(/\b(?:text|plural)\(\s*"([A-Za-z]+)"|data-text="([A-Za-z]+)"|__MSG_([A-Za-z]+)__/g),
    ];
    const missing = asked
      .map(([, called, shown, named]) => called ?? shown ?? named ?? "")
      .filter((key) => english[key] === undefined && english[`${key}_other`] === undefined);
    expect(asked.length).toBeGreaterThan(50);
    expect(missing).toEqual([]);
  });

  it("have a plural form for every rule of their language", () => {
    for (const [locale, messages] of [["en", english] as const, ["de", german] as const]) {
      const rules = new Intl.PluralRules(locale).resolvedOptions().pluralCategories;
      const plurals = Object.keys(messages).filter((key) => key.endsWith("_other"));
      expect(plurals.length).toBeGreaterThan(2);
      for (const key of plurals) {
        for (const rule of rules)
          expect(messages[key.replace(/other$/, rule)], `${locale} ${key}`).toBeDefined();
      }
    }
  });
});

describe("sentences", () => {
  it("say what they know, else what the companion said, else the code", () => {
    expect(sentenceFor("no_means", "x")).toMatch(/Top up/);
    expect(sentenceFor("brand_new", "The moon is full.")).toBe("The moon is full.");
    expect(sentenceFor("brand_new", undefined)).toContain("brand_new");
  });

  it("name the next step while a click is kept", () => {
    expect(keptSentence("away", undefined, undefined)).toContain("flattrd start");
    expect(keptSentence("up", "not_linked", "x")).toMatch(/sign in/);
    expect(settledSentence({ standing: "kept", link: "unpaired" })).toMatch(/Connect/);
  });

  it("name no worth where the author is not known: a promise costs nothing", () => {
    expect(settledSentence({ standing: "flattred", link: "up", promise: true })).toMatch(
      /waits for its author/,
    );
  });

  it("tell the worth in the reader's own format", () => {
    const view = { standing: "waiting", link: "up", shareMicro: 200_000 } as const;
    expect(settledSentence(view)).toBe("Flattred. It is worth €0.20 so far this month.");
    speak("de");
    expect(settledSentence(view)).toBe("Geflattert. Das ist diesen Monat bisher 0,20\u00a0€ wert.");
  });
});

describe("amounts, dates and names", () => {
  it.each([
    [2_000_000, "€2.00", "2,00\u00a0€"],
    [200_000, "€0.20", "0,20\u00a0€"],
    [66_666, "€0.067", "0,067\u00a0€"],
    [0, "€0.00", "0,00\u00a0€"],
    [100_000_000, "€100.00", "100,00\u00a0€"],
  ])("%d micro", (micro, english, german) => {
    expect(amount(micro, "en")).toBe(english);
    expect(amount(micro, "de")).toBe(german);
  });

  it("counts the days left with today, in UTC", () => {
    expect(daysLeft("2026-11", Date.UTC(2026, 10, 30, 23, 59))).toBe(1);
    expect(daysLeft("2026-11", Date.UTC(2026, 10, 1))).toBe(30);
    expect(daysLeft("2026-12", Date.UTC(2026, 11, 31, 0, 0, 1))).toBe(1);
    expect(daysLeft("2026-10", Date.UTC(2026, 10, 2))).toBe(0);
  });

  it("writes dates and plurals as the language does", () => {
    expect([dateOf("2026-11-03T12:00:00Z"), monthName("2026-11")]).toEqual(["November 3", "November 2026"]);
    expect([plural("titleThings", 1), plural("titleThings", 2)]).toEqual([
      "1 thing to flattr",
      "2 things to flattr",
    ]);
    speak("de");
    expect([dateOf("2026-11-03T12:00:00Z"), plural("titleThings", 1)]).toEqual([
      "3. November",
      "1 Beitrag zum Flattern",
    ]);
  });

  it("names a thing by what is known", () => {
    expect(nameOf({ title: "T", url: "https://a.example/" })).toBe("T");
    expect(nameOf({ url: "https://a.example/b" })).toBe("a.example/b");
    expect(nameOf({ id: "42" })).toBe("Thing 42 on Flattr");
    expect(nameOf({})).toBe("Untitled");
  });
});
