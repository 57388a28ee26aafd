import type { CountedComparison, CountedTool, Review, Votes } from '../src/comparisons/model.ts';
import { cardFor, verdictRow } from '../src/issues/cards.ts';
import { changedVerdict } from '../src/issues/changes.ts';
import type { ChangedVerdict, ComparisonCard, IssueContent } from '../src/issues/content.ts';

/**
 * The golden issue: every block of a digest, with content that breaks layouts: long and short names, scripts other
 * than Latin, prices of every form, panels without a community. All tools are invented; verdicts and their
 * sentences are those of the code. It is the preview of the templates and the fixture of their tests.
 */

interface Judged {
  panelShip: number;
  communityShip: number | null;
  readers?: Votes;
  entryPrice: string;
}

const tool = (
  name: string,
  category: string,
  { readers, ...judged }: Judged,
  words: { tagline: string; description?: string; reviews?: Review[] } = { tagline: '' },
): CountedTool => ({
  ...{ name, category, description: '', reviews: [], ...words, ...judged },
  ...(readers === undefined ? {} : { readers }),
});

const said = (lens: string, call: Review['call'], quote: string): Review => ({ lens, call, quote });

const pair = (slug: string, a: CountedTool, b: CountedTool): CountedComparison => ({
  ...{ slug, url: `https://verdicts.example/compare/${slug}`, publishedAt: null },
  tools: [a, b],
});

const lead = pair(
  'kestrel-vs-quillwright',
  tool(
    'Kestrel',
    'Coding agents',
    { panelShip: 75, communityShip: 62, readers: { ship: 771, skip: 433 }, entryPrice: 'Free' },
    {
      tagline: 'The agent that stops and asks before it breaks the build',
      description:
        'Runs in the terminal, shows every diff before it lands, and keeps a log you can read aloud in a review.',
      reviews: [
        said(
          'builder',
          'ship',
          'It asked me two questions, then fixed the flaky test I had been stepping around since spring.',
        ),
        said(
          'skeptic',
          'ship',
          'I tried to make it delete the migrations folder. It declined, politely, with a reason.',
        ),
        said(
          'founder',
          'skip',
          'Careful costs me time. I have six weeks of runway and a landing page to ship by Friday.',
        ),
        said(
          'futurist',
          'ship',
          'An agent that can say ‘I am not sure’ is the only kind you can leave alone for an hour.',
        ),
      ],
    },
  ),
  tool(
    'Quillwright',
    'Coding agents',
    { panelShip: 25, communityShip: 55, entryPrice: '$20/mo' },
    {
      tagline: 'Writes the whole feature while you make tea',
      description:
        'Plans, codes and opens the pull request on its own. Fast on a green field, bold to the point of rude in an old one.',
      reviews: [
        said(
          'builder',
          'skip',
          'Eleven files changed for a one-line bug. All of them compiled, none of them were asked for.',
        ),
        said(
          'skeptic',
          'skip',
          'The demo is a new to-do app. My work is a nine-year-old invoice service. Draw your own conclusion.',
        ),
        said(
          'founder',
          'ship',
          'It built the billing page overnight. I rewrote half of it, but I had a page to rewrite.',
        ),
      ],
    },
  ),
);

