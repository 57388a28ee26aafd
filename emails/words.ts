import type { Call, ToolMark, Verdict } from '../src/comparisons/model.ts';
import type {
  ChangedVerdict,
  IssueContent,
  ReadersSaid,
  Rest,
  ToolCard,
  VerdictRow,
} from '../src/issues/content.ts';

/** The word of each mark, so that a mark never depends on its shape or colour alone. */
export const markWord: Record<ToolMark, string> = {
  ship: 'Ship',
  second: 'Second',
  skip: 'Skip',
  split: 'Split',
};

/**
 * The text after the mark's word: "Ship Cursor" → "Cursor", "Split: Zed or Cursor" → "Zed or Cursor", "Skip both" →
 * "Both"; names keep their own spelling. The mark prints the word itself; a verdict that does not begin with it is
 * printed whole.
 */
export function afterMark(verdict: Omit<Verdict, 'because'>): string {
  const word = markWord[verdict.mark];
  if (!verdict.words.startsWith(word)) return verdict.words;
  const rest = verdict.words.slice(word.length).replace(/^:?\s*/u, '');
  const isName = verdict.pick !== null || verdict.mark === 'split';
  return isName ? rest : rest.charAt(0).toUpperCase() + rest.slice(1);
}

/** The whole verdict in words: "Ship Cursor", "Split: Zed or Cursor"; with the mark's word where it has another. */
export function inWords(verdict: Verdict): string {
  const word = markWord[verdict.mark];
  return verdict.words.startsWith(word) ? verdict.words : `${word}: ${verdict.words}`;
}

/** After the title of a line: "Ship Cursor (was “Split: Zed or Cursor”)" */
export const turnedLine = ({ was, now }: Pick<ChangedVerdict, 'was' | 'now'>): string =>
  `${inWords(now)} (was “${inWords(was)}”)`;

/** "88%", or an em dash until there is a vote. */
export const share = (value: number | null): string => (value === null ? '—' : `${value}%`);

/** "1 vote", "1,204 votes" */
export const votesCast = (votes: number): string =>
  `${votes.toLocaleString('en-US')} ${votes === 1 ? 'vote' : 'votes'}`;

/** "Also turned: Zed vs Cursor and 12 others. 22 more prices and 1 more panel moved." Empty: each has its row. */
export function restOfChanges({ turnedTitles, turned, prices, panels }: Rest): string {
  const isNamed = turnedTitles.length > 0;
  const names = [...turnedTitles, ...(turned > 0 ? [amount(turned, 'other')] : [])];
  const moved = [
    ...(prices > 0 ? [amount(prices, 'more price')] : []),
    ...(panels > 0 ? [amount(panels, 'more panel')] : []),
  ];
  return [
    ...(isNamed ? [`Also turned: ${list(names)}.`] : []),
    ...(turned > 0 && !isNamed ? [`${amount(turned, 'more verdict')} turned.`] : []),
    ...(moved.length > 0 ? [`${list(moved)} moved.`] : []),
  ].join(' ');
}

/** "920 more new comparisons are on the site." Empty: each has its line. */
export function restOfNew({ new: count }: Rest): string {
  if (count === 0) return '';
  return count === 1
    ? 'One more new comparison is on the site.'
    : `${amount(count, 'more new comparison')} are on the site.`;
}

/** "45 votes since the panel changed on 12 January; 12 since 3 March, 58% ship" */
export function votesSince({ votes, since, isPanelChanged, recent }: ReadersSaid): string {
  const all = `${votesCast(votes)} since ${isPanelChanged ? 'the panel changed on ' : ''}${since}`;
  return `${all}; ${recent.votes.toLocaleString('en-US')} since ${recent.since}, ${recent.ship}% ship`;
}

