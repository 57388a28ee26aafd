import type { GoneComparison } from '../comparisons/gone/gone-store.ts';
import type { Comparison } from '../comparisons/model.ts';
import { contentHash, nameKey, title } from '../comparisons/names.ts';
import { isSamePrice } from '../comparisons/reprints/price-print.ts';
import type { Plan } from './compose.ts';

/**
 * The editorial checks of an issue, from the database. A rule is a pure function of the plan and of {@link
 * ComparisonFacts}; `block` stops an approval, `warn` asks an editor to look.
 */

export interface EditorialCheck {
  /** Stable: "price.changed". */
  id: string;
  level: 'block' | 'warn';
  /** The comparison that it is about; null for subject and preheader. */
  comparison: { slug: string; title: string } | null;
  message: string;
  help: string;
}

/** The current facts about one comparison of the plan. */
export interface ComparisonFacts {
  slug: string;
  /** Its current content; the plan has its content when it was composed. */
  now: Comparison;
  /** When the site published it; null if the site does not say. */
  publishedAt: Date | null;
  firstSeenAt: Date;
  /** When its content changed last, or when it was first seen. */
  changedAt: Date;
  /** When its page was last read, whether it had changed or not. */
  readAt: Date;
  /** It was taken down. */
  isHidden: boolean;
  /** Slug of an issue of the last weeks that carried it, other than this one. */
  carriedBy: string | null;
}

/** The result of our own request to one link of the issue. */
export interface LinkFact {
  url: string;
  status: number | null;
  /** null if the link works. */
  reason: string | null;
  checkedAt: Date;
}

/** What is known of the site as a whole, as far as it concerns the issue. */
export interface SiteFacts {
  /** Comparisons of the issue that are no longer on their site. */
  gone?: readonly GoneComparison[];
  /**
   * How many of its changes turned out to be a new print of the whole site after it was composed, and are no news, or not
   * yet.
   */
  reprinted?: number;
}

export const WEEKS_APART = 8;
const STALE_DAYS = 60;
const PRICE_DAYS = 30;
/** The result for a link is valid for this long. */
const LINK_DAYS = 7;

const DAY = 24 * 3_600_000;

/**
 * Returns all findings: those of subject and preheader, then those of each comparison in the plan's order, then what is
 * gone, then those of the links. Pure. A comparison without facts is no longer in the database, and is checked as it was
 * composed.
 */
export function editorialChecks(
  plan: Plan,
  facts: readonly ComparisonFacts[],
  links: readonly LinkFact[],
  now: Date,
  { gone = [], reprinted = 0 }: SiteFacts = {},
): EditorialCheck[] {
  const known = new Map(facts.map((each) => [each.slug, each]));
  return [
    ...wordChecks(plan),
    ...plan.comparisons.flatMap(({ comparison }) => {
      const found = known.get(comparison.slug);
      return [
        ...missingPrices(comparison),
        ...(found === undefined ? [] : comparisonChecks(comparison, found, now)),
      ];
    }),
    ...goneChecks(gone),
    ...reprintChecks(reprinted),
    ...linkChecks(plan, links, now, new Set(gone.map(({ slug }) => slug))),
  ];
}

/** What is gone is mailed to nobody: an editor can leave it out, and cannot let it stand. */
function goneChecks(gone: readonly GoneComparison[]): EditorialCheck[] {
  return gone.map(({ slug, title, reason }) => ({
    id: 'gone',
    level: 'block',
    comparison: { slug, title },
    message: `Its page is gone: it ${reason}.`,
    help: 'Leave it out: the issue is composed again without it, and your choices stay.',
  }));
}

/** Returns every page that the issue links to, each once, in the order of the issue, without personal links. */
export function linksOf(plan: Plan): { url: string; about: { slug: string; title: string } }[] {
  const all = [
    ...plan.comparisons.map(({ comparison }) => ({ url: comparison.url, about: about(comparison) })),
    ...plan.changed.map(({ row: { url, slug, title } }) => ({ url, about: { slug, title } })),
    ...plan.readers.map(({ row: { url, slug, title } }) => ({ url, about: { slug, title } })),
  ];
  const byUrl = new Map<string, (typeof all)[number]>();
  for (const each of all) if (!byUrl.has(each.url)) byUrl.set(each.url, each);
  return [...byUrl.values()];
}

