/**
 * The reviewer lenses (roles) of panels, in the usual order of sites, each with its typical words. A scorecard without
 * labels is assigned by these words, and by the order when there are none.
 */
const LENSES: readonly { lens: string; also?: string[]; cues: RegExp[] }[] = [
  {
    lens: 'builder',
    also: ['engineer', 'developer', 'hacker', 'maker'],
    cues: [
      /\bprimitives?\b/giu,
      /\bDX\b/gu,
      /\bAPIs?\b/gu,
      /\bSDK\b/gu,
      /\bmoment of truth\b/giu,
      /\bweekend (?:script|project)\b/giu,
    ],
  },
  {
    lens: 'skeptic',
    also: ['sceptic', 'critic', 'cynic'],
    cues: [
      /\bdirect competitors?\b/giu,
      /\b(?:what|who) kills this\b/giu,
      /\bwhere (?:this|it) breaks\b/giu,
      /\bkills? (?:this|it)\b/giu,
    ],
  },
  {
    lens: 'founder',
    also: ['buyer', 'investor', 'operator', 'owner'],
    cues: [
      /\bbuyers?\b/giu,
      /\bmoats?\b/giu,
      /\bbudget\b/giu,
      /\bstress test\b/giu,
      /\bunit economics\b/giu,
      /\bupsell\b/giu,
    ],
  },
  {
    lens: 'futurist',
    also: ['visionary', 'strategist'],
    cues: [
      /\bthesis\b/giu,
      /\btrend ?lines?\b/giu,
      /\bsecond[- ]order\b/giu,
      /\bfalsifiable\b/giu,
      /\bfuture state\b/giu,
    ],
  },
  {
    lens: 'designer',
    also: ['design'],
    cues: [
      /\btypograph\w*/giu,
      /\bvisual (?:hierarchy|language|design)\b/giu,
      /\binteraction design\b/giu,
      /\baffordances?\b/giu,
      /\bwhite ?space\b/giu,
    ],
  },
  {
    lens: 'creator',
    also: ['writer', 'artist', 'marketer'],
    cues: [/\baudience\b/giu, /\bcreators?\b/giu, /\bcreative (?:control|work|output)\b/giu, /\btaste\b/giu],
  },
  {
    lens: 'operator',
    cues: [/\bon[- ]call\b/giu, /\brunbooks?\b/giu, /\brollbacks?\b/giu, /\bincidents?\b/giu],
  },
  {
    lens: 'researcher',
    also: ['scientist', 'analyst'],
    cues: [
      /\bbenchmarks? (?:method|design)\w*/giu,
      /\bablations?\b/giu,
      /\breproduc\w+/giu,
      /\bmethodology\b/giu,
    ],
  },
];

const SPELLINGS: Record<string, string> = { sceptic: 'skeptic' };
const KNOWN = [...new Set(LENSES.flatMap(({ lens, also }) => [lens, ...(also ?? [])]))];
const LENS_WORD = new RegExp(`(?<![\\p{L}-])(?:${KNOWN.join('|')})(?![\\p{L}-])`, 'iu');

/** The lens that a label names, anywhere in it: "Priya Raman, Sceptic" -> "skeptic". */
export function lensNamed(label: string): string | null {
  const word = LENS_WORD.exec(label)?.[0].toLowerCase();
  return word === undefined ? null : (SPELLINGS[word] ?? word);
}

/**
 * How often a text uses the words of a lens. The opening words count more, because reviewers state their role there.
 */
function cueScore(cues: readonly RegExp[], text: string): number {
  let score = 0;
  for (const cue of cues) {
    for (const match of text.matchAll(cue)) score += match.index < 60 ? 6 : 2;
  }
  return score;
}

/**
 * Assigns one lens to each pair of quotes, no lens twice, so that the total weight of the cues is largest. Pairs
 * without cues get the remaining lenses in the usual order; null when there are not enough lenses.
 */
export function lensesOf(pairs: readonly (readonly string[])[]): (string | null)[] {
  const weights = pairs.map((quotes) =>
    LENSES.map(({ cues }) => quotes.reduce((sum, quote) => sum + cueScore(cues, quote), 0)),
  );
  const chosen = assign(weights).map((index, pair) => ((weights[pair]?.[index] ?? 0) > 0 ? index : -1));
  const customary = LENSES.slice(0, 4).map((_, index) => index);
  const free = customary.filter((index) => !chosen.includes(index));
  return chosen.map((index) => LENSES[index >= 0 ? index : (free.shift() ?? -1)]?.lens ?? null);
}

/** Weight of the opening words that identifies a lens: a smaller weight may be chance. */
const STRONG = 6;

/** Whether both quotes clearly have different lenses: then they are no pair. */
export function haveUnlikeLenses(one: string, other: string): boolean {
  const [a, b] = [strongest(one), strongest(other)];
  return a !== null && b !== null && !a.some((lens) => b.includes(lens));
}

/** The lenses with the largest weight in a quote; null when none is large enough. */
function strongest(quote: string): string[] | null {
  const scores = LENSES.map(({ lens, cues }) => ({ lens, score: cueScore(cues, quote) }));
  const most = Math.max(...scores.map(({ score }) => score));
  return most < STRONG ? null : scores.filter(({ score }) => score === most).map(({ lens }) => lens);
}

/** The one-to-one assignment of rows to columns with the largest sum, by dynamic programming over column sets. */
function assign(weights: readonly (readonly number[])[]): number[] {
  let states = new Map<number, { sum: number; picks: number[] }>([[0, { sum: 0, picks: [] }]]);
  for (const row of weights) {
    const next: typeof states = new Map();
    for (const [used, state] of states) {
      // A row may stay without a column, so that there can be more pairs than lenses.
      for (const column of [-1, ...row.keys()]) {
        if (column >= 0 && used & (1 << column)) continue;
        const key = column < 0 ? used : used | (1 << column);
        const sum = state.sum + (column < 0 ? 0 : (row[column] ?? 0));
        if ((next.get(key)?.sum ?? -1) < sum) next.set(key, { sum, picks: [...state.picks, column] });
      }
    }
    states = next;
  }
  return [...states.values()].reduce((best, state) => (state.sum > best.sum ? state : best)).picks;
}
