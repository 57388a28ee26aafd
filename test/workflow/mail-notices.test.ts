import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import notice from '../../emails/transactional/notice.tsx';
import { EVERY_KIND, type KindOfNotice, kindOf } from '../../src/notices/notice-kinds.ts';
import type { UnmailedNotice } from '../../src/notices/notice-store.ts';
import { renderTransactional } from '../../src/render/render-transactional.ts';
import { contentOf, isTime, LONG_PAUSE_MS, PAUSE_MS } from '../../src/workflow/mail-notices.ts';
import { NOTICE_RULES } from '../../src/workflow/notice-rules.ts';

const AT = new Date('2027-01-05T09:00:00Z');
const newsletter = { name: 'Verdicts', url: 'https://verdicts.example', postalAddress: '' };

function unmailed(more: Partial<UnmailedNotice> = {}): UnmailedNotice {
  return {
    ...{ id: '1', kind: 'source-failing', subject: 'site:https://a.example/', message: 'It failed.', at: AT },
    ...{ endedAt: null, recovery: null },
    ...more,
  };
}
const written = (notices: UnmailedNotice[]) => {
  const content = contentOf(notices, 'UTC');
  if (content === null) throw new Error('there is nothing to say');
  return notice.content({ ...content, isEditor: false, newsletter });
};

describe('the mail about notices', () => {
  it.each(EVERY_KIND)(
    'Y6: %s says what happened, since when, what stands still, what to do, and where',
    async (kind) => {
      const content = written([unmailed({ kind, subject: '2027-01-05', message: 'This happened.' })]);
      const { text } = await renderTransactional(content);
      const plain = text.replace(/\s+/gu, ' ');
      const { standsStill, whatToDo, isOver } = kindOf(kind);
      for (const part of [
        'This happened.',
        'Since Tuesday 5 January, 09:00 UTC.',
        standsStill,
        whatToDo,
        isOver,
      ])
        expect(plain).toContain(part);
      expect(text).toContain(`https://verdicts.example${kindOf(kind).page('2027-01-05')}`);
      expect(content.subject).not.toBe('');
      expect(NOTICE_RULES[kind].find).toBeTypeOf('function');
    },
  );

  it('every kind is in the table of docs/operating.md, with those who are mailed', () => {
    const rows = readFileSync('docs/operating.md', 'utf8').matchAll(
      /^\| `([a-z-]+)` \| (operators[a-z, ]*) \| /gmu,
    );
    const documented = new Map([...rows].map(([, kind, to]) => [kind, to]));
    const to = ({ isForEditors }: KindOfNotice) => (isForEditors ? 'operators, editors' : 'operators');
    expect(documented).toEqual(new Map(EVERY_KIND.map((kind) => [kind, to(kindOf(kind))])));
  });

  it('Y6: a hundred failing sources are one short mail', async () => {
    const many = Array.from({ length: 100 }, (_, index) =>
      unmailed({
        id: String(index),
        subject: `site:https://${index}.example/`,
        message: `Source ${index} failed.`,
      }),
    );
    const content = written(many);
    expect(content.subject).toBe('100 sources fail');
    const { html, text } = await renderTransactional(content);
    expect(text).toContain('And 95 more: the desk lists all of them.');
    expect(text.length).toBeLessThan(2_000);
    expect(html.length).toBeLessThan(20_000);
  });

  it('Y6: problems of several kinds are told with the worst first, beside what is over', () => {
    const content = written([
      unmailed(),
      unmailed({ id: '2', kind: 'issue-late', subject: '2027-01-05', message: 'It did not go out.' }),
      unmailed({ id: '3', kind: 'provider-away', subject: 'provider', message: 'No answer.', endedAt: AT }),
    ]);
    expect(content.subject).toBe('The issue of 2027-01-05 did not go out; A source fails');
    expect(content.sections?.map(({ title }) => title)).toEqual([
      'The issue of 2027-01-05 did not go out',
      'A source fails',
      'Over',
    ]);
    expect(content.sections?.[2]?.paragraphs).toEqual([
      'The mail provider answers again, and what waited is sent. (Tuesday 5 January, 09:00 UTC) It was: No answer.',
    ]);
  });

  it('an end without words is told to nobody', () => {
    const ended = unmailed({ kind: 'silent-week', endedAt: AT });
    expect(contentOf([ended], 'UTC')).toBeNull();
    expect(contentOf([{ ...ended, recovery: 'It is composed after all.' }], 'UTC')?.over).toHaveLength(1);
  });

  it('has a subject that fits into a list of mails, whatever happens', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            kind: fc.constantFrom(...EVERY_KIND),
            subject: fc.stringMatching(/^[a-z0-9-]{1,12}$/),
            isOver: fc.boolean(),
          }),
          { minLength: 1, maxLength: 40 },
        ),
        (given) => {
          const notices = given.map(({ kind, subject, isOver }, index) =>
            unmailed({ id: String(index), kind, subject, endedAt: isOver ? AT : null }),
          );
          const content = contentOf(notices, 'UTC');
          if (content === null) return;
          const { subject, sections } = notice.content({ ...content, isEditor: true, newsletter });
          expect(subject.length).toBeGreaterThan(5);
          expect(subject.length).toBeLessThanOrEqual(100);
          expect(sections?.length).toBeGreaterThan(0);
          const listed = content.groups.map(({ problems, more }) => problems.length + more);
          const begun = notices.filter(({ endedAt }) => endedAt === null);
          expect(listed.reduce((sum, each) => sum + each, 0)).toBe(begun.length);
        },
      ),
    );
  });
});

describe('the rate of mails about notices', () => {
  it('the first leaves at once, and what keeps coming is told at most thirty times a day', () => {
    expect(isTime([], AT)).toBe(true);
    let sent: Date[] = [];
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      const now = new Date(AT.getTime() + minute * 60_000);
      if (isTime(sent, now)) sent = [now, ...sent];
    }
    expect(sent.length).toBeLessThanOrEqual(30);
    const pauses = sent.slice(0, -1).map((at, index) => at.getTime() - (sent[index + 1]?.getTime() ?? 0));
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(PAUSE_MS);
    // I15: whatever happens is told within the hour.
    expect(Math.max(...pauses)).toBeLessThanOrEqual(LONG_PAUSE_MS);
  });
});
