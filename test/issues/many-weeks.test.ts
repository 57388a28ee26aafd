import { describe, expect, it } from 'vitest';
import { nameKey } from '../../src/comparisons/names.ts';
import { changedVerdict } from '../../src/issues/changes.ts';
import { formOf } from '../../src/issues/subject.ts';
import { lengthOf } from '../../src/issues/truncate.ts';
import { variantFor } from '../../src/issues/variants.ts';
import { type SimulatedWeek, simulateWeeks, type World } from '../helpers/simulated-weeks.ts';

/** Sixty issues in a row, of several sites. */

const WORLDS: [string, World][] = [
  ['a small site', { seed: 1, weeks: 60, fresh: [2, 4], churn: 0.02 }],
  ['a usual site', { seed: 2, weeks: 60, fresh: [3, 12], churn: 0.06 }],
  ['a lively site', { seed: 3, weeks: 60, fresh: [3, 12], churn: 0.15 }],
  ['a site of splits', { seed: 4, weeks: 60, fresh: [2, 6], churn: 0.06, isAllSplit: true }],
  [
    'a flood of new pages',
    { seed: 5, weeks: 60, fresh: [3, 12], churn: 0.06, flood: { week: 20, pages: 1_000 } },
  ],
  ['a site that reprints everything', { seed: 6, weeks: 60, fresh: [3, 12], churn: 0.95 }],
];

function linesOf({ plan }: SimulatedWeek) {
  const content = plan && variantFor(plan, []);
  if (!content || !plan?.comparisons[0]) throw new Error('a week without an issue');
  const { subject, preheader } = content;
  return { subject, preheader, lead: plan.comparisons[0].comparison, form: plan.form };
}

describe.each(WORLDS)('60 issues in a row of %s', (_, world) => {
  const weeks = simulateWeeks(world);
  const lines = weeks.map(linesOf);

  it('have no form of subject more than three times running', () => {
    const runs = lines.map(
      ({ form }, at) => lines.slice(at, at + 4).filter((each) => each.form === form).length,
    );
    // Two forms for every verdict are enough for that.
    expect(lines.flatMap((line, at) => (runs[at] === 4 ? [line.subject] : []))).toEqual([]);
  });

  it('have no tool leading twice within four issues where there is another candidate', () => {
    const keys = lines.map(({ lead }) => lead.tools.map(({ name }) => nameKey(name)));
    weeks.forEach(({ candidates }, at) => {
      const recent = new Set(keys.slice(Math.max(0, at - 3), at).flat());
      const others = candidates.filter(
        ({ comparison }) => !comparison.tools.some(({ name }) => recent.has(nameKey(name))),
      );
      if (others.length > 0) expect(keys[at]?.filter((key) => recent.has(key))).toEqual([]);
    });
  });

  it('have no tool of the lead in the preheader, and no subject twice within eight issues', () => {
    for (const { preheader, lead } of lines)
      for (const { name } of lead.tools) expect(preheader).not.toContain(name.split(' ')[0]);
    const twice = lines.filter(({ subject }, at) =>
      lines.slice(Math.max(0, at - 8), at).some((line) => line.subject === subject),
    );
    expect(twice.map(({ subject }) => subject)).toEqual([]);
  });

  it('have subjects of 30 to 55 characters, most of them', () => {
    // Names of these worlds are longer than most: reasons.test.ts counts real ones.
    const others = lines.filter(({ subject }) => lengthOf(subject) < 30 || lengthOf(subject) > 55);
    expect(others.length, others.map(({ subject }) => subject).join('\n')).toBeLessThanOrEqual(12);
  });

  it('tell nothing twice, and every change once', () => {
    weeks.forEach(({ mailed, told, plan }) => {
      expect(new Set(told.map(({ slug }) => slug)).size).toBe(told.length);
      const news = mailed.flatMap((each) => changedVerdict(each)?.row ?? []);
      const toldChanges = told.filter(({ section }) => section === 'changed').map(({ slug }) => slug);
      expect(toldChanges.toSorted()).toEqual(news.map(({ slug }) => slug).toSorted());
      const turned = news.filter(({ kind }) => kind === 'turned');
      const counted = (plan?.summary ?? []).filter(({ row }) => row.kind === 'turned');
      const shown = plan?.changed.filter(({ row }) => row.kind === 'turned').length ?? 0;
      expect(shown + counted.reduce((sum, { row }) => sum + row.count, 0)).toBe(turned.length);
    });
    // As new, a comparison is told once in its life.
    const asNew = weeks.flatMap(({ told }) => told.filter(({ section }) => section === 'new'));
    expect(new Set(asNew.map(({ slug }) => slug)).size).toBe(asNew.length);
  });

  it('tell a comparison as changed two issues in a row only when its verdict turned', () => {
    weeks.slice(1).forEach(({ told }, at) => {
      const before = new Set(
        weeks[at]?.told
          .filter(({ section, told: how }) => section === 'changed' && how === 'row')
          .map(({ slug }) => slug),
      );
      const again = told.filter(({ slug, section }) => section === 'changed' && before.has(slug));
      expect(again.filter(({ change }) => change?.kind !== 'turned')).toEqual([]);
    });
  });

  it('leave at most forty new comparisons waiting', () => {
    for (const { backlog } of weeks) expect(backlog).toBeLessThanOrEqual(40);
    expect(weeks.at(-1)?.backlog).toBe(0);
  });

  it('are the same for the same seed', () => {
    expect(simulateWeeks({ ...world, weeks: 12 }).map(linesOf)).toEqual(lines.slice(0, 12));
  });
});

it('the form of a subject is the one that its past says', () => {
  const [first] = simulateWeeks({ seed: 9, weeks: 1, fresh: [3, 3], churn: 0 });
  const lead = first?.plan?.comparisons[0]?.comparison;
  if (lead === undefined) throw new Error('no lead');
  const direct = formOf(lead, []);
  expect(formOf(lead, [direct])).toBe(direct);
  expect(formOf(lead, [direct, direct])).not.toBe(direct);
  // The editor's own subjects have no form.
  expect(formOf(lead, [null, null, direct, null])).toBe(direct);
});
