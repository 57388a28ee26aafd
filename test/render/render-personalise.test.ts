import { load } from 'cheerio';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLACEHOLDERS, type PlaceholderName } from '../../src/issues/content.ts';
import { compile, personalise } from '../../src/render/personalise.ts';
import { renderVariant, TEMPLATES } from '../../src/render/render-variant.ts';
import { goldenIssue } from '../fixtures/golden-issue.ts';

const names = Object.keys(PLACEHOLDERS) as PlaceholderName[];
const values = fc.record({
  unsubscribe: fc.webUrl({ withQueryParameters: true }),
  preferences: fc.string(),
  vote: fc.string(),
});

/** A part of a rendered variant: a link that our own template printed, or anything else. */
type Piece = { own: PlaceholderName } | { other: string };

/** Text between our links that contains placeholders, but not as a template prints them. */
const elsewhere = {
  html: (url: string) => [
    ` ${url} `,
    `href='${url}' `,
    `href=${url} `,
    `href="https://evil.example/?r=${url}"`,
    `href="https://evil.example/${url}/a/b/ship"`,
    `href="https://evil.example/#${url}"`,
    `href="${url}.evil.example"`,
    `href="${url}x"`,
    `href="${url}?x"`,
    `href=" ${url}"`,
    `href="${url.toUpperCase()}"`,
    `alt="${url}" `,
    `href=&quot;${url}&quot;`,
  ],
  text: (url: string) => [
    `https://evil.example/?r=${url}`,
    `https://evil.example/${url}/a/b/ship`,
    `"${url}"`,
    `(${url})`,
    `${url}x`,
    `${url}?x`,
    `${url}.evil.example`,
    url.toUpperCase(),
  ],
};

const pieces = (part: 'html' | 'text') =>
  fc.array(
    fc.oneof(
      fc.constantFrom(...names).map((own): Piece => ({ own })),
      fc
        .constantFrom(...names.flatMap((name) => elsewhere[part](PLACEHOLDERS[name])))
        .map((other): Piece => ({ other })),
      fc.string().map((other): Piece => ({ other: other.replace(/[<>"']/gu, '') })),
    ),
  );

/** Prints the parts as the engines do; `value` gives the text for a link of ours. */
const printed = (part: 'html' | 'text', all: Piece[], value: (name: PlaceholderName) => string): string =>
  all
    .map((piece) => {
      if ('other' in piece) return part === 'html' ? `<a ${piece.other}>` : `\n${piece.other}\n`;
      const link = value(piece.own) + (piece.own === 'vote' ? '/x' : '');
      return part === 'html' ? `<a href="${link}">` : `\n${link}\n`;
    })
    .join('');

const escapeHtml = (value: string): string =>
  value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

describe('personalise', () => {
  it("F1: puts a reader's links where a template printed them, and not where content has the same text", () => {
    fc.assert(
      fc.property(pieces('html'), pieces('text'), values, (html, text, own) => {
        const compiled = compile({
          html: printed('html', html, (name) => PLACEHOLDERS[name]),
          text: printed('text', text, (name) => PLACEHOLDERS[name]),
        });
        expect(personalise(compiled, own)).toEqual({
          html: printed('html', html, (name) => escapeHtml(own[name])),
          text: printed('text', text, (name) => own[name]),
        });
      }),
    );
  });

  it('splits into one literal more than there are slots, and loses nothing', () => {
    fc.assert(
      fc.property(pieces('html'), (all) => {
        const html = printed('html', all, (name) => PLACEHOLDERS[name]);
        const { literals, slots } = compile({ html, text: '' }).html;
        expect(literals).toHaveLength(slots.length + 1);
        expect(slots).toEqual(all.flatMap((piece) => ('own' in piece ? [piece.own] : [])));
        const whole = literals.map((literal, index) => {
          const slot = slots[index];
          return literal + (slot === undefined ? '' : PLACEHOLDERS[slot]);
        });
        expect(whole.join('')).toBe(html);
      }),
    );
  });

  it('F1: handles a variant that was stored before this rule, and keeps tokens out of its content too', () => {
    const url = `https://evil.example/c?pref=${PLACEHOLDERS.preferences}&unsub=${PLACEHOLDERS.unsubscribe}`;
    const stored = {
      html: `<p>See placeholder[.]invalid/vote</p><a class="tap" href="${escapeHtml(url)}">A vs B</a><a href="${PLACEHOLDERS.vote}/a-vs-b/a/ship">Vote ship</a><a href="${PLACEHOLDERS.unsubscribe}">Leave</a>`,
      text: `Read the A vs B comparison:\n${url}\n\nVote:\n${PLACEHOLDERS.vote}/a-vs-b\n\nUnsubscribe in one step:\n${PLACEHOLDERS.unsubscribe}\n`,
    };
    const compiled = compile(stored);
    expect([compiled.html.slots, compiled.text.slots]).toEqual([
      ['vote', 'unsubscribe'],
      ['vote', 'unsubscribe'],
    ]);
    const { html, text } = personalise(compiled, {
      unsubscribe: 'https://v.example/u/T',
      preferences: 'https://v.example/p/T',
      vote: 'https://v.example/v/T',
    });
    expect(html).toContain(`href="${escapeHtml(url)}"`);
    expect(text.split('\n')).toContain(url);
    expect((html + text).match(/v\.example\/[upv]\/T/gu)).toHaveLength(4);
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
