import { describe, expect, it } from 'vitest';
import { PLACEHOLDERS, type PlaceholderCounts } from '../../src/issues/content.ts';
import { checks } from '../../src/render/checks.ts';
import { compile } from '../../src/render/personalise.ts';
import { createSecretLinks, placePlaceholders } from '../../src/render/placeholders.ts';
import { renderBy, renderVariant, TEMPLATES, templates } from '../../src/render/render-variant.ts';
import { goldenIssue } from '../fixtures/golden-issue.ts';

const DECLARED: PlaceholderCounts = { unsubscribe: 1, preferences: 1, vote: 2 };

/** The html of a template that prints these links, each a whole attribute. */
const htmlOf = (...hrefs: string[]): string => hrefs.map((href) => `<a href="${href}">x</a>`).join('\n');
const textOf = (...lines: string[]): string => `${lines.join('\n')}\n`;

describe('F1: the links that a template printed', () => {
  const { links } = createSecretLinks();

  it('cannot be known beforehand', () => {
    const all = Array.from({ length: 100 }, () => createSecretLinks());
    expect(new Set(all.map(({ nonce }) => nonce)).size).toBe(100);
    for (const { nonce, links: each } of all) {
      expect(nonce).toMatch(/^[\da-f]{32}$/u);
      for (const url of Object.values(each)) expect(new URL(url).hostname).toBe(`${nonce}.invalid`);
    }
  });

  it('do not contain the nonce afterwards, so that the same content gives the same bytes', () => {
    const bodies = [createSecretLinks(), createSecretLinks()].map((drawn) => {
      const { unsubscribe, preferences, vote } = drawn.links;
      return placePlaceholders(
        htmlOf(unsubscribe, preferences, `${vote}/a`, `${vote}/b`),
        'html',
        drawn,
        DECLARED,
      );
    });
    expect(bodies[0]).toBe(bodies[1]);
    expect(bodies[0]).toBe(
      htmlOf(
        PLACEHOLDERS.unsubscribe,
        PLACEHOLDERS.preferences,
        `${PLACEHOLDERS.vote}/a`,
        `${PLACEHOLDERS.vote}/b`,
      ),
    );
  });

  const drawn = createSecretLinks();
  const { unsubscribe, preferences, vote } = drawn.links;
  const right = [unsubscribe, preferences, `${vote}/a`, `${vote}/b`];
  const wrong: [string, 'html' | 'text', string, RegExp][] = [
    [
      'one vote too few',
      'html',
      htmlOf(...right.slice(0, 3)),
      /1 personal link of the kind "vote".*declares 2/,
    ],
    ['one vote too many', 'html', htmlOf(...right, `${vote}/c`), /3 personal links of the kind "vote"/],
    ['no way to leave', 'text', textOf(...right.slice(1)), /0 personal links of the kind "unsubscribe"/],
    [
      'the preferences twice',
      'text',
      textOf(...right, preferences),
      /2 personal links of the kind "preferences"/,
    ],
    [
      'a link within another link',
      'html',
      htmlOf(unsubscribe, `https://evil.example/?r=${preferences}`, `${vote}/a`, `${vote}/b`),
      /where no link begins/,
    ],
    ['a link as words', 'html', `<p>${unsubscribe}</p>${htmlOf(...right.slice(1))}`, /where no link begins/],
    [
      'a link within a line',
      'text',
      textOf(`https://evil.example/${unsubscribe}`, ...right.slice(1)),
      /where no link begins/,
    ],
    [
      'content that got through as a placeholder',
      'html',
      htmlOf(...right, PLACEHOLDERS.preferences),
      /another place that reads like one/,
    ],
    [
      'content that got through as a placeholder',
      'text',
      textOf(...right, PLACEHOLDERS.vote),
      /another place that reads like one/,
    ],
    ['half a link', 'html', htmlOf(...right, unsubscribe.replace('unsubscribe', 'x')), /in pieces/],
    [
      'a link in capitals',
      'html',
      htmlOf(...right.slice(1), unsubscribe.replace('https', 'HTTPS')),
      /in pieces/,
    ],
  ];
  it.each(wrong)('are refused with %s (%s)', (_, part, body, reason) => {
    expect(() => placePlaceholders(body, part, drawn, DECLARED)).toThrow(reason);
  });

  it('may occur in content where they are not taken for links', () => {
    const url = `https://evil.example/?r=${PLACEHOLDERS.preferences}`;
    const body = placePlaceholders(htmlOf(...right, url), 'html', drawn, DECLARED);
    expect(body).toContain(`href="${url}"`);
    expect(compile({ html: body, text: '' }).html.slots).toEqual([
      'unsubscribe',
      'preferences',
      'vote',
      'vote',
    ]);
  });

  it('have hosts that never resolve', () => {
    for (const url of Object.values(links)) expect(new URL(url).hostname).toMatch(/\.invalid$/u);
  });
});

describe.each(TEMPLATES)('F1: a render by %s', (template) => {
  it.each([1, -1])(
    'is refused, in words, when the template declares %i links more than it prints',
    async (more) => {
      const { render, declare } = templates[template];
      const mistaken = (content: typeof goldenIssue) => ({
        ...declare(content),
        vote: declare(content).vote + more,
      });
      const rendering = renderBy(template, { render, declare: mistaken }, goldenIssue, createSecretLinks());
      await expect(rendering).rejects.toMatchObject({
        code: 'render-failed',
        message: expect.stringMatching(
          /^Issue 2026-11-24 could not be rendered with .+: the html has \d+ personal links of the kind "vote", and its template declares \d+$/,
        ),
      });
    },
  );

  it('is refused when content has the secret links of this very render', async () => {
    const drawn = createSecretLinks();
    const { links } = drawn;
    const render = (content: typeof goldenIssue) => renderBy(template, templates[template], content, drawn);
    for (const field of ['intro', 'preheader'] as const) {
      const content = { ...goldenIssue, [field]: `Leave: ${links.unsubscribe}` };
      await expect(render(content)).rejects.toMatchObject({ code: 'render-failed' });
    }
    const content = {
      ...goldenIssue,
      lead: { ...goldenIssue.lead, url: `https://evil.example/${links.vote}` },
    };
    await expect(render(content)).rejects.toMatchObject({ code: 'render-failed' });
    await expect(render(goldenIssue)).resolves.toMatchObject({
      subject: goldenIssue.subject,
    });
  });

  it('says how many links of each kind it has, and the checks count them again', async () => {
    const variant = await renderVariant(goldenIssue, template);
    const { rows, changed } = goldenIssue;
    expect(variant.links).toEqual({
      html: { unsubscribe: 1, preferences: 1, vote: 4 + rows.length + changed.length },
      text: { unsubscribe: 1, preferences: 1, vote: 1 + rows.length + changed.length },
    });
    const vote = `href="${PLACEHOLDERS.vote}/kestrel-vs-quillwright/a/ship"`;
    for (const html of [
      variant.html.replace(vote, 'href="https://verdicts.example/"'),
      variant.html.replace(vote, `${vote}></a><a ${vote}`),
    ])
      expect(checks(goldenIssue, { ...variant, html })).toContainEqual(
        expect.objectContaining({ id: 'personal-links', level: 'block', where: 'html' }),
      );
    expect(checks(goldenIssue, variant)).toEqual([]);
  });
});