/** "1 price", "1,204 prices" */
function amount(count: number, what: string): string {
  return `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;
}

/** "a, b and c" */
function list(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/**
 * The link by which a reader votes: on one tool of a comparison, or on both if no call is given.
 * @param start the beginning of the URL, without a slash at its end.
 */
export function voteUrl(start: string, slug: string, side?: 0 | 1, call?: Call): string {
  const page = `${start}/${encodeURIComponent(slug)}`;
  return side === undefined || call === undefined ? page : `${page}/${sideLetter[side]}/${call}`;
}

/** The two sides of a comparison in a URL. */
export const sideLetter = ['a', 'b'] as const;

/** "Readers ship (12 votes)": never a share without its count. */
export const readersLabel = (votes: number): string => `${copy.figures.readers} (${votesCast(votes)})`;

/** Texts that both engines and the text part share, so that they always agree. */
export const copy = {
  lead: 'The lead',
  reviewers: 'Reviewer by reviewer',
  cards: 'Also compared',
  compact: 'In brief',
  changed: 'Changed verdicts',
  readers: 'What readers said',
  columns: { verdict: 'Verdict', comparison: 'Comparison', entryPrice: 'Entry price' },
  figures: {
    panel: 'Panel ship',
    community: 'Community ship',
    readers: 'Readers ship',
    entryPrice: 'Entry price',
  },
  vote: { ship: 'Vote ship', skip: 'Vote skip', both: 'Vote' },
  voteFor: (call: Call, tool: string) => `Vote ${call} for ${tool}`,
  voteOn: (title: string) => `Vote on ${title}`,
  was: 'Was',
  now: 'Now',
  read: (title: string) => `Read the ${title} comparison`,
  mailedIn: (number: number) => `You last read about it in No. ${number}.`,
  restOfChanges: 'Every change of this issue',
  restOfNew: 'Every new comparison of this issue',
  topics: (topics: string[]) =>
    `Your topics: ${topics.length > 12 ? `${topics.slice(0, 12).join(', ')} and ${topics.length - 12} more` : topics.join(', ')}`,
  why: (newsletter: string) => `You get this because you confirmed your subscription to ${newsletter}.`,
  legend: 'Ship means that we would build on it today. Skip means that we would leave it for now.',
  unsubscribe: 'Unsubscribe in one step',
  preferences: 'Change topics or pause',
  online: 'View this issue online',
} as const;

/** The glyph of each mark, of type that every client has: the second thing, beside its word, that tells marks apart. */
const markGlyph: Record<ToolMark, string> = { ship: '✓', skip: '✗', split: '◐', second: '○' };

/** "✓ Ship", never split between two lines. */
export const markLabel = (mark: ToolCard['mark']): string => `${markGlyph[mark]}\u00a0${markWord[mark]}`;

/** After the newsletter's name, on the same line: "· 24 Nov · 3 min". */
export function dateline({ date, readingMinutes }: Pick<IssueContent, 'date' | 'readingMinutes'>): string {
  const day = DAY.format(new Date(`${date}T00:00:00Z`));
  return `· ${day} · ${readingMinutes} min`;
}

const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** After the mark of a row: the verdict, with the names in place of "Both". */
export function rowVerdict({ verdict, names }: VerdictRow): string {
  const words = afterMark(verdict);
  return /^both$/iu.test(words) ? `${names[0]} and ${names[1]}` : words;
}

/** Below the verdict of a row: the tools that it does not name, and the prices. "over Oriel · $120/yr vs $9.99/mo" */
export function rowNote(row: VerdictRow): string {
  const { verdict, names, prices, title } = row;
  const words = rowVerdict(row);
  const [first, second] = verdict.pick === 1 ? ([1, 0] as const) : ([0, 1] as const);
  const price = prices[0] === prices[1] ? prices[0] : `${prices[first]} vs ${prices[second]}`;
  if (names.every((name) => words.includes(name))) return `${copy.figures.entryPrice} ${price}`;
  if (verdict.pick !== null && words.includes(names[first])) return `over ${names[second]} · ${price}`;
  return `${title} · ${price}`;
}

/** The figures of a tool, each with its label: "Panel ship" "75%". */
export function figuresOf(tool: ToolCard): { label: string; value: string; bar: number | null }[] {
  const { panel, community, entryPrice } = copy.figures;
  const shares = [
    { label: panel, bar: tool.panelShip },
    { label: community, bar: tool.communityShip },
    ...(tool.readers === null ? [] : [{ label: readersLabel(tool.readers.votes), bar: tool.readers.ship }]),
  ];
  return [
    ...shares.map(({ label, bar }) => ({ label, value: share(bar), bar })),
    { label: entryPrice, value: tool.entryPrice, bar: null },
  ];
}

/** The same in one line: "Panel ship 75% · Community ship 62% · Entry price Free". */
export const figuresLine = (tool: ToolCard): string =>
  figuresOf(tool)
    .map(({ label, value }) => `${label} ${value}`)
    .join(' · ');

/** "Panel ship 25% · Readers ship 81%" */
export const readersFigures = ({ panelShip, readersShip }: ReadersSaid): string =>
  `${copy.figures.panel} ${share(panelShip)} · ${copy.figures.readers} ${share(readersShip)}`;

/** Comparisons of a mail on which it has no other link to vote: changed ones, and those with a row alone. */
export const votable = ({ rows, cards, changed }: Pick<IssueContent, 'rows' | 'cards' | 'changed'>) => [
  ...changed,
  ...rows.slice(cards.length),
];

/** Splits a text at the names in it, the longest first, so that each can have a direction of its own. */
export function isolate(text: string, names: readonly string[]): { text: string; isName: boolean }[] {
  const quoted = [...names]
    .filter((name) => name !== '')
    .sort((a, b) => b.length - a.length)
    .map((name) => name.replace(/[.*+?^${}()|[\]\\/]/gu, '\\$&'));
  if (quoted.length === 0) return [{ text, isName: false }];
  return text
    .split(new RegExp(`(${quoted.join('|')})`, 'u'))
    .map((part, at) => ({ text: part, isName: at % 2 === 1 }))
    .filter((part) => part.text !== '');
}

/** Texts of the layout: what stands around the verdicts. */
export const labels = {
  rows: 'Also this week',
  votes: 'Would you ship these?',
  voteOnBoth: (title: string) => `Vote on ${title}`,
  readWhy: (title: string) => `Read why: ${title}`,
  /** What the marks mean, and of which day the prices are. */
  legend: ({ dateLabel }: Pick<IssueContent, 'dateLabel'>) =>
    `${copy.legend} Second means that it ships, but the other tool is better. Split means that reviewers disagree. Entry prices as of ${dateLabel}.`,
  forwarded: 'Forwarded this?',
  subscribe: (newsletter: string) => `Get your own ${newsletter}`,
  issue: ({ number, dateLabel }: Pick<IssueContent, 'number' | 'dateLabel'>) =>
    `No. ${number} · ${dateLabel}`,
} as const;
