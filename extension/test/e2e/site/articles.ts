// The sample site's twenty articles by twenty authors, all invented.

/** The form of the Flattr button on a page, as old pages carry it. */
export type Form = "rev" | "rel" | "data" | "submit" | "many";

export interface Article {
  slug: string;
  author: string; // name of the author as a member of the ledger
  title: string;
  tags: string;
  text: readonly [string, string];
  form: Form;
}

const FORMS: readonly Form[] = ["rev", "data", "rel", "submit", "many"];

type Row = readonly [
  slug: string,
  author: string,
  title: string,
  tags: string,
  first: string,
  second: string,
];

const ROWS: readonly Row[] = [
  [
    "bread-without-clock",
    "agnes",
    "Bread without a clock",
    "baking,patience",
    "The recipe says forty minutes. My kitchen says otherwise: in January the dough sleeps until noon, in July it is over the rim before the coffee is ready. I stopped reading the clock and started to press a thumb into the dough.",
    "If the dent comes back slowly, bake. If it jumps back, wait. If it stays, hurry. Three sentences, ten years of flat loaves to learn them.",
  ],
  [
    "the-last-ferryman",
    "bero",
    "The last ferryman of Ulmendorf",
    "rivers,people",
    "The bridge was opened on a Tuesday, and on Wednesday the ferryman came to work as on every day. Nobody wanted to cross. He rowed over all the same, ate his bread on the other bank, and rowed back.",
    "He did so for eleven years. When I asked him why, he said that somebody had to know how deep the river was today.",
  ],
  [
    "counting-swifts",
    "carla",
    "Counting swifts from the balcony",
    "birds,city",
    "They come in the first week of May, on the same evening, as if they had agreed on it over Africa. I sit with a tally sheet and a blanket and count the arcs around the church tower.",
    "This year there were 61, last year 74. The tower was repaired in between, and the holes under its roof were closed with good mortar and the best intentions.",
  ],
  [
    "repairing-a-radio",
    "dmitri",
    "How to repair a radio you do not understand",
    "repair,electronics",
    "Begin with your nose: burnt parts smell. Go on with your eyes: swollen capacitors look like bread that has risen. Only then take the meter, and measure the one thing that is the same in every radio, the supply.",
    "Two of three radios were dead because of a switch. The third taught me everything else, and it still does not play.",
  ],
  [
    "maps-of-walking",
    "elif",
    "Maps for people who walk slowly",
    "maps,walking",
    "On the maps I draw a bench is as large as a bank, and a drinking fountain larger than the town hall. Stairs are red. A hill that looks harmless from a car gets the contour lines it deserves.",
    "My mother uses them. She has crossed the whole city twice since spring, and she knows where to sit down.",
  ],
  [
    "night-train-notes",
    "farid",
    "Notes from a night train",
    "travel,trains",
    "At two in the morning somebody always stands in the corridor, forehead against the window. You nod at each other like members of a club that has no name and no fees.",
    "The border came without stopping. Only the light over the tracks changed its colour, from yellow to white, and the club went to bed.",
  ],
  [
    "a-garden-on-gravel",
    "greta",
    "A garden on gravel",
    "gardening,climate",
    "I removed the lawn and did not replace it. In the gravel there now grow thyme, mullein and a poppy nobody has sown. I have watered four times in three years, each time out of habit.",
    "The neighbours asked when it would be finished. I said that it was finished on the first day, and that it had been getting better since.",
  ],
  [
    "one-chord",
    "henning",
    "A song with a single chord",
    "music,guitar",
    "You need D minor and some courage. Everything that usually happens in the left hand must now happen in the right: softer, later, once with the thumb only, once not at all.",
    "After a minute the listener stops waiting for the next chord. That is the moment at which the song begins.",
  ],
  [
    "proofreading-by-ear",
    "ines",
    "Proofreading by ear",
    "writing,craft",
    "Let a machine read your text to you, badly, without any feeling. Each sentence that survives this is a good one. You will hear the doubled word that your eye forgave eleven times.",
    "I do it while washing up. The plates are clean, the text is shorter, and both took half an hour.",
  ],
  [
    "the-honest-weather",
    "jonas",
    "An honest weather report",
    "weather,statistics",
    "For a year I wrote down what the forecast said and what then fell on my head. Seventy per cent rain came true in sixty-eight of a hundred cases. The forecast was right; it was I who had misread it.",
    "We want a yes or a no and get a number. I carry an umbrella now from forty upwards and have been wet exactly as often as promised.",
  ],
  [
    "letters-to-a-lighthouse",
    "kirsten",
    "Letters to a lighthouse",
    "sea,letters",
    "The lighthouse has had no keeper since 1978, but it has kept its address. I wrote to it, as one does as a child, and forty years later a technician who changes the lamp found the bag.",
    "He answers them all, one at each visit. Mine came last week. He writes that the lamp is smaller now and the view the same.",
  ],
  [
    "small-databases",
    "lorenz",
    "In praise of small databases",
    "software,data",
    "Our club has 212 members, and for each of them there is one line. No cluster, no cloud, a file of ninety kilobytes that I can send to my successor in a letter.",
    "It answered every question the club has asked in nine years. The hardest was who has the key to the shed.",
  ],
  [
    "teaching-fractions",
    "miriam",
    "Teaching fractions with a cake that is not there",
    "school,mathematics",
    "With a real cake the children learn that cake is good. With a cake that is not there they learn to divide. We cut the air into five parts, and everybody defends the own one against the neighbour.",
    "Then a sixth child comes in late, as planned, and the room becomes very quiet. That is where fractions begin.",
  ],
  [
    "a-bicycle-for-two-cities",
    "nils",
    "One bicycle for two cities",
    "cycling,commuting",
    "It has fewer gears than I would like on one side of the river and more than I need on the other. Folded, it counts as luggage; unfolded, as a statement.",
    "In four thousand kilometres it had one flat tyre, in front of a repair shop, at opening time. I have believed in something ever since, but do not know in what.",
  ],
  [
    "the-quiet-library",
    "olga",
    "Why our library is loud on Thursdays",
    "libraries,community",
    "On Thursdays nobody is hushed. There is a sewing machine between history and travel, and the chess players may say out loud what they think of each other.",
    "On Fridays more people come than before, and they are quieter than before. It seems that silence needs something to be silent about.",
  ],
  [
    "salt",
    "pavel",
    "Everything I know about salt",
    "cooking,chemistry",
    "Salt the water until it tastes like a sea you would swim in. Salt meat a day before and tomatoes a minute before. Never salt beans too late, whatever your grandmother said; I have tried it with forty jars.",
    "And taste before you salt. This is the whole art, and it is not written on any packet.",
  ],
  [
    "a-clock-from-scrap",
    "quirin",
    "A church clock from scrap",
    "clocks,repair",
    "The wheels came from a mill, the weight is a piece of rail, and the pendulum swings in a drainpipe. It gains two minutes in a week, and we take them back every Sunday after the service.",
    "The company had offered us a clock that is never wrong. But then nobody would go up there on Sundays any more.",
  ],
  [
    "listening-to-ice",
    "rosa",
    "Listening to ice",
    "winter,sound",
    "Put an ear on the lake in January, with a cap. What you hear are not cracks but the whole plate, singing, from one bank to the other, a tone that falls like a question that somebody takes back.",
    "I recorded two hundred hours of it. Seven minutes are worth hearing. They are on this page, and they are enough.",
  ],
  [
    "the-unknown-grandfather",
    "samir",
    "The man in the third photograph",
    "family,history",
    "In the first picture he laughs, in the second he looks away, in the third he is gone, though everybody still makes room for him. Nobody in the family knew his name.",
    "I found it on the back of a bill for a piano: delivered to, and then the name. He had paid the last instalment in the week of the third photograph.",
  ],
  [
    "learning-to-whistle",
    "thea",
    "Learning to whistle at fifty-three",
    "learning,joy",
    "It took nine weeks. In the first there was only air, in the fourth a tone, though never the one I meant. The dog left the room in the fifth and came back in the eighth.",
    "There is no use in it at all. I recommend it to everybody who has forgotten what it is like to get better at something.",
  ],
];

/** ARTICLES are in the order of the front page. */
export const ARTICLES: readonly Article[] = ROWS.map(([slug, author, title, tags, first, second], index) => ({
  slug,
  author,
  title,
  tags,
  text: [first, second],
  form: FORMS[index % FORMS.length] ?? "rev",
}));
