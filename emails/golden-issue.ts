import type { Mark, Verdict } from '../src/comparisons/model.ts';
import type { LensRow, LensSide } from '../src/comparisons/side-by-side.ts';
import type { ComparisonCard, IssueContent, ToolCard, VerdictRow } from '../src/issues/content.ts';

/**
 * The golden issue: every block of a digest, with content that breaks layouts: long and short names, scripts other
 * than Latin, prices of every form, panels without a community. All tools are invented. It is the preview of the
 * templates and the fixture of their tests.
 */

const verdict = (mark: Mark, pick: 0 | 1 | null, words: string, because: string): Verdict => ({
  mark,
  pick,
  words,
  because,
});

const side = (call: LensSide['call'], quote: string): LensSide => ({ call, quote });
const row = (lens: string, first: LensSide | null, second: LensSide | null): LensRow => ({
  lens,
  sides: [first, second],
});

const tool = (
  name: string,
  category: string,
  mark: Mark,
  panelShip: number,
  communityShip: number | null,
  entryPrice: string,
  tagline: string,
  description: string,
  readers: ToolCard['readers'] = null,
): ToolCard => ({
  name,
  category,
  tagline,
  description,
  mark,
  panelShip,
  communityShip,
  readers,
  entryPrice,
});

const page = (slug: string): string => `https://verdicts.example/compare/${slug}`;

const lead: ComparisonCard = {
  slug: 'kestrel-vs-quillwright',
  title: 'Kestrel vs Quillwright',
  url: page('kestrel-vs-quillwright'),
  category: 'Coding agents',
  verdict: verdict(
    'ship',
    0,
    'Ship Kestrel',
    'Three of four reviewers ship Kestrel and one ships Quillwright; readers are closer, 62% to 55%.',
  ),
  tools: [
    tool(
      'Kestrel',
      'Coding agents',
      'ship',
      75,
      62,
      'Free',
      'The agent that stops and asks before it breaks the build',
      'Runs in the terminal, shows every diff before it lands, and keeps a log you can read aloud in a review.',
      { ship: 64, votes: 1204 },
    ),
    tool(
      'Quillwright',
      'Coding agents',
      'skip',
      25,
      55,
      '$20/mo',
      'Writes the whole feature while you make tea',
      'Plans, codes and opens the pull request on its own. Fast on a green field, bold to the point of rude in an old one.',
    ),
  ],
  lenses: [
    row(
      'Builder',
      side(
        'ship',
        'It asked me two questions, then fixed the flaky test I had been stepping around since spring.',
      ),
      side('skip', ''),
    ),
    row('Skeptic', side('ship', ''), side('skip', '')),
    row(
      'Founder',
      side('skip', 'Careful costs me time. I have six weeks of runway and a landing page to ship by Friday.'),
      side('ship', ''),
    ),
    row('Futurist', side('ship', ''), null),
  ],
};

const cards: ComparisonCard[] = [
  {
    slug: 'marrow-vs-ledgerline',
    title: 'Marrow vs Ledgerline',
    url: page('marrow-vs-ledgerline'),
    category: 'Meeting notes',
    verdict: verdict(
      'split',
      null,
      'Split: Marrow or Ledgerline',
      'The panel is tied at 50% each: Marrow hears better, Ledgerline remembers who promised what.',
    ),
    tools: [
      tool('Marrow', 'Meeting notes', 'split', 50, 71, '€8/mo', 'Notes without the bot in the room', ''),
      tool(
        'Ledgerline',
        'Meeting notes',
        'split',
        50,
        48,
        '€8/mo',
        'Every promise, with a name beside it',
        '',
      ),
    ],
    lenses: [
      row(
        'Skeptic',
        side('ship', 'Nothing left the laptop. I checked with a packet capture, because of course I did.'),
        side('skip', ''),
      ),
    ],
  },
  {
    slug: 'aozora-vs-vox-humana',
    title: '青空トランスクライブ vs Vox Humana',
    url: page('aozora-vs-vox-humana'),
    category: 'Transcription',
    verdict: verdict(
      'ship',
      null,
      'Ship both',
      'Unanimous for both; 青空トランスクライブ leads on price, Vox Humana on accents.',
    ),
    tools: [
      tool(
        '青空トランスクライブ',
        'Transcription',
        'ship',
        100,
        null,
        '¥1,200/月',
        '話した言葉を、そのまま読める文章に',
        '',
      ),
      tool(
        'Vox Humana',
        'Transcription',
        'ship',
        100,
        93,
        '€0.40 per 1M tokens',
        'Understands your grandmother',
        '',
      ),
    ],
    lenses: [row('Builder', side('ship', '句読点まで正しい。手直しは一か所だけでした。'), side('ship', ''))],
  },
  {
    slug: 'thimble-vs-ediw',
    title: 'Thimble vs The Extraordinarily Long-Named Document Intelligence Workbench',
    url: page('thimble-vs-ediw'),
    category: 'Document search',
    verdict: verdict(
      'ship',
      0,
      'Ship Thimble',
      'Thimble 88%, the Workbench 38%: one of them finds the clause, the other finds a meeting to book.',
    ),
    tools: [
      tool(
        'Thimble',
        'Document search',
        'ship',
        88,
        80,
        '$0 for 3 seats, then $14',
        'One box, the right page',
        '',
      ),
      tool(
        'The Extraordinarily Long-Named Document Intelligence Workbench',
        'Document search',
        'skip',
        38,
        null,
        'Contact sales',
        'An end-to-end platform for knowledge',
        '',
      ),
    ],
    lenses: [
      row(
        'Founder',
        side('ship', ''),
        side('skip', 'The quote arrived as a slide deck. Slide nine was a photograph of a mountain.'),
      ),
    ],
  },
  {
    slug: 'parovoz-vs-halyard',
    title: 'Паровоз vs Halyard',
    url: page('parovoz-vs-halyard'),
    category: 'Workflow automation',
    verdict: verdict(
      'skip',
      null,
      'Skip both',
      'Neither reaches 30% with the panel; both fail quietly, which is the worst way for automation to fail.',
    ),
    tools: [
      tool(
        'Паровоз',
        'Workflow automation',
        'skip',
        25,
        31,
        '990 ₽ в месяц',
        'Сценарии, которые едут сами',
        '',
      ),
      tool('Halyard', 'Workflow automation', 'skip', 0, null, 'Free & open source', 'Hoist anything', ''),
    ],
    lenses: [row('Builder', side('skip', 'Красивый редактор, но ошибки уходят в никуда.'), side(null, ''))],
  },
];

