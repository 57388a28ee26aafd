import { load } from 'cheerio';
import { describe, expect, it } from 'vitest';
import { PLACEHOLDERS } from '../../src/issues/content.ts';
import { checks } from '../../src/render/checks.ts';
import { compile, personalise } from '../../src/render/personalise.ts';
import { renderVariant, TEMPLATES } from '../../src/render/render-variant.ts';
import { goldenIssue } from '../fixtures/golden-issue.ts';
import { hostileIssue } from '../fixtures/hostile-issue.ts';

/** A vote link: a slug never leaves its part of the URL. */
const VOTE = /^https:\/\/placeholder\.invalid\/vote\/[\w%.~!*'()-]+(?:\/[ab]\/(?:ship|skip))?$/u;

describe.each(TEMPLATES)('%s and a hostile comparison', (template) => {
  const content = hostileIssue();
  const rendered = renderVariant(content, template);

  it('runs nothing, adds no link, and hides nothing', async () => {
    const { html } = await rendered;
    const $ = load(html);
    expect($('script, img, iframe, form, svg')).toHaveLength(0);
    expect(
      $('*')
        .toArray()
        .flatMap((one) => ('attribs' in one ? Object.keys(one.attribs) : []))
        .filter((name) => name.startsWith('on')),
    ).toEqual([]);
    expect($('style').text()).not.toContain('*{display:none}');
    const allowed = ['https://verdicts.example/', goldenIssue.links.online, ...Object.values(PLACEHOLDERS)];
    expect(
      $('a')
        .toArray()
        .map((one) => $(one).attr('href') ?? '')
        .filter((href) => !allowed.includes(href) && !VOTE.test(href)),
    ).toEqual([]);
    // The rest of the mail is complete.
    expect($('body').text()).toContain(goldenIssue.newsletter.postalAddress);
    expect($('h1').text()).toBe(goldenIssue.newsletter.name);
  });

  it('shows the text of the attack as text', async () => {
    const { html, text } = await rendered;
    const seen = load(html)('body').text();
    for (const part of [seen, text]) {
      expect(part).toContain('<script>alert(1)</script>');
      expect(part).toContain('&lt;script&gt;');
      expect(part).toContain('</mj-text>');
      expect(part).toContain('$& $1 $`');
    }
  });

  it('personalises our three links and no other', async () => {
    const variant = await rendered;
    const compiled = compile(variant);
    for (const { slots } of [compiled.html, compiled.text]) {
      expect([...new Set(slots)].sort()).toEqual(['preferences', 'unsubscribe', 'vote']);
      expect(slots.filter((slot) => slot !== 'vote')).toHaveLength(2);
    }
    const { html, text } = personalise(compiled, {
      unsubscribe: 'https://verdicts.example/u/SECRET',
      preferences: 'https://verdicts.example/p/SECRET',
      vote: 'https://verdicts.example/v/SECRET',
    });
    expect(html.split('SECRET')).toHaveLength(1 + compiled.html.slots.length);
    expect(text.split('SECRET')).toHaveLength(1 + compiled.text.slots.length);
  });

  it('keeps template syntax, controls and reordering characters out of both parts', async () => {
    const { html, text, preheader } = await rendered;
    for (const part of [html.replace(/<style[\s\S]*?<\/style>/gu, ''), text, preheader]) {
      expect(part).not.toMatch(/\{\{|\{%/u);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
      expect(part).not.toMatch(/[\u0000\u0092\u202a-\u202e\u2066-\u2069\ufffd]/u);
    }
    expect(text.split('\n').filter((line) => [...line].length > 72 && !/^https:/u.test(line))).toEqual([]);
  });

  it('is reported to the editor', async () => {
    const found = checks(content, await rendered);
    expect(found.filter(({ level }) => level === 'block').map(({ id }) => id)).toEqual(
      expect.arrayContaining(['content.links']),
    );
    expect(found.filter(({ id }) => /^(?:html|a11y|encoding|leftover\.template|facts)/u.test(id))).toEqual(
      [],
    );
    expect(found.filter(({ id }) => id.startsWith('leftover')).map(({ level }) => level)).not.toContain(
      'block',
    );
  });
});
