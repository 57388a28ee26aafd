import { load } from 'cheerio';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLACEHOLDERS, type PlaceholderName } from '../src/issues/index.ts';
import { compile, personalise, renderVariant, TEMPLATES } from '../src/render/index.ts';
import { goldenIssue } from './fixtures/golden-issue.ts';

const names = Object.keys(PLACEHOLDERS) as PlaceholderName[];
const values = fc.record({
  unsubscribe: fc.webUrl({ withQueryParameters: true }),
  preferences: fc.string(),
  vote: fc.string(),
});

/** Texts that hold placeholders, whole, doubled and cut short. */
const source = fc
  .array(
    fc.oneof(
      fc.string(),
      fc.constantFrom(...Object.values(PLACEHOLDERS), 'https://placeholder.invalid/', 'unsubscribe'),
    ),
  )
  .map((pieces) => pieces.join(''));

const escapeHtml = (value: string): string =>
  value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

const replaced = (text: string, value: (name: PlaceholderName) => string): string =>
  // One pass: a value may itself look like a placeholder.
  text.replace(new RegExp(Object.values(PLACEHOLDERS).join('|'), 'gu'), (found) =>
    value(names.find((name) => PLACEHOLDERS[name] === found) ?? 'unsubscribe'),
  );

describe('personalise', () => {
  it('equals replacing every placeholder in the source', () => {
    fc.assert(
      fc.property(source, source, values, (html, text, own) => {
        expect(personalise(compile({ html, text }), own)).toEqual({
          html: replaced(html, (name) => escapeHtml(own[name])),
          text: replaced(text, (name) => own[name]),
        });
      }),
    );
  });

  it('cuts into one literal more than there are slots, and loses nothing', () => {
    fc.assert(
      fc.property(source, (html) => {
        const { literals, slots } = compile({ html, text: '' }).html;
        expect(literals).toHaveLength(slots.length + 1);
        expect(literals.join('')).toBe(replaced(html, () => ''));
      }),
    );
  });

  it.each(TEMPLATES)(
    '%s: a value with quotes, brackets and ampersands stays inside its attribute',
    async (template) => {
      const variant = await renderVariant(goldenIssue, template);
      const own = {
        unsubscribe: 'https://verdicts.example/u/a?b=1&c="><script>alert(1)</script>',
        preferences: "https://verdicts.example/p/a'b&amp;",
        vote: 'https://verdicts.example/v/a"b',
      };
      const { html, text } = personalise(compile(variant), own);
      const $ = load(html);
      const hrefs = $('a')
        .toArray()
        .map((one) => $(one).attr('href'));
      expect($('script')).toHaveLength(0);
      expect(hrefs).toContain(own.unsubscribe);
      expect(hrefs).toContain(own.preferences);
      expect(hrefs).toContain(`${own.vote}/kestrel-vs-quillwright/a/ship`);
      expect(text.split('\n')).toContain(own.unsubscribe);
      expect(html + text).not.toContain('placeholder.invalid');
    },
  );
});
