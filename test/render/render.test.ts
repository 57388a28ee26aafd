import { load } from 'cheerio';
import { HtmlValidate } from 'html-validate';
import { describe, expect, it } from 'vitest';
import { checks } from '../../src/render/checks.ts';
import { renderVariant, TEMPLATES } from '../../src/render/render-variant.ts';
import { goldenIssue } from '../fixtures/golden-issue.ts';

/** Every text of the content that the HTML shows, in reading order. */
const spoken = (html: string): string => {
  const $ = load(html);
  $('style, title').remove();
  // Cells and paragraphs are separate on the page, though no space separates them in the source.
  $('td, th, p, caption, h1, h2, h3, a, span, div').append(' ');
  return $('body')
    .text()
    .replace(/[\u200b-\u200d\ufeff]/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();
};

const links = (html: string): string[] => {
  const $ = load(html);
  return $('a')
    .toArray()
    .map((one) => $(one).attr('href') ?? '');
};

describe.each(TEMPLATES)('%s renders the golden issue', (template) => {
  const rendered = renderVariant(goldenIssue, template);

  it('as in the approved snapshot', async () => {
    const { html, text } = await rendered;
    await expect(html).toMatchFileSnapshot(`./__snapshots__/golden.${template.replace(':', '-')}.html`);
    await expect(text).toMatchFileSnapshot('./__snapshots__/golden.txt');
  });

  it('without a finding of our own checks', async () => {
    expect(checks(goldenIssue, await rendered)).toEqual([]);
  });

  it("with no finding of html-validate's a11y preset", async () => {
    const report = await new HtmlValidate({ extends: ['html-validate:a11y'] }).validateString(
      (await rendered).html,
    );
    expect(
      report.results.flatMap(({ messages }) => messages.map((one) => `${one.ruleId}: ${one.message}`)),
    ).toEqual([]);
  });

  it('with no text of no size, no class without a rule, and each name apart from its neighbours', async () => {
    const { html } = await rendered;
    expect(html).not.toMatch(/font-size:\s*0|line-height:\s*0[;"]/u);
    const $ = load(html);
    const rules = $('style').text();
    const classes = $('[class]')
      .toArray()
      .flatMap((one) => ($(one).attr('class') ?? '').split(' '));
    expect([...new Set(classes)].filter((name) => !rules.includes(`.${name}`))).toEqual([]);
    const isolated = $('bdi')
      .toArray()
      .map((one) => $(one).text());
    const { lead, rows } = goldenIssue;
    expect(isolated).toEqual(expect.arrayContaining([...lead.tools.map(({ name }) => name)]));
    expect(isolated).toEqual(expect.arrayContaining(rows.flatMap(({ names }) => names)));
  });

  it('to the same bytes every time', async () => {
    expect(await renderVariant(structuredClone(goldenIssue), template)).toEqual(await rendered);
  });

  it('with its preheader first, and both schemes announced', async () => {
    const { html, preheader } = await rendered;
    expect(spoken(html).startsWith(preheader)).toBe(true);
    expect(load(html)('meta[name="color-scheme"]').attr('content')).toBe('light dark');
  });

  it('without its empty sections', async () => {
    const short = {
      ...goldenIssue,
      ...{ intro: null, rows: [], cards: [], changed: [], turned: [], rest: null, readers: [] },
    };
    const { html, text } = await renderVariant({ ...short, topics: ['Coding agents'] }, template);
    expect(
      load(html)('h2')
        .toArray()
        .map((one) => load(one).text()),
    ).toEqual(['✓\u00a0Ship Kestrel', goldenIssue.lead.title]);
    expect(text).not.toMatch(/ALSO THIS WEEK|CHANGED VERDICTS|ALSO COMPARED|WHAT READERS SAID/u);
    expect(spoken(html)).toContain('Your topics: Coding agents');
  });

  it('or names the issue that it cannot render', async () => {
    const broken = {
      ...goldenIssue,
      lead: { ...goldenIssue.lead, tools: [] },
    } as unknown as typeof goldenIssue;
    await expect(renderVariant(broken, template)).rejects.toMatchObject({
      code: 'render-failed',
      message: /2026-11-24/u,
    });
  });
});

describe('the two engines', () => {
  it('print the same text in the same order, and the same links', async () => {
    const [react, mjml] = await Promise.all(
      TEMPLATES.map((template) => renderVariant(goldenIssue, template)),
    );
    expect(spoken(mjml?.html ?? '')).toBe(spoken(react?.html ?? ''));
    expect(links(mjml?.html ?? '')).toEqual(links(react?.html ?? ''));
    expect(mjml?.text).toBe(react?.text);
  });

  it('show every fact of the content', async () => {
    const { html, text } = await renderVariant(goldenIssue, 'react:digest');
    const { lead, cards, changed, readers, rows } = goldenIssue;
    const cardFacts = [lead, ...cards].flatMap((card) => [
      card.title,
      card.verdict.because,
      ...card.tools.flatMap((tool) => [tool.name, tool.tagline, tool.entryPrice, `${tool.panelShip}%`]),
      ...card.lenses.flatMap(({ lens, sides }) => [lens, ...sides.map((side) => side?.quote ?? '')]),
    ]);
    const facts = [
      ...rows.flatMap((row) => [...row.names, ...row.prices]),
      ...lead.tools.map((tool) => tool.description),
      ...cardFacts,
      ...changed.flatMap((row) => [row.title, row.whatMoved]),
      ...readers.flatMap((row) => [row.tool, `${row.panelShip}%`, `${row.readersShip}%`]),
    ];
    for (const part of [spoken(html), text.replace(/\s+/gu, ' ')]) {
      expect(facts.filter((fact) => !part.includes(fact))).toEqual([]);
    }
  });

  it('print an em dash until the community has voted', async () => {
    const { html, text } = await renderVariant(goldenIssue, 'mjml:digest');
    const unvoted = [goldenIssue.lead, ...goldenIssue.cards]
      .flatMap(({ tools }) => tools)
      .filter((tool) => tool.communityShip === null);
    expect(spoken(html).match(/Community ship —/gu)).toHaveLength(unvoted.length);
    expect(text.match(/Community ship —/gu)).toHaveLength(unvoted.length);
  });
});
