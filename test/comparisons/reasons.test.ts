import { describe, expect, it } from 'vitest';
import type { CountedTool, Review } from '../../src/comparisons/model.ts';
import { panelCount, readers } from '../../src/comparisons/people.ts';
import { DISAGREE, sentencesInOrder } from '../../src/comparisons/reasons.ts';
import { communityOf, reasonsOf, toolMarks, verdict } from '../../src/comparisons/verdict.ts';
import { formOf, preheaderFor, subjectFor } from '../../src/issues/subject.ts';
import { lengthOf } from '../../src/issues/truncate.ts';
import { tool } from '../helpers/compose.ts';
import { seeded } from '../resend/index.ts';

/** Names of the forms that products really have: versions, vendors, editions, parentheses. */
const NAMES = [
  ...[
    'Kestrel',
    'Quillwright',
    'Mistral 3 Small (22B)',
    'Hugging Face',
    'Vertex AI Agent',
    'Whisper large-v3-turbo',
  ],
  ...[
    'OpenAI Agents SDK for TypeScript',
    'Azure AI Foundry',
    'Azure OpenAI',
    'Adobe Firefly Image 4',
    'Kimi K2',
  ],
  ...[
    'Topaz Video AI',
    'Rev AI',
    'Rev',
    'Claude Code',
    'Claude',
    'Llama 4 Scout',
    'Groq',
    'Perplexity',
    'Udio',
    'Suno',
  ],
  ...['Stable Diffusion', 'v0', 'Bolt.new', 'Zed', 'Cursor', 'Lindy', 'Relay.app', 'n8n', 'Mem'],
];

function generated(count: number): { tools: [CountedTool, CountedTool] }[] {
  const next = seeded(16);
  const below = (limit: number) => Math.floor(next() * limit);
  const any = (name: string, reviewers: number): CountedTool => ({
    ...tool(name, reviewers === 0 ? below(101) : Math.round((100 * below(reviewers + 1)) / reviewers)),
    communityShip: below(4) === 0 ? null : below(101),
    entryPrice: ['Free', '$20/mo', '$0.40 per 1M tokens', 'Contact sales'][below(4)] ?? 'Free',
    reviews: Array.from(
      { length: reviewers },
      (_, at): Review => ({ lens: `lens ${at}`, quote: 'Words.', call: null }),
    ),
  });
  return Array.from({ length: count }, () => {
    const [a, shift] = [below(NAMES.length), 1 + below(NAMES.length - 1)];
    const reviewers = [4, 4, 4, 4, 3, 5, 0][below(7)] ?? 4;
    const other = NAMES[(a + shift) % NAMES.length] ?? '';
    return { tools: [any(NAMES[a] ?? '', reviewers), any(other, reviewers)] };
  });
}

const pairs = generated(200);
const sentences = sentencesInOrder(pairs.map(({ tools }) => reasonsOf(tools)));
const subjects = pairs.map((pair) => subjectFor(pair));
const isDisputed = ({ panelShip, ...rest }: CountedTool) =>
  Math.abs((communityOf({ ...rest }) ?? panelShip) - panelShip) >= DISAGREE;
const either = pairs.map(({ tools }) => tools.some(isDisputed));

/** The texts without the names of their tools, longest name first. */
function withoutNames(text: string, { tools }: (typeof pairs)[number]): string {
  const names = tools.map(({ name }) => name).toSorted((a, b) => b.length - a.length);
  return names.reduce((rest, name) => rest.replaceAll(name, '_'), text);
}

