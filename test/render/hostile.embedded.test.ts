import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type CheerioAPI, load } from 'cheerio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Comparison, Tool } from '../../src/comparisons/model.ts';
import { PLACEHOLDERS } from '../../src/issues/content.ts';
import { findIssue } from '../../src/issues/issue-store.ts';
import { TEMPLATES } from '../../src/render/render-variant.ts';
import { renderIssue } from '../../src/sending/prepare-issue.ts';
import { findSubscriberByAddress } from '../../src/subscribers/subscriber-store.ts';
import { type Scope, signer } from '../../src/subscribers/tokens.ts';
import { draft, gatherAll, prepare, slotToCompose } from '../../src/workflow/week.ts';
import { tool } from '../helpers/compose.ts';
import { CHIEF, openDesk, type TestDesk } from '../helpers/desk.ts';
import { temporaryFolder } from '../helpers/locations.ts';

/**
 * All content of a comparison comes from strangers. Here each comparison has an attack in every field, is imported
 * like any other, and is searched for on every surface that shows it.
 */

/** What a reader or editor sees on one surface. */
interface Surface {
  /** The response or mail as it is sent. */
  body: string;
  isMail: boolean;
  /** The parsed page, mail or feed; empty for text and data. */
  $: CheerioAPI;
  /** The readable text. */
  words: string;
}

interface Attack {
  /** Short enough for every field; `hit` and its number identify it. */
  says: string;
  /** Whether the attack worked. */
  harm: (surface: Surface) => unknown;
}

const element = (selector: string) => (surface: Surface) => surface.$(selector).length > 0;
const attributes = ({ $ }: Surface): [string, string][] =>
  $('*')
    .toArray()
    .flatMap((each) => ('attribs' in each ? Object.entries(each.attribs) : []));
