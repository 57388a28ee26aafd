import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Tool } from '../src/comparisons/model.ts';
import { contentHash, topics } from '../src/comparisons/names.ts';
import { isContested, toolMark, verdict } from '../src/comparisons/verdict.ts';
import { gatherFolder } from '../src/sources/gather-folder.ts';

const SAMPLES = new URL('../samples/', import.meta.url);
const folder = (name: string) => fileURLToPath(new URL(name, SAMPLES));

const week = await gatherFolder(folder('comparisons'));
const earlier = await gatherFolder(folder('earlier'));
const tools = week.comparisons.flatMap(({ tools }) => tools);

describe('the sample week', () => {
  it('is read without a fault', () => {
    expect([...week.rejected, ...earlier.rejected]).toEqual([]);
    expect(week.comparisons).toHaveLength(10);
    expect(earlier.comparisons).toHaveLength(1);
  });

  it('has categories enough for topics to matter, and a comparison across two', () => {
    expect(new Set(week.comparisons.flatMap(topics)).size).toBeGreaterThanOrEqual(4);
    expect(week.comparisons.some((comparison) => topics(comparison).length === 2)).toBe(true);
  });

  it('has every kind of verdict', () => {
    const outcomes = week.comparisons.map(({ tools }) => verdict(tools));
    expect(new Set(outcomes.map(({ mark }) => mark))).toEqual(new Set(['ship', 'skip', 'split']));
    const words = outcomes.map((outcome) => outcome.words);
    expect(words).toEqual(expect.arrayContaining(['Ship both', 'Skip both']));
    expect(words.some((text) => text.startsWith('Split: '))).toBe(true);
    expect(words.some((text) => text.startsWith('Split on '))).toBe(true);
    expect(outcomes.filter(({ pick }) => pick !== null).length).toBeGreaterThanOrEqual(4);
  });

  it('has unanimous and split panels, with and without a community, and one against the panel', () => {
    const has = (test: (tool: Tool) => boolean) => expect(tools.some(test)).toBe(true);
    has(({ panelShip }) => panelShip === 100);
    has(({ panelShip }) => panelShip === 0);
    has((tool) => toolMark(tool) === 'split');
    has(({ communityShip }) => communityShip === null);
    has(({ communityShip }) => communityShip !== null);
    has(isContested);
  });

  it('has long and short names, other scripts, and prices of every shape', () => {
    expect(tools.some(({ name }) => name.length > 28)).toBe(true);
    expect(tools.some(({ name }) => name.length <= 4)).toBe(true);
    for (const script of [/\p{Script=Han}/u, /\p{Script=Greek}/u, /[Żż]/u]) {
      expect(tools.some(({ name }) => script.test(name))).toBe(true);
    }
    const prices = tools.map(({ entryPrice }) => entryPrice);
    for (const shape of [
      /^Free$/u,
      /\/mo$/u,
      /1M tokens/u,
      /billed yearly/u,
      /^Contact sales$/u,
      /¥/u,
      /£/u,
      /once$/u,
    ]) {
      expect(prices.some((price) => shape.test(price))).toBe(true);
    }
  });

  it('has panels that add up: their figure is the share of ship among the reviews', () => {
    for (const { name, panelShip, reviews } of [
      ...tools,
      ...earlier.comparisons.flatMap(({ tools }) => tools),
    ]) {
      const ships = reviews.filter(({ call }) => call === 'ship').length;
      expect([name, reviews.every(({ call }) => call !== null)]).toEqual([name, true]);
      expect([name, Math.round((100 * ships) / reviews.length)]).toEqual([name, panelShip]);
    }
    expect(new Set(tools.map(({ reviews }) => reviews.length))).toEqual(new Set([3, 4, 5]));
  });

  it('has quotes of one to three sentences, no two alike', () => {
    const quotes = tools.flatMap(({ reviews }) => reviews.map(({ quote }) => quote));
    expect(new Set(quotes).size).toBe(quotes.length);
    for (const quote of quotes) expect(quote.length).toBeLessThanOrEqual(330);
  });

  it('overtakes a verdict that was mailed before', () => {
    for (const old of earlier.comparisons) {
      const now = week.comparisons.find(({ slug }) => slug === old.slug);
      expect(now?.tools.map(({ name }) => name)).toEqual(old.tools.map(({ name }) => name));
      if (!now) continue;
      expect(contentHash(now)).not.toBe(contentHash(old));
      expect(verdict(now.tools).pick).not.toBe(verdict(old.tools).pick);
    }
  });

  it('lives at a reserved address', () => {
    for (const { url } of week.comparisons) expect(new URL(url).hostname).toBe('verdicts.example');
  });
});

describe('the sample subscribers', () => {
  const [header, ...lines] = readFileSync(new URL('subscribers.csv', SAMPLES), 'utf8').trimEnd().split('\n');
  const people = lines.map((line) => {
    const [email = '', status = '', chosen = '', timezone = '', confirmedAt = ''] = line.split(',');
    return { email, status, topics: chosen.split(';').filter(Boolean), timezone, confirmedAt };
  });

  it('are 250 at reserved domains, each once', () => {
    expect(header).toBe('email,status,topics,timezone,confirmed_at');
    expect(people).toHaveLength(250);
    expect(new Set(people.map(({ email }) => email)).size).toBe(250);
    for (const { email } of people) expect(email).toMatch(/^[a-z0-9.+-]+@[a-z]+\.example$/u);
  });

  it('are in every state, and only the confirmed have a date', () => {
    const count = (status: string) => people.filter((person) => person.status === status).length;
    expect(['active', 'unsubscribed', 'pending', 'suppressed'].map(count)).toEqual([210, 18, 13, 9]);
    for (const { status, confirmedAt } of people) {
      expect(Number.isNaN(Date.parse(confirmedAt))).toBe(status === 'pending');
    }
  });

  it('live in time zones that exist', () => {
    for (const { timezone } of people) {
      if (timezone) expect(() => new Intl.DateTimeFormat('en', { timeZone: timezone })).not.toThrow();
    }
  });

  it('partly chose topics, one of which has nothing this week', () => {
    const offered = new Set(week.comparisons.flatMap(topics));
    const choosers = people.filter(({ topics }) => topics.length > 0);
    expect(choosers).toHaveLength(60);
    const unserved = choosers.filter(
      ({ status, topics }) => status === 'active' && topics.every((topic) => !offered.has(topic)),
    );
    expect(unserved.length).toBeGreaterThan(0);
    expect(new Set(choosers.flatMap(({ topics }) => topics).filter((topic) => !offered.has(topic)))).toEqual(
      new Set(['Robotics']),
    );
  });
});