describe('the sentences of 200 comparisons', () => {
  it('read as they are stored', async () => {
    const lines = pairs.map(({ tools }, at) => {
      const figures = tools.map(
        ({ name, panelShip, communityShip }) => `${name} ${panelShip}/${communityShip ?? '—'}`,
      );
      const preheader = preheaderFor(
        pairs[at] ?? { tools },
        pairs.slice(at + 1, at + 5),
        subjects[at] ?? '',
        formOf({ tools }, []),
      );
      return [
        `${figures.join(' | ')}: ${verdict(tools).words} (${toolMarks(tools).join(', ')})`,
        `  ${sentences[at]}`,
        `  S ${subjects[at]}`,
        `  P ${preheader}`,
      ].join('\n');
    });
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('__snapshots__/sentences.txt');
  });

  it('name both tools in full, and a subject never names another product', () => {
    pairs.forEach((pair, at) => {
      for (const { name } of pair.tools) expect(sentences[at]).toContain(name);
      const left = withoutNames(subjects[at] ?? '', pair).toLowerCase();
      const words = pair.tools
        .flatMap(({ name }) => name.toLowerCase().split(' '))
        .filter((word) => word.length > 3);
      expect(words.filter((word) => left.split(/\W+/u).includes(word))).toEqual([]);
      expect(subjects[at]).not.toContain('…');
    });
  });

  it('count people and print no percentage', () => {
    for (const text of [...sentences, ...subjects]) expect(text).not.toMatch(/%|undefined|NaN/u);
  });

  it('say "but" wherever readers are 30 points or more from the panel', () => {
    const silent = (texts: string[]) => texts.filter((text, at) => either[at] && !/\bbut\b/u.test(text));
    expect(silent(sentences)).toEqual([]);
    expect(silent(subjects)).toEqual([]);
  });

  it('have no pattern twice running', () => {
    const skeleton = (at: number) =>
      withoutNames(sentences[at] ?? '', pairs[at] ?? { tools: [tool('', 0), tool('', 0)] })
        .replace(
          /\b(?:none|no|one|two|three|four|five|all|both|most|few|every|half|only|about|just|over|under)\b/giu,
          '#',
        )
        .replace(/[#\s]+/gu, '#');
    sentences.slice(1).forEach((sentence, at) => {
      expect(skeleton(at + 1), sentence).not.toBe(skeleton(at));
    });
    const patterns = new Set(pairs.flatMap(({ tools }) => reasonsOf(tools).map(({ pattern }) => pattern)));
    expect(patterns.size).toBeGreaterThanOrEqual(8);
  });

  it('have at least two true sentences for every pair', () => {
    for (const { tools } of pairs)
      expect(new Set(reasonsOf(tools).map(({ pattern }) => pattern)).size).toBeGreaterThan(1);
  });

  it('have subjects of 30 to 55 characters in 95 of 100', () => {
    const fitting = subjects.filter((subject) => lengthOf(subject) >= 30 && lengthOf(subject) <= 55);
    expect(fitting.length).toBeGreaterThanOrEqual(190);
  });
});

describe('a number of people', () => {
  const panel = (panelShip: number, reviews: number, ...calls: ('ship' | 'skip')[]) =>
    panelCount({
      panelShip,
      reviews: Array.from({ length: reviews }, (_, at) => ({
        ...{ lens: `${at}`, quote: 'Words.', call: calls[at] ?? null },
      })),
    });

  it('is known when the share is a whole number of the reviewers shown', () => {
    expect(panel(75, 4)).toEqual({ ship: 3, of: 4 });
    expect([panel(66, 3), panel(67, 3)]).toEqual([
      { ship: 2, of: 3 },
      { ship: 2, of: 3 },
    ]);
    expect(panel(62, 4)).toBeNull();
    expect(panel(75, 0)).toBeNull();
  });

  it('is not known when calls contradict it', () => {
    expect(panel(75, 4, 'skip', 'skip')).toBeNull();
    expect(panel(75, 4, 'ship', 'ship', 'ship', 'skip')).toEqual({ ship: 3, of: 4 });
  });

  it.each([
    [0, 'no reader'],
    [3, 'hardly any reader'],
    [12, 'one reader in ten'],
    [33, 'one reader in three'],
    [45, 'just under half the readers'],
    [50, 'half the readers'],
    [61, 'three readers in five'],
    [75, 'three readers in four'],
    [97, 'nearly every reader'],
    [100, 'every reader'],
  ])('%i%% of readers is %s', (share, words) => {
    expect(readers(share)).toBe(words);
  });
});