const template = (surface: Surface) =>
  surface.isMail && /\{\{|\{%/.test(surface.body.replace(/<style[\s\S]*?<\/style>/g, ''));

const ATTACKS: Record<string, Attack> = {
  'a script': {
    says: '<script>hit1()</script>',
    harm: ({ $ }) => $('script:not([type="application/ld+json"])').text().includes('hit1'),
  },
  'an event handler': {
    says: '<img src=x onerror=hit2()>',
    harm: (surface) =>
      attributes(surface).some(([name]) => name.startsWith('on')) || element('img[src=x]')(surface),
  },
  'the end of an attribute': {
    says: `hit3" onfocus=hit3() x='" y='`,
    harm: (surface) => element('[onfocus], [x], [y]:not(rect, text, line, circle)')(surface),
  },
  'a javascript: link': {
    says: '<a href=javascript:hit4()>hit4</a>',
    harm: (surface) => attributes(surface).some(([, value]) => /^[\s\p{C}]*javascript:/iu.test(value)),
  },
  'the end of a style': {
    says: '</style><style>*{display:none}hit5',
    harm: ({ $ }) => $('style').text().includes('hit5'),
  },
  'the end of a title': { says: '</title></textarea><i id=hit6>hit6', harm: element('#hit6') },
  'the end of a comment': { says: '--><i id=hit7><!--[if mso]>hit7', harm: element('#hit7') },
  'the end of a CDATA section': { says: ']]><i id=hit8>hit8', harm: element('#hit8') },
  'a placeholder of ours': {
    says: `hit9 ${PLACEHOLDERS.unsubscribe}`,
    harm: ({ body, words, isMail }) =>
      /hit9(?:%20|\+| )https:\/\/verdicts/.test(body) ||
      (isMail && words.includes(`hit9 ${PLACEHOLDERS.unsubscribe}`)),
  },
  'a template of {{…}}': {
    says: 'hit10{{7*7}}{{{subject}}}',
    harm: (surface) => surface.words.includes('hit1049') || template(surface),
  },
  'a template of {%…%}': { says: 'hit11{% raw %}{%- x -%}', harm: template },
  'markup of MJML': { says: '</mj-text><mj-raw><i id=hit12>hit12', harm: element('#hit12, mj-raw') },
  'a pattern of replacements': {
    says: 'hit13$& $1 $`',
    harm: ({ words }) => /hit13(?!\$&)/.test(words),
  },
  'text that turns around': {
    says: 'hit14\u202Egnp\u2066',
    harm: ({ body }) =>
      /[\u202a-\u202e\u2066-\u2069]|&#(?:8238|8294|x202e|x2066);|\\u(?:202e|2066)/i.test(body),
  },
  'text of no width': {
    says: 'hit\u200B15\uFEFF\u2060',
    harm: ({ words }) => !words.includes('hit15') && /hit\W15/.test(words),
  },
  'another header': {
    says: 'hit16\r\nBcc: all@evil.example',
    harm: ({ words }) => /hit16[\r\n]/.test(words),
  },
};
const NAMES = Object.keys(ATTACKS);
const HERE = '/editor/issues/2026-11-24';

const attackOf = (name: string): Attack => ATTACKS[name] as Attack;
const markup = (body: string, isMail = false): Surface => {
  const $ = load(body);
  return { body, isMail, $, words: $('body').text() };
};
const text = (body: string, isMail = false): Surface => ({ body, isMail, $: load(''), words: body });

const spoilt = (name: string, says: string, more: Partial<Tool> = {}): Tool => ({
  ...tool(`${name} ${says}`, 50, { category: says, tagline: says, description: says, entryPrice: says }),
  reviews: [{ lens: says.slice(0, 40), quote: says, call: 'ship' }],
  ...more,
});

/** At the length limit, with the characters that take most space when escaped. */
const LONG = '<&">'.repeat(900);
const longest = (name: string): Tool => ({
  ...tool(name, 75, { description: LONG }),
  reviews: Array.from({ length: 2 }, () => ({ lens: 'builder', quote: LONG, call: null })),
});

const comparisons: Comparison[] = [
  ...NAMES.map((name, index): Comparison => {
    const { says } = attackOf(name);
    const slug = `attack-${index + 1}`;
    const url = `https://site.example/${slug}?q=${says}`;
    return {
      slug,
      url,
      publishedAt: null,
      tools: [spoilt(`Ape${index}`, says), spoilt(`Ant${index}`, says)],
    };
  }),
  {
    slug: 'long-vs-longer',
    url: 'https://site.example/long',
    publishedAt: null,
    tools: [longest('Long'), longest('Longer')],
  },
];

const huge = 'x'.repeat(900_000);
const [first] = comparisons as [Comparison];
const [a, b] = first.tools;
/** Files that are not comparisons, by name, and the reported reason. */
const WRONG: Record<string, { holds: string; reason: RegExp }> = {
  '5mb.json': {
    holds: JSON.stringify({ ...first, tools: [{ ...a, description: 'x'.repeat(5_000_000) }, b] }),
    reason: /5\.0 MB, at most 1 MB is read/,
  },
  'long-field.json': {
    holds: JSON.stringify({ ...first, tools: [{ ...a, description: huge }, b] }),
    reason: /tools\.0\.description: too big/,
  },
  'every-field.json': {
    holds: JSON.stringify({
      ...first,
      tools: [
        a,
        { ...b, reviews: Array.from({ length: 12 }, () => ({ lens: 'x', quote: 'x'.repeat(4_000) })) },
      ],
    }),
    reason: /has 4\d,\d{3} characters, more than the 30,000/,
  },
  'many-faults.json': {
    holds: JSON.stringify({ ...first, tools: [{ ...a, reviews: Array(100_000).fill(0) }, b] }),
    reason: /tools\.0\.reviews: more than \d+/,
  },
  'long-address.json': {
    holds: JSON.stringify({ ...first, url: `https://site.example/${huge}` }),
    reason: /url: too big/,
  },
  '<img src=x onerror=hit2()>.json': { holds: '<script>hit1()</script>', reason: /not JSON/ },
  '" onfocus=hit3() x=".json': { holds: '{}', reason: /tools: missing/ },
  '{{7*7}}{% raw %}\u202Egnp.json': {
    holds: JSON.stringify({ ...first, tools: [{ ...a, name: '<i id=hit6>', panelShip: '<i id=hit7>' }, b] }),
    reason: /tools\.0\.panelShip/,
  },
};

describe('a hostile comparison', () => {
  let desk: TestDesk;
  const folder = temporaryFolder();
  const surfaces = new Map<string, Surface>();
  let rejected: { name: string; reason: string }[];

  beforeAll(async () => {
    const source = path.join(folder.path, 'comparisons');
    mkdirSync(source);
    for (const { slug, ...each } of comparisons)
      writeFileSync(path.join(source, `${slug}.json`), JSON.stringify({ slug, ...each }));
    for (const [name, { holds }] of Object.entries(WRONG)) writeFileSync(path.join(source, name), holds);

    desk = await openDesk({ SOURCES: `folder:${source}` });
    const { app, server } = desk;
    ({ rejected } = await gatherAll(app));
    const { slug, id } = await draft(app, await slotToCompose(app));
    const issue = async () => (await findIssue(app.db, { id })) ?? expect.fail('no issue');
    await desk.addReaders(['ada@readers.example']);
    await desk.addReaders(['bea@readers.example'], [attackOf('a script').says]);
    const reader = (await findSubscriberByAddress(app.db, 'bea@readers.example')) ?? expect.fail('no reader');
    const token = (scope: Scope) =>
      signer(app.keys, scope)({ subscriberId: reader.id, version: reader.tokenVersion });

    for (const name of TEMPLATES) {
      const { variants } = await renderIssue(app.db, { ...(await issue()), template: name });
      for (const variant of variants) {
        const at = `${name}, variant ${variant.number}, `;
        surfaces.set(`${at}html`, markup(variant.html, true));
        for (const part of ['text', 'subject', 'preheader'] as const)
          surfaces.set(at + part, text(variant[part], true));
      }
    }

    const chief = await desk.signIn(CHIEF);
    const here = HERE;
    expect(slug).toBe('2026-11-24');
    const look = async (url: string, see: (body: string) => Surface = markup) => {
      const answer = await chief.get(url);
      expect([url, answer.statusCode]).toEqual([url, 200]);
      surfaces.set(url, see(answer.body));
    };
    const asMail = (body: string) => markup(body, true);
    await chief.post(`${here}/reviews`, {});
    const review = /\/editor\/review\/[\w.-]+/.exec((await chief.get(`${here}/preview`)).body)?.[0] ?? '';
    for (const url of ['/editor', `${here}/checks`, `${here}/test`, `${here}/do/approve`, '/editor/sources'])
      await look(url);
    for (const view of ['mail', 'text', 'source', 'engines']) await look(`${here}/preview?look=${view}`);
    await look(review);
    for (const name of TEMPLATES) await look(`${here}/mail?template=${name}`, asMail);
    await look(`${here}/mail?as=${reader.id}`, asMail);
    const words = { kind: 'words', subject: '', preheader: '', intro: '', revision: '0' };
    surfaces.set('two who edit at once', markup((await chief.post(`${here}/edit`, words)).body));

    const approved = await chief.post(`${here}/do/approve`, { plan: (await issue()).planHash ?? '' });
    expect(load(approved.body)('main').text()).toBe('');
    await chief.post(`${here}/do/send`, {});
    await prepare(app, id);
    for (const page of ['', '/watch', '/afterwards', '/preview']) await look(here + page);
    for (const url of ['/editor/issues', '/editor/log', `/editor/people/${reader.id}`]) await look(url);
    for (const url of ['/', '/issues', '/comparisons', '/embed', '/subscribe']) await look(url);
    await look(`/issues/${slug}`, asMail);
    await look(`/issues/${slug}.txt`, (body) => text(body, true));
    await look('/issues.atom');
    await look('/issues.json', text);
    await look(`/comparisons?topic=${encodeURIComponent(attackOf('a script').says)}`);
    for (const each of comparisons) await look(`/comparisons/${each.slug}`);
    await look(`/preferences/${token('preferences')}`);
    await look(`/vote/${token('vote')}/attack-1`);
    await look(`/vote/${token('vote')}/attack-1/a/ship`);
    await server.close();
  });
  afterAll(async () => {
    await desk?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  it.each(NAMES)('has no effect anywhere with %s', (name) => {
    const harmed = [...surfaces]
      .filter(([, surface]) => attackOf(name).harm(surface))
      .map(([surface]) => surface);
    expect(harmed).toEqual([]);
  });

  it.each(NAMES)('is shown with %s as text, wherever comparisons are shown completely', (name) => {
    const mark = new RegExp(`hit${NAMES.indexOf(name) + 1}(?!\\d)`);
    const without = [...surfaces].filter(([, { words }]) => !mark.test(words)).map(([surface]) => surface);
    const whole = [
      ...TEMPLATES.flatMap((each) => [`${each}, variant 1, html`, `${each}, variant 1, text`]),
      ...['', '/checks', '/preview?look=text', '/preview?look=source'].map((page) => HERE + page),
      ...TEMPLATES.map((each) => `${HERE}/mail?template=${each}`),
      ...[
        '/editor',
        '/comparisons',
        '/issues/2026-11-24',
        '/issues/2026-11-24.txt',
        '/issues.atom',
        '/issues.json',
      ],
      `/comparisons/attack-${NAMES.indexOf(name) + 1}`,
    ];
    expect(whole.filter((surface) => !surfaces.has(surface) || without.includes(surface))).toEqual([]);
  });

  it('forges no header: a subject is one line', () => {
    for (const [surface, { body }] of surfaces)
      if (surface.endsWith('subject'))
        expect([surface, body]).toEqual([surface, expect.not.stringMatching(/[\r\n]/)]);
  });

  it.each(Object.entries(WRONG))(
    'that is not a comparison is skipped with its reason: %s',
    (name, { reason }) => {
      expect(rejected.find((each) => each.name === name)?.reason).toMatch(reason);
    },
  );

  it('makes no page large, however long it is', () => {
    const large = [...surfaces].filter(([, { body }]) => Buffer.byteLength(body) > 400_000);
    expect(large.map(([surface]) => surface)).toEqual([]);
    expect(surfaces.get('/comparisons/long-vs-longer')?.words).toContain(LONG);
    for (const { reason } of rejected) expect(reason.length).toBeLessThan(1_000);
  });
});