const rowOf = ({ slug, title, url, verdict, tools: [a, b] }: ComparisonCard): VerdictRow => ({
  ...{ slug, title, url, verdict },
  entryPrice: a.entryPrice === b.entryPrice ? a.entryPrice : `${a.entryPrice} vs ${b.entryPrice}`,
  names: [a.name, b.name],
  prices: [a.entryPrice, b.entryPrice],
});

const short = (
  slug: string,
  names: VerdictRow['names'],
  prices: VerdictRow['prices'],
  outcome: Verdict,
): VerdictRow => ({
  ...{ slug, title: names.join(' vs '), url: page(slug), verdict: outcome, names, prices },
  entryPrice: prices[0] === prices[1] ? prices[0] : prices.join(' vs '),
});

const rows: VerdictRow[] = [
  ...cards.map(rowOf),
  short(
    'oriel-vs-pigment-study',
    ['Oriel', 'Pigment Study'],
    ['$9.99/mo', '$120/yr'],
    verdict('ship', 1, 'Ship Pigment Study', 'Pigment Study 80%, Oriel 40%.'),
  ),
  short(
    'sotto-vs-bellwether',
    ['Sotto', 'Bellwether'],
    ['Free', 'Free'],
    verdict('split', null, 'Split: Sotto or Bellwether', 'Panel ships Sotto, readers ship Bellwether.'),
  ),
  short(
    'mirsah-vs-plumbline',
    ['مِرساة', 'Plumbline'],
    ['Free', '£6/mo'],
    verdict('ship', 0, 'Ship مِرساة', 'Three of four reviewers ship مِرساة; Plumbline divides them.'),
  ),
];

export const goldenIssue: IssueContent = {
  newsletter: {
    name: 'Weekly AI Tool Verdicts',
    url: 'https://verdicts.example',
    postalAddress: 'Verdicts, 12 Harbour Street, Galway, H91 X4Y2, Ireland',
  },
  number: 12,
  slug: '2026-11-24',
  date: '2026-11-24',
  dateLabel: 'Tuesday, 24 November 2026',
  readingMinutes: 3,
  subject: 'Ship Kestrel, and mind the tea-break agent',
  preheader: 'Marrow and Ledgerline split the panel; two transcribers we would ship today.',
  intro:
    'Eight comparisons this week, and one reversal. Two of the tools below asked for a card before they showed us anything; you will notice which from the verdicts.',
  topics: [],
  lead,
  rows,
  cards: cards.slice(0, 3),
  changed: [
    {
      kind: 'turned',
      slug: 'corvid-vs-almanac',
      title: 'Corvid Search vs Almanac',
      url: page('corvid-vs-almanac'),
      was: verdict('split', null, 'Split: Corvid Search or Almanac', 'The panel was tied at 50% each.'),
      now: verdict('ship', 1, 'Ship Almanac', 'Almanac 88%, Corvid Search 50%.'),
      whatMoved: 'Panel on Almanac 50% → 88%; Corvid Search now $12/mo (was Free)',
      mailedIn: 9,
    },
  ],
  turned: [
    {
      kind: 'turned',
      slug: 'lattice-vs-brindle',
      title: 'Lattice vs Brindle',
      url: page('lattice-vs-brindle'),
      was: verdict('ship', 0, 'Ship Lattice', 'Lattice 75%, Brindle 50%.'),
      now: verdict('ship', null, 'Ship both', 'Lattice 75%, Brindle 75%.'),
      whatMoved: 'Panel on Brindle 50% → 75%',
      mailedIn: 7,
    },
  ],
  rest: {
    url: 'https://verdicts.example/issues/2026-11-24/all',
    turnedTitles: ['Thistle vs Ember Notes', 'Sextant vs Harbour'],
    turned: 3,
    prices: 22,
    panels: 1,
    new: 37,
  },
  readers: [
    {
      slug: 'tandem-desk-vs-foolscap',
      tool: 'Tandem Desk',
      title: 'Tandem Desk vs Foolscap',
      url: page('tandem-desk-vs-foolscap'),
      panelShip: 25,
      readersShip: 81,
      votes: 1204,
      since: '12 September',
      isPanelChanged: true,
      recent: { ship: 79, votes: 310, since: '17 November' },
    },
    {
      slug: 'tandem-desk-vs-foolscap',
      tool: 'Foolscap',
      title: 'Tandem Desk vs Foolscap',
      url: page('tandem-desk-vs-foolscap'),
      panelShip: 75,
      readersShip: 68,
      votes: 25,
      since: '4 August 2025',
      isPanelChanged: false,
      recent: { ship: 33, votes: 3, since: '17 November' },
    },
  ],
  links: {
    online: 'https://verdicts.example/issues/2026-11-24',
    unsubscribe: 'https://placeholder.invalid/unsubscribe',
    preferences: 'https://placeholder.invalid/preferences',
    vote: 'https://placeholder.invalid/vote',
  },
};
