import { describe, expect, it } from 'vitest';
import { compose, type Plan } from '../../src/issues/compose.ts';
import { type ComparisonFacts, editorialChecks, type LinkFact, linksOf } from '../../src/issues/editorial.ts';
import type { Check } from '../../src/render/checks.ts';
import type { Override } from '../../src/sending/inspection/check-panel.ts';
import { isBlocking, panelOf } from '../../src/sending/inspection/check-panel.ts';
import { candidate, comparison, input, tool } from '../helpers/compose.ts';

const NOW = new Date('2026-11-23T10:00:00Z');
const daysAgo = (days: number) => new Date(NOW.getTime() - days * 24 * 3_600_000);
const PAIR = comparison('orca-vs-hedge', tool('Orca', 50), tool('Hedge', 75, { entryPrice: '$20/mo' }));

function planOf(words: { subject?: string; preheader?: string; intro?: string } = {}, pair = PAIR): Plan {
  const composed = compose(input([candidate(pair)], { editor: words }));
  if (composed.kind !== 'composed') throw new Error(composed.reason);
  return composed.plan;
}

const facts = (more: Partial<ComparisonFacts> = {}): ComparisonFacts => ({
  ...{ slug: PAIR.slug, now: PAIR, publishedAt: null, carriedBy: null, isHidden: false },
  ...{ firstSeenAt: daysAgo(3), changedAt: daysAgo(3), readAt: daysAgo(0) },
  ...more,
});
const followed = (more: Partial<LinkFact> = {}): LinkFact => ({
  ...{ url: PAIR.url, status: 200, reason: null, checkedAt: daysAgo(1) },
  ...more,
});
const found = (plan: Plan, fact = facts(), links = [followed()]) =>
  editorialChecks(plan, [fact], links, NOW).map(({ level, id }) => `${level} ${id}`);

describe('the editorial checks', () => {
  it('find nothing in an issue that agrees with its pages', () => {
    expect(found(planOf())).toEqual([]);
    expect(editorialChecks(planOf(), [], [followed()], NOW)).toEqual([]);
  });

  const dearer = {
    ...PAIR,
    tools: [PAIR.tools[0], { ...PAIR.tools[1], entryPrice: '$25/mo' }] as typeof PAIR.tools,
  };
  const reworded = {
    ...PAIR,
    tools: [PAIR.tools[0], { ...PAIR.tools[1], tagline: 'New.' }] as typeof PAIR.tools,
  };
  it.each<[string, Partial<ComparisonFacts>, string[]]>([
    ['a price that moved since', { now: dearer }, ['block price.changed']],
    ['another word on its page since', { now: reworded }, ['warn content.changed']],
    ['published 61 days ago', { publishedAt: daysAgo(61) }, ['warn stale']],
    ['published 60 days ago', { publishedAt: daysAgo(60) }, []],
    ['published long ago and changed since', { publishedAt: daysAgo(400), changedAt: daysAgo(2) }, []],
    ['last read 31 days ago', { readAt: daysAgo(31) }, ['warn price.old']],
    ['last read 30 days ago', { readAt: daysAgo(30) }, []],
    ['in an issue of last month', { carriedBy: '2026-10-27' }, ['warn repeated']],
  ])('of a comparison: %s', (_, more, expected) => {
    expect(found(planOf(), facts(more))).toEqual(expected);
  });

  it('name the current price and the composed one', () => {
    const [check] = editorialChecks(planOf(), [facts({ now: dearer })], [followed()], NOW);
    expect(check?.message).toBe('Hedge costs $25/mo now, not $20/mo.');
  });

  it('do not report readers’ votes as a change of the page', () => {
    const plan = planOf();
    for (const { comparison: each } of plan.comparisons) each.tools[0].readers = { ship: 3, skip: 1 };
    expect(found(plan)).toEqual([]);
  });

  it.each(['—', 'N/A', 'unknown', '?', 'Contact sales'])(
    'miss a price where the page says "%s"',
    (entryPrice) => {
      const pair = comparison(PAIR.slug, tool('Orca', 50, { entryPrice }), PAIR.tools[1]);
      expect(found(planOf({}, pair), facts({ now: pair }))).toEqual(['warn price.missing']);
    },
  );

  it.each<[string, LinkFact[], string[]]>([
    ['never followed', [], ['warn link.unfollowed']],
    ['followed a week ago', [followed({ checkedAt: daysAgo(7) })], ['warn link.unfollowed']],
    ['gone', [followed({ status: 404, reason: 'answered 404' })], ['block link.dead']],
    ['gone for good', [followed({ status: 410, reason: 'answered 410' })], ['block link.dead']],
    ['at a server in trouble', [followed({ status: 500, reason: 'answered 500' })], ['warn link.doubtful']],
    ['without an answer', [followed({ status: null, reason: 'has no address' })], ['warn link.doubtful']],
  ])('of a link: %s', (_, links, expected) => {
    expect(found(planOf(), facts(), links)).toEqual(expected);
  });

  it.each<[string, Parameters<typeof planOf>[0], string[]]>([
    ['a share that a tool has', { subject: 'Orca: only 50% of the panel would ship it' }, []],
    ['a price that a tool has', { intro: 'Hedge is $20 a month.' }, []],
    [
      'a share that no tool has',
      { subject: 'Orca: 62% of the panel would ship it' },
      ['block figure.subject'],
    ],
    ['a price that no tool has', { preheader: 'Hedge at $19, and what it does' }, ['block figure.preheader']],
    ['a figure of the editor’s own', { intro: 'Prices rose by 12% this year.' }, ['warn figure.intro']],
    ['shouting', { subject: 'THE BEST TOOL EVER MADE' }, ['warn subject.shouting']],
    ['a row of exclamation marks', { subject: 'Ship Orca! Ship it now!' }, ['warn subject.shouting']],
    ['an emoji', { subject: 'Ship Orca today \u{1F680}' }, ['warn subject.shouting']],
  ])('of the first lines: %s', (_, words, expected) => {
    expect(found(planOf(words))).toEqual(expected);
  });

  it.each([
    ['be in capitals', 'ORCASTRA STUDIO', 'Ship ORCASTRA STUDIO'],
    ['have exclamation marks', 'Hurrah!!', 'Ship Hurrah!! and skip the rest'],
  ])('let the name of a tool %s', (_, name, subject) => {
    const pair = comparison(PAIR.slug, tool(name, 50), PAIR.tools[1]);
    expect(found(planOf({ subject }, pair), facts({ now: pair }))).toEqual([]);
  });

  it('follow every page of the issue once, and no personal link', () => {
    expect(linksOf(planOf()).map(({ url }) => url)).toEqual([PAIR.url]);
  });
});