function reprintChecks(reprinted: number): EditorialCheck[] {
  if (reprinted === 0) return [];
  return [
    {
      id: 'reprint',
      level: 'block',
      comparison: null,
      message: `${reprinted} of its changes ${reprinted === 1 ? 'is' : 'are'} a change of the whole site, which nobody has called news.`,
      help: 'Answer it on the page of the sources, and compose the issue again.',
    },
  ];
}

/** @param gone slugs of comparisons that have a check of their own. */
function linkChecks(
  plan: Plan,
  facts: readonly LinkFact[],
  now: Date,
  gone: ReadonlySet<string>,
): EditorialCheck[] {
  const known = new Map(facts.map((each) => [each.url, each]));
  const links = linksOf(plan);
  const due = links.filter(({ url }) => isDue(known.get(url), now));
  const unfollowed = `${due.length} ${due.length === 1 ? 'link was' : 'links were'} not followed in the last ${LINK_DAYS} days.`;
  return [
    ...links.flatMap(({ url, about: comparison }): EditorialCheck[] => {
      const fact = known.get(url);
      if (fact === undefined || fact.reason === null || gone.has(comparison.slug)) return [];
      const isGone = fact.status === 404 || fact.status === 410;
      return [
        {
          id: isGone ? 'link.dead' : 'link.doubtful',
          level: isGone ? 'block' : 'warn',
          comparison,
          message: isGone
            ? `Its page is gone: it ${fact.reason}.`
            : `Following its link brought nothing: it ${fact.reason}.`,
          help: isGone
            ? 'Hold the comparison back, or mend the page and follow the links again.'
            : 'Open it yourself, and follow the links again.',
        },
      ];
    }),
    ...(due.length === 0
      ? []
      : [
          {
            id: 'link.unfollowed',
            level: 'warn' as const,
            comparison: null,
            message: unfollowed,
            help: 'Follow the links now.',
          },
        ]),
  ];
}

function isDue(fact: LinkFact | undefined, now: Date): boolean {
  return fact === undefined || now.getTime() - fact.checkedAt.getTime() >= LINK_DAYS * DAY;
}

/** Texts that sites print instead of an unknown price. */
const NO_PRICE = /^(?:[-–—?]+|n\/?a|tb[ad]|unknown|contact(?: us| sales)?|see (?:site|website))\.?$/iu;

function missingPrices(comparison: Comparison): EditorialCheck[] {
  return comparison.tools
    .filter(({ entryPrice }) => NO_PRICE.test(entryPrice.trim()))
    .map(({ name, entryPrice }) => ({
      id: 'price.missing',
      level: 'warn',
      comparison: about(comparison),
      message: `${name} has no entry price: the page says "${entryPrice}".`,
      help: 'Look whether the site prints one by now, or hold the comparison back.',
    }));
}

function comparisonChecks(planned: Comparison, facts: ComparisonFacts, now: Date): EditorialCheck[] {
  const found: EditorialCheck[] = [];
  const find = (id: string, level: EditorialCheck['level'], message: string, help: string) =>
    found.push({ id, level, comparison: about(planned), message, help });
  const days = (at: Date) => Math.floor((now.getTime() - at.getTime()) / DAY);

  if (facts.isHidden)
    find(
      'taken-down',
      'block',
      'It was taken down since the issue was composed.',
      'Compose the issue again: your choices stay, and it goes without this one.',
    );

  const moved = planned.tools.flatMap(({ name, entryPrice }) => {
    const today = facts.now.tools.find((tool) => nameKey(tool.name) === nameKey(name))?.entryPrice;
    return today === undefined || isSamePrice(today, entryPrice)
      ? []
      : [`${name} costs ${today} now, not ${entryPrice}`];
  });
  const again = 'Compose the issue again: your choices stay.';
  if (moved.length > 0) find('price.changed', 'block', `${moved.join('; ')}.`, again);
  else if (!isSame(planned, facts.now))
    find('content.changed', 'warn', 'Its page has changed since the issue was composed.', again);

  // A page that changed since we first saw it is as old as its last change, whatever date it prints.
  const source =
    facts.changedAt > facts.firstSeenAt ? facts.changedAt : (facts.publishedAt ?? facts.firstSeenAt);
  if (days(source) > STALE_DAYS)
    find(
      'stale',
      'warn',
      `What it says is ${days(source)} days old.`,
      'Look whether it still holds, and say so in the introduction, or hold it back.',
    );
  if (days(facts.readAt) > PRICE_DAYS)
    find(
      'price.old',
      'warn',
      `Its prices were last read ${days(facts.readAt)} days ago.`,
      'Gather now, or look at the page yourself.',
    );
  if (facts.carriedBy !== null)
    find(
      'repeated',
      'warn',
      `Issue ${facts.carriedBy} carried it less than ${WEEKS_APART} weeks ago.`,
      'Leave it out, unless there is something new to say.',
    );

  return found;
}