const others: CountedComparison[] = [
  pair(
    'marrow-vs-ledgerline',
    tool(
      'Marrow',
      'Meeting notes',
      { panelShip: 50, communityShip: 71, entryPrice: '€8/mo' },
      {
        tagline: 'Notes without the bot in the room',
        reviews: [
          said(
            'skeptic',
            'ship',
            'Nothing left the laptop. I checked with a packet capture, because of course I did.',
          ),
        ],
      },
    ),
    tool(
      'Ledgerline',
      'Meeting notes',
      { panelShip: 50, communityShip: 48, entryPrice: '€8/mo' },
      {
        tagline: 'Every promise, with a name beside it',
        reviews: [said('skeptic', 'skip', 'It assigned me a task I had declined out loud.')],
      },
    ),
  ),
  pair(
    'aozora-vs-vox-humana',
    tool(
      '青空トランスクライブ',
      'Transcription',
      { panelShip: 100, communityShip: null, entryPrice: '¥1,200/月' },
      {
        tagline: '話した言葉を、そのまま読める文章に',
        reviews: [said('builder', 'ship', '句読点まで正しい。手直しは一か所だけでした。')],
      },
    ),
    tool(
      'Vox Humana',
      'Transcription',
      { panelShip: 100, communityShip: 93, entryPrice: '€0.40 per 1M tokens' },
      {
        tagline: 'Understands your grandmother',
        reviews: [said('builder', 'ship', 'It got a Glaswegian, a Texan and a toddler in one take.')],
      },
    ),
  ),
  pair(
    'thimble-vs-ediw',
    tool(
      'Thimble',
      'Document search',
      { panelShip: 100, communityShip: 80, entryPrice: '$0 for 3 seats, then $14' },
      {
        tagline: 'One box, the right page',
        reviews: [said('founder', 'ship', 'Set up between two coffees.')],
      },
    ),
    tool(
      'The Extraordinarily Long-Named Document Intelligence Workbench',
      'Document search',
      { panelShip: 75, communityShip: null, entryPrice: 'Contact sales' },
      {
        tagline: 'An end-to-end platform for knowledge',
        reviews: [
          said(
            'founder',
            'skip',
            'The quote arrived as a slide deck. Slide nine was a photograph of a mountain.',
          ),
        ],
      },
    ),
  ),
  pair(
    'parovoz-vs-halyard',
    tool('Паровоз', 'Workflow automation', {
      ...{ panelShip: 25, communityShip: 31, entryPrice: '990 ₽ в месяц' },
    }),
    tool('Halyard', 'Workflow automation', {
      ...{ panelShip: 0, communityShip: null, entryPrice: 'Free & open source' },
    }),
  ),
  pair(
    'oriel-vs-pigment-study',
    tool('Oriel', 'Images', { panelShip: 50, communityShip: null, entryPrice: '$9.99/mo' }),
    tool('Pigment Study', 'Images', { panelShip: 75, communityShip: null, entryPrice: '$120/yr' }),
  ),
  pair(
    'sotto-vs-bellwether',
    tool('Sotto', 'Voice', { panelShip: 75, communityShip: 31, entryPrice: 'Free' }),
    tool('Bellwether', 'Voice', { panelShip: 50, communityShip: 70, entryPrice: 'Free' }),
  ),
  pair(
    'mirsah-vs-plumbline',
    tool('مِرساة', 'Infrastructure', { panelShip: 75, communityShip: null, entryPrice: 'Free' }),
    tool('Plumbline', 'Infrastructure', { panelShip: 50, communityShip: null, entryPrice: '£6/mo' }),
  ),
];

const card = (comparison: CountedComparison): ComparisonCard => cardFor(comparison, 'card');

/** A comparison that was mailed, and what it is now. */
function changed(was: CountedComparison, now: CountedComparison, mailedIn: number): ChangedVerdict {
  const change = changedVerdict({ was, now, mailedIn });
  if (change === null) throw new Error(`${was.slug} has not changed`);
  return change.row;
}

const search = (corvid: Judged, almanac: Judged): CountedComparison =>
  pair('corvid-vs-almanac', tool('Corvid Search', 'Search', corvid), tool('Almanac', 'Search', almanac));
const boards = (panelShip: number): CountedComparison =>
  pair(
    'lattice-vs-brindle',
    tool('Lattice', 'Boards', { panelShip: 75, communityShip: null, entryPrice: 'Free' }),
    tool('Brindle', 'Boards', { panelShip, communityShip: null, entryPrice: 'Free' }),
  );

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
  lead: cardFor(lead, 'lead'),
  rows: others.map(verdictRow),
  cards: others.slice(0, 3).map(card),
  changed: [
    changed(
      search(
        { panelShip: 50, communityShip: null, entryPrice: 'Free' },
        { panelShip: 50, communityShip: null, entryPrice: '$10/mo' },
      ),
      search(
        { panelShip: 50, communityShip: null, entryPrice: '$12/mo' },
        { panelShip: 100, communityShip: null, entryPrice: '$10/mo' },
      ),
      9,
    ),
  ],
  turned: [changed(boards(50), boards(75), 7)],
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
      url: 'https://verdicts.example/compare/tandem-desk-vs-foolscap',
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
      url: 'https://verdicts.example/compare/tandem-desk-vs-foolscap',
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
