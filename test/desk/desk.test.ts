import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logPage } from '../../src/desk/audit/log-page.tsx';
import { REASON_MAX_LENGTH, reasonIn } from '../../src/desk/this-week/decisions.ts';
import { applyEdit, type Edit, NO_CHOICES } from '../../src/issues/edit.ts';
import { disableLinks } from '../../src/render/disable-links.ts';

/** Rules of the desk that need neither a database nor a server. */

const ORDER = ['a', 'b', 'c', 'd'];

describe('an edit', () => {
  const edits: fc.Arbitrary<Edit> = fc.oneof(
    fc.record({ kind: fc.constantFrom('up' as const, 'down' as const), slug: fc.constantFrom(...ORDER) }),
    fc.record({
      kind: fc.constant('move' as const),
      slug: fc.constantFrom(...ORDER),
      before: fc.option(fc.constantFrom(...ORDER)),
    }),
  );

  it('that moves comparisons keeps each of them once, however often it is done', () => {
    fc.assert(
      fc.property(fc.array(edits, { maxLength: 12 }), (steps) => {
        let choices = NO_CHOICES;
        for (const step of steps) {
          choices = applyEdit(choices, step, choices.order.length > 0 ? choices.order : ORDER);
          if (choices.order.length > 0) expect(choices.order.toSorted()).toEqual(ORDER);
        }
      }),
    );
  });

  it('that moves a comparison above a pinned lead pins it instead', () => {
    const pinned = applyEdit(NO_CHOICES, { kind: 'lead', slug: 'a' }, ORDER);
    const moved = applyEdit(pinned, { kind: 'up', slug: 'b' }, ORDER);
    expect([moved.lead, moved.order]).toEqual(['b', ['b', 'a', 'c', 'd']]);
  });

  it('of a missing comparison, without a reason, or with too long a line is refused', () => {
    for (const edit of [
      { kind: 'up', slug: 'x' },
      { kind: 'leave_out', slug: 'a', reason: ' \n ' },
      { kind: 'words', subject: 'x'.repeat(200), preheader: '', intro: '' },
    ] satisfies Edit[])
      expect(() => applyEdit(NO_CHOICES, edit, ORDER)).toThrow(
        expect.objectContaining({ code: 'edit-refused' }),
      );
  });
});

describe('disabled links', () => {
  it('lead nowhere, with any kind of quotes, and nothing else is changed', () => {
    const html =
      '<p title="href=x">a href="kept"</p><a class="x" HREF = \'https://a.example/?a>b\'>1</a><a data-x="<a href=y>" href=https://b.example/>2</a>';
    expect(disableLinks(html)).toBe(
      '<p title="href=x">a href="kept"</p><a class="x" HREF = "#">1</a><a data-x="<a href=y>" href="#">2</a>',
    );
  });
});

describe('the log', () => {
  const site = {
    ...{
      publicUrl: 'https://verdicts.example',
      newsletterName: 'Verdicts',
      postalAddress: '',
      replyTo: 'a@b.example',
    },
  };
  const editor = { email: 'desk@verdicts.example', role: 'editor' as const };
  const stored = { editor, hash: '', usedPasskey: false, ownsPasskey: false, isFresh: true };
  const session = {
    ...{ editor, stored, isPublisher: false, step: undefined, csrf: '' },
    form: new URLSearchParams(),
  };

  it('has one line for each action, even for a very long text', () => {
    const at = new Date('2026-11-22T14:02:00Z');
    const details = {
      kind: 'words',
      subject: '',
      intro: '\u{1F990}'.repeat(60_000),
      withoutTopics: ['a', 'b'],
    };
    const entries = [{ id: 1, at, who: editor.email, what: 'edited' as const, issue: '2026-11-24', details }];
    const html = logPage(site, { session, entries, more: undefined, zone: 'UTC' });
    expect(html).toContain('edited 2026-11-24');
    expect(html).toContain(`kind: words · intro: ${'\u{1F990}'.repeat(200)}… · withoutTopics: a, b`);
    expect(html).not.toContain('subject: ');
  });
});

describe('a reason', () => {
  it('is truncated at its limit, after a whole character', () => {
    const given = (reason: string) => reasonIn(new URLSearchParams({ reason }));
    expect(given('  a fault in the lead ')).toBe('a fault in the lead');
    const long = given(`${'x'.repeat(REASON_MAX_LENGTH - 1)}\u{1F990} and more`);
    expect([long.length, long.isWellFormed()]).toEqual([REASON_MAX_LENGTH, true]);
  });
});