describe('the panel', () => {
  const lint = (id: string, level: Check['level'] = 'block'): Check => ({
    ...{ id, level, where: 'html', message: `${id} is wrong.`, help: 'Mend it.' },
  });
  const panel = (checks: Check[], overrides: Override[] = []) =>
    panelOf({
      plan: planOf(),
      variants: [
        { content: { topics: [] }, checks },
        { content: { topics: ['Coding'] }, checks },
      ],
      ...{ facts: [facts()], links: [followed()], overrides, now: NOW },
    });
  const stands = (key: string): Override => ({ key, reason: 'It may stand.', who: 'chief', at: NOW });

  it('lists a problem of several variants once, red ones first', () => {
    expect(panel([lint('html.link-text', 'warn'), lint('a11y.alt')]).map(({ key }) => key)).toEqual([
      'a11y.alt',
      'html.link-text',
    ]);
  });

  it.each(['a11y.alt', 'a11y.h1', 'size.style', 'html.external'])('allows an override of %s', (id) => {
    const [check] = panel([lint(id)], [stands(id)]);
    expect(check).toMatchObject({ isOverridable: true, override: { who: 'chief' } });
    expect(check && isBlocking(check)).toBe(false);
  });

  it.each([
    ...[
      'postal-address',
      'unsubscribe',
      'preferences',
      'size.html',
      'facts',
      'encoding',
      'html.active',
      'html.links',
    ],
    ...[
      'leftover.template',
      'leftover.undefined',
      'leftover.nan',
      'leftover.object',
      'subject.line',
      'a.new.check',
    ],
  ])('lets nobody pass over %s', (id) => {
    const [check] = panel([lint(id)], [stands(id)]);
    expect(check).toMatchObject({ isOverridable: false, override: null });
    expect(check && isBlocking(check)).toBe(true);
  });

  it('never blocks an issue because of sources or settings', () => {
    const checks = panelOf(
      { plan: planOf(), variants: [], facts: [facts()], links: [followed()], overrides: [], now: NOW },
      {
        failing: [{ source: 'site:https://site.example/', reason: 'answered 500' }],
        quarantined: 2,
        setUp: [
          {
            level: 'block',
            about: '_dmarc.mail.example',
            message: 'There is no policy.',
            help: 'Publish one.',
          },
          { level: 'ok', about: 'PUBLIC_URL', message: 'Well.', help: '' },
        ],
      },
    );
    expect(checks.map(({ level, where }) => `${level} ${where}`)).toEqual([
      'warn site:https://site.example/',
      'warn Quarantine',
      'warn _dmarc.mail.example',
    ]);
  });
});
