import type { Plan } from '../../issues/compose.ts';
import type { ComparisonFacts, LinkFact } from '../../issues/editorial.ts';
import { editorialChecks } from '../../issues/editorial.ts';
import type { Check } from '../../render/checks.ts';

/**
 * Everything that is known to be wrong with an issue, in one list: what the renderer's lint says of each variant,
 * what the known say of its comparisons, and how sources and installation are. Red is what an approval is
 * refused for, and nothing else is red: a finding of another kind asks to look, however bad it is.
 */

export type Area = 'size' | 'words' | 'mail' | 'comparisons' | 'links' | 'sources' | 'set-up';

export interface PanelCheck {
  /** Stable: the id, and the comparison where it is about one. What an override names. */
  key: string;
  area: Area;
  level: 'block' | 'warn';
  /** For readers of which topics, where it is about a variant; none: of everything. */
  topics: string[] | null;
  /** Which part of the mail, or what it is about. */
  where: string;
  comparison: { slug: string; title: string } | null;
  message: string;
  help: string;
  isOverridable: boolean;
  override: Override | null;
}

/** A publisher's word that a red check may stand, for one plan in one template. */
export interface Override {
  key: string;
  reason: string;
  who: string;
  at: Date;
}

/** A variant and what its lint found. */
export interface Linted {
  content: { topics: string[] };
  checks: readonly Check[];
}

export interface CheckInput {
  plan: Plan;
  variants: readonly Linted[];
  facts: readonly ComparisonFacts[];
  links: readonly LinkFact[];
  overrides: readonly Override[];
  now: Date;
}

/** What is looked at on the desk, and stops nobody. */
export interface CheckContext {
  /** Sources of which the last gatherings brought nothing. */
  failing: readonly { source: string; reason: string | null }[];
  /** Pages that became unreadable since the last issue that was sent. */
  quarantined: number;
  /** Of the settings and of DNS. */
  setUp: readonly { level: 'ok' | 'warn' | 'block'; about: string; message: string; help: string }[];
}

/**
 * Red checks that a publisher may let stand. The list is of what may, so that a new check is firm until somebody
 * decides. Never: what the law asks for (postal address, unsubscribe, preferences), what Gmail would cut off,
 * what is broken for every reader (placeholders, encoding, dead or active content, a comparison or its verdict
 * missing), and what would forge a header.
 */
const OVERRIDABLE: ReadonlySet<string> = new Set([
  'a11y.alt',
  'a11y.h1',
  'a11y.title',
  'a11y.contrast',
  'a11y.headings',
  'a11y.language',
  'a11y.tables',
  'html.external',
  'size.style',
  'price.changed',
  'link.dead',
  'figure.subject',
  'figure.preheader',
]);

/** All findings, red ones first, each once whatever the number of variants it is in. Pure. */
export function panelOf(
  { plan, variants, facts, links, overrides, now }: CheckInput,
  surroundings?: CheckContext,
): PanelCheck[] {
  const byKey = new Map(overrides.map((each) => [each.key, each]));
  const found: PanelCheck[] = [];
  const seen = new Set<string>();
  const add = (id: string, check: Omit<PanelCheck, 'key' | 'isOverridable' | 'override'>) => {
    const key = check.comparison === null ? id : `${id}:${check.comparison.slug}`;
    const print = JSON.stringify([key, check.where, check.message]);
    if (seen.has(print)) return;
    seen.add(print);
    const isOverridable = check.level === 'block' && OVERRIDABLE.has(id);
    found.push({ ...check, key, isOverridable, override: (isOverridable && byKey.get(key)) || null });
  };

  for (const { content, checks } of variants)
    for (const { id, level, where, message, help } of checks)
      add(id, {
        area: areaOf(id),
        level,
        topics: content.topics,
        where: PARTS[where],
        comparison: null,
        message,
        help,
      });
  for (const { id, level, comparison, message, help } of editorialChecks(plan, facts, links, now)) {
    const where = comparison?.title ?? (id.startsWith('link.') ? 'Links' : 'First lines');
    add(id, { area: areaOf(id), level, topics: null, where, comparison, message, help });
  }
  if (surroundings !== undefined) for (const each of contextOf(surroundings)) add(each.id, each.check);
  return found.toSorted((a, b) => rank(a) - rank(b));
}

/** Whether an approval is refused for it. */
export function stops({ level, override }: PanelCheck): boolean {
  return level === 'block' && override === null;
}

const rank = (check: PanelCheck): number => (stops(check) ? 0 : check.level === 'block' ? 1 : 2);

const PARTS: Record<Check['where'], string> = {
  html: 'Mail',
  text: 'Plain text',
  subject: 'Subject',
  preheader: 'Preheader',
  content: 'Content',
};

function areaOf(id: string): Area {
  if (id.startsWith('size.')) return 'size';
  if (/^(?:subject|preheader|figure)\./u.test(id)) return 'words';
  if (id.startsWith('link.') || id === 'content.links') return 'links';
  if (/^(?:price\.|stale$|repeated$|taken-down$|content\.changed$)/u.test(id)) return 'comparisons';
  if (id === 'postal-address') return 'set-up';
  return 'mail';
}

function contextOf({ failing, quarantined, setUp }: CheckContext) {
  const warn = { level: 'warn' as const, topics: null, comparison: null };
  return [
    ...failing.map(({ source, reason }) => ({
      id: 'source.failing',
      check: {
        ...warn,
        area: 'sources' as const,
        where: source,
        message: `Nothing comes from it: ${reason ?? 'nobody knows why'}.`,
        help: 'Look whether the site has moved, or take it out of SOURCES.',
      },
    })),
    ...(quarantined === 0
      ? []
      : [
          {
            id: 'source.quarantine',
            check: {
              ...warn,
              area: 'sources' as const,
              where: 'Quarantine',
              message: `${quarantined} ${quarantined === 1 ? 'page' : 'pages'} could not be read since the last issue.`,
              help: 'What is on them is not in this issue; each is read again when it changes.',
            },
          },
        ]),
    ...setUp
      .filter(({ level }) => level !== 'ok')
      .map(({ about, message, help }) => ({
        id: 'set-up',
        check: { ...warn, area: 'set-up' as const, where: about, message, help },
      })),
  ];
}
