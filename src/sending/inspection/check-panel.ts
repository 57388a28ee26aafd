import type { Plan } from '../../issues/compose.ts';
import type { ComparisonFacts, LinkFact, SiteFacts } from '../../issues/editorial.ts';
import { editorialChecks } from '../../issues/editorial.ts';
import type { Check } from '../../render/checks.ts';

/**
 * All known problems of an issue in one list: the renderer's lint of each variant, the checks of its comparisons,
 * and the state of sources and installation. Only problems that refuse an approval are red (`block`); everything
 * else is a warning, however bad it is.
 */

export type Area = 'size' | 'words' | 'mail' | 'comparisons' | 'links' | 'sources' | 'set-up';

export interface PanelCheck {
  /** Stable: the id of the check, plus the comparison that it is about, if any. An override names this key. */
  key: string;
  area: Area;
  level: 'block' | 'warn';
  /** The topics of the variant that it is about; null: it is about the whole issue. */
  topics: string[] | null;
  /** The part of the mail, or the thing that it is about. */
  where: string;
  comparison: { slug: string; title: string } | null;
  message: string;
  help: string;
  isOverridable: boolean;
  override: Override | null;
}

/** A publisher's decision to accept a red check, for one plan in one template. */
export interface Override {
  key: string;
  reason: string;
  who: string;
  at: Date;
}

/** A variant and its lint results. */
export interface Linted {
  content: { topics: string[] };
  checks: readonly Check[];
}

/** The fields of a rendered variant that an inspection needs. */
export interface RenderedIssue extends Linted {
  number: number;
  /** Size of the HTML in UTF-8. */
  bytes: number;
}

export interface CheckInput {
  plan: Plan;
  variants: readonly Linted[];
  facts: readonly ComparisonFacts[];
  links: readonly LinkFact[];
  site?: SiteFacts;
  overrides: readonly Override[];
  now: Date;
}

/** Checks that the desk shows but that never block an approval. */
export interface CheckContext {
  /** Sources whose last gatherings failed. */
  failing: readonly { source: string; reason: string | null }[];
  /** How many pages became unreadable since the last sent issue. */
  quarantined: number;
  /** Checks of the settings and of DNS. */
  setUp: readonly { level: 'ok' | 'warn' | 'block'; about: string; message: string; help: string }[];
}

/**
 * Red checks that a publisher may override. The list names what may be overridden, so a new check cannot be until
 * somebody adds it. Never on it: what the law requires (postal address, unsubscribe, preferences), what Gmail would
 * clip, what is broken for every reader (placeholders, encoding, dead or active content, a comparison or its
 * verdict missing, or gone from its site), and what would forge a header.
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

/** Returns all findings, red ones first, each once even if several variants have it. Pure. */
export function panelOf(
  { plan, variants, facts, links, site, overrides, now }: CheckInput,
  context?: CheckContext,
): PanelCheck[] {
  const byKey = new Map(overrides.map((each) => [each.key, each]));
  const found: PanelCheck[] = [];
  const seen = new Set<string>();
  const add = (id: string, check: Omit<PanelCheck, 'key' | 'isOverridable' | 'override'>) => {
    const key = check.comparison === null ? id : `${id}:${check.comparison.slug}`;
    const identity = JSON.stringify([key, check.where, check.message]);
    if (seen.has(identity)) return;
    seen.add(identity);
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
  for (const { id, level, comparison, message, help } of editorialChecks(plan, facts, links, now, site)) {
    const where =
      comparison?.title ?? (id.startsWith('link.') ? 'Links' : id === 'reprint' ? 'Changes' : 'First lines');
    add(id, { area: areaOf(id), level, topics: null, where, comparison, message, help });
  }
  if (context !== undefined) for (const each of contextChecks(context)) add(each.id, each.check);
  return found.toSorted((a, b) => rank(a) - rank(b));
}

/** Whether an approval is refused because of it. */
export function isBlocking({ level, override }: PanelCheck): boolean {
  return level === 'block' && override === null;
}

const rank = (check: PanelCheck): number => (isBlocking(check) ? 0 : check.level === 'block' ? 1 : 2);

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
  if (/^(?:price\.|stale$|repeated$|taken-down$|gone$|reprint$|content\.changed$)/u.test(id))
    return 'comparisons';
  if (id === 'postal-address') return 'set-up';
  return 'mail';
}

function contextChecks({ failing, quarantined, setUp }: CheckContext) {
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
