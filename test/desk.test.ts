import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyEdit, type Edit, NO_CHOICES } from '../src/issues/edit.ts';
import { inertLinks } from '../src/render/index.ts';

/** The rules of the desk that need neither a database nor a page. */

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

  it('that moves keeps every comparison, once, however often it is done', () => {
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

  it('that moves something above a pinned lead pins it instead', () => {
    const pinned = applyEdit(NO_CHOICES, { kind: 'lead', slug: 'a' }, ORDER);
    const moved = applyEdit(pinned, { kind: 'up', slug: 'b' }, ORDER);
    expect([moved.lead, moved.order]).toEqual(['b', ['b', 'a', 'c', 'd']]);
  });

  it('of something that is gone, without a reason or with too long a line is refused', () => {
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

describe('inert links', () => {
  it('lead nowhere, whatever quotes they stand in, and nothing else is touched', () => {
    const html =
      '<p title="href=x">a href="kept"</p><a class="x" HREF = \'https://a.example/?a>b\'>1</a><a data-x="<a href=y>" href=https://b.example/>2</a>';
    expect(inertLinks(html)).toBe(
      '<p title="href=x">a href="kept"</p><a class="x" HREF = "#">1</a><a data-x="<a href=y>" href="#">2</a>',
    );
  });
});