/** Votes are counted again every week and are not a change of the page. */
function isSame(planned: Comparison, now: Comparison): boolean {
  const withoutVotes = ({ tools, ...rest }: Comparison) => ({
    ...rest,
    tools: tools.map(({ readers: _, ...tool }: Comparison['tools'][0] & { readers?: unknown }) => tool),
  });
  return contentHash(withoutVotes(planned) as Comparison) === contentHash(withoutVotes(now) as Comparison);
}

/** A share or a price: readers take such a number for one of ours. */
const FIGURE = /[$€£¥]\s?\d+(?:[.,]\d+)*|\d+(?:[.,]\d+)*\s?%/gu;
const figuresIn = (text: string): string[] =>
  (text.match(FIGURE) ?? []).map((figure) => figure.replace(/\s/gu, ''));

/** Checks the editor's own texts; the default texts follow from the data. */
function wordChecks(plan: Plan): EditorialCheck[] {
  const found: EditorialCheck[] = [];
  const data = new Set(figuresIn(JSON.stringify([plan.comparisons, plan.changed, plan.readers])));
  const shares = new Set(
    [
      ...plan.comparisons.flatMap(({ comparison }) => comparison.tools),
      ...plan.readers.map(({ row }) => row),
    ].flatMap((each) =>
      Object.entries(each).flatMap(([name, value]) =>
        name.endsWith('Ship') && typeof value === 'number' ? [`${value}%`] : [],
      ),
    ),
  );
  const lines = { subject: plan.subject, preheader: plan.preheader, intro: plan.intro };
  for (const [line, text] of Object.entries(lines)) {
    if (text === null) continue;
    for (const figure of new Set(figuresIn(text))) {
      if (data.has(figure) || shares.has(figure)) continue;
      found.push({
        id: `figure.${line}`,
        level: line === 'intro' ? 'warn' : 'block',
        comparison: null,
        message: `The ${line} says ${figure}, and no comparison in the issue does.`,
        help: 'Write the figure that the comparison has.',
      });
    }
  }
  if (plan.subject !== null && isShouting(plan.subject, namesIn(plan)))
    found.push({
      id: 'subject.shouting',
      level: 'warn',
      comparison: null,
      message: 'The subject shouts: capitals, several exclamation marks or an emoji.',
      help: 'Say it calmly: filters and readers take shouting for spam.',
    });
  return found;
}

function namesIn({ comparisons }: Plan): string[] {
  return comparisons.flatMap(({ comparison }) => comparison.tools.map(({ name }) => name));
}

/** Names of tools may be in capitals, and may end in an exclamation mark. */
function isShouting(subject: string, names: readonly string[]): boolean {
  const rest = names.reduce((text, name) => text.replaceAll(name, ''), subject);
  const letters = rest.match(/\p{L}/gu)?.length ?? 0;
  const capitals = rest.match(/\p{Lu}/gu)?.length ?? 0;
  return (
    (letters >= 8 && capitals > letters / 2) ||
    /!.*!|[!?]{2}/u.test(rest) ||
    /\p{Extended_Pictographic}/u.test(rest)
  );
}

function about(comparison: Comparison): { slug: string; title: string } {
  return { slug: comparison.slug, title: title(comparison) };
}
