// A ledger's past as an operator loads it: authors, things, readers, and fourteen months of clicks. What is made here is the
// same each time, so that pictures of it can be compared.

/** REVIEWED is an instant in the grace of October; LATER is well into November, with October settled. */
export const REVIEWED = "2026-11-03T17:20:00Z";
export const LATER = "2026-11-20T17:20:00Z";

/** READERS flattr beside the reader whose pages are seen; enough of them that days may be told apart. */
const READERS = ["ann", "ben", "cleo", "dora", "emil", "fay", "gustav", "henrike"] as const;

/** AUTHORS own things beside the author whose pages are seen. */
const AUTHORS = ["tomas", "ines", "otto", "wilhelmine-von-der-heide"] as const;

const TITLES = [
  "The lark above the heath",
  "Bread without a clock",
  "How to repair a radio you do not understand",
  "Counting swifts from the balcony",
  "A short history of the garden gate",
  "The last ferryman of Ulmendorf",
  "Letters from a lighthouse, with a remark on fog",
  "Why rivers bend",
  "Donaudampfschifffahrtsgesellschaftskapitänsmützen und andere lange Wörter",
  "Winter light",
  "Eleven ways to fold a map",
  "The sound of a library at night",
] as const;

/** OWN are the author's things, at the site that is claimed: path and title. */
const OWN = [
  ["peat", "What peat remembers"],
  ["sphagnum", "Sphagnum, or how to hold water"],
  ["cranes", "Cranes in the morning mist"],
  ["boardwalk", "Building a boardwalk without drowning a hammer"],
  ["sundew", "Sundew: a plant with an appetite"],
  ["bog-oak", "Bog oak"],
] as const;

type Line = Record<string, unknown>;

/** Past writes the lines of a file for `flattr-ledger load`. */
export class Past {
  private clicks = 0;
  constructor(
    private readonly site: string, // origin of the author's site
    private readonly author: string,
    private readonly reader: string,
  ) {}

  /** before is everything up to the instant at which October is reviewed. */
  before(): readonly Line[] {
    return [...this.people(), ...this.things(), ...MONTHS.flatMap((month, at) => this.month(month, at))];
  }

  /** after is what November brings after that: October is settled by it. */
  after(): readonly Line[] {
    this.clicks = 1 << 20; // apart from those before
    const readers = [this.reader, ...READERS];
    return readers.flatMap((reader, at) =>
      [5, 9, 14, 19].flatMap((day, turn) =>
        (at + turn) % 3 === 0
          ? []
          : [this.click(reader, this.pick(at, turn, turn), `2026-11-${two(day)}T${two(8 + at)}:15:00Z`)],
      ),
    );
  }

  private people(): readonly Line[] {
    const member = (name: string, budget: string, means: string) => ({ type: "member", name, budget, means });
    return [
      member(this.author, "2.00", "40.00"),
      member(this.reader, "5.00", "90.00"),
      ...AUTHORS.map((name) => ({ type: "member", name })),
      ...READERS.map((name, at) => member(name, `${2 + (at % 4)}.00`, "90.00")),
      { type: "budget", name: this.reader, budget: "3.00", at: "2025-09-15T10:00:00Z" },
      { type: "budget", name: this.reader, budget: "5.00", at: "2026-02-11T10:00:00Z" },
      {
        type: "credit",
        name: this.reader,
        amount: "25.00",
        ref: "transfer 1107",
        at: "2026-07-02T09:00:00Z",
      },
    ];
  }

  private things(): readonly Line[] {
    return [
      ...OWN.map(([slug, title]) => ({
        type: "thing",
        url: `${this.site}/${slug}`,
        owner: this.author,
        title,
      })),
      ...TITLES.map((title, at) => ({ type: "thing", url: other(at), owner: AUTHORS[at % 4], title })),
      { type: "thing", url: "https://nobody.example/essay", title: "An essay whose author nobody knows yet" },
      {
        type: "parts",
        url: `${this.site}/boardwalk`,
        at: "2025-09-01T00:00:00Z",
        parts: [
          { author: this.author, bp: 6000 },
          { author: "tomas", bp: 2500 },
          { author: "ines", bp: 1500 },
        ],
      },
      {
        type: "parts",
        url: other(0),
        at: "2025-09-01T00:00:00Z",
        parts: [
          { author: "tomas", bp: 7000 },
          { author: this.author, bp: 3000 },
        ],
      },
      ...(
        [
          ["0", this.reader, other(1), 12, "2026-06-04"],
          ["1", this.reader, other(2), 6, "2026-08-20"],
        ] as const
      ).map(([id, reader, url, months, day]) => ({
        type: "subscribe",
        id: `50000000-0000-4000-8000-00000000000${id}`,
        reader,
        url,
        months,
        at: `${day}T18:00:00Z`,
      })),
    ];
  }

  private month(month: string, at: number): readonly Line[] {
    const lines: Line[] = [];
    const last = month === "2026-11" ? 3 : 28;
    const day = (n: number) => `${month}-${two(1 + (n % last))}`;
    for (const [who, reader] of [this.reader, ...READERS].entries()) {
      // Some are new, some leave a month out; the reader seen had a quiet summer.
      if (who > 0 && (at + who) % 7 === 0) continue;
      const many = who === 0 ? (COUNTS[at] ?? 4) : 3 + ((at * 5 + who * 3) % 6);
      const things = new Set(Array.from({ length: many }, (_, turn) => this.pick(who + at, turn, at)));
      for (const [turn, url] of [...things].entries()) {
        const n = who + 3 * (turn + 1);
        lines.push(this.click(reader, url, `${day(n)}T${two(7 + (n % 9))}:${two((n * 7) % 60)}:00Z`));
      }
    }
    if (at % 5 === 3)
      lines.push(this.click(this.reader, `https://nobody.example/essay-${at}`, `${day(9)}T12:30:00Z`));
    if (at % 3 === 1) lines.push(this.click(this.author, other(at % 12), `${day(4)}T16:00:00Z`));
    return lines;
  }

  /** pick is a thing by taste: the author's more often than others. */
  private pick(who: number, turn: number, month: number): string {
    const taste = (who * 31 + turn * 17 + month * 7 + turn * who * 5) % 23;
    const own = [0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 5][taste];
    return own === undefined
      ? other((who * 5 + turn * 7 + month) % 12)
      : `${this.site}/${OWN[own]?.[0] ?? ""}`;
  }

  private click(reader: string, url: string, at: string): Line {
    const id = `c0000000-0000-4000-8000-${(this.clicks++).toString(16).padStart(12, "0")}`;
    return { type: "click", id, reader, url, at };
  }
}

/** SETTLED are the months that are settled before what is seen begins; then October is. */
export const SETTLED = [
  "2025-09",
  "2025-10",
  "2025-11",
  "2025-12",
  ...Array.from({ length: 9 }, (_, at) => `2026-0${at + 1}`),
];

/** MONTHS are those with clicks, the running one last; COUNTS is how often the reader seen flattrs in each. */
const MONTHS = [...SETTLED, "2026-10", "2026-11"];
const COUNTS = [4, 6, 9, 12, 8, 7, 11, 14, 9, 3, 2, 5, 12, 10, 5] as const;

const two = (n: number): string => String(n).padStart(2, "0");
const other = (at: number): string => `https://${(AUTHORS[at % 4] ?? "").slice(0, 10)}.example/${at}`;
