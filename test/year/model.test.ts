import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { weeksFrom } from './calendar.ts';
import { Model, type SentIssue, slotDifference } from './model.ts';
import type { Accepted } from './provider.ts';
import { random } from './random.ts';
import { HABITS, type Reader, Readers } from './readers.ts';
import { type Page, Site } from './site.ts';

/** The model of a year finds each kind of difference; otherwise a year without one would say nothing. */

const MONDAY = new Date('2027-03-01T08:00:00Z');
const TUESDAY = new Date('2027-03-02T08:00:00Z');

let folder: string;
let site: Site;
let model: Model;
let readers: Readers;
let reader: Reader;
let page: Page;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'wv-model-'));
  site = await Site.open({ seed: 1, kind: 'site', folder });
  readers = new Readers(random(1, 'readers'), HABITS);
  model = new Model(site, readers);
  reader = readers.add();
  reader.topics = [];
  reader.since = new Date('2027-01-01');
  page = site.publish(new Date('2027-02-28'));
  site.wasRead(MONDAY);
});

afterEach(async () => {
  await site[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const copy = (slug: string, to = reader.email): Accepted => ({
  ...{ providerId: '', deliveryId: '', subject: '', from: '', issue: slug, to, at: TUESDAY },
  links: { unsubscribe: '', preferences: '', vote: '' },
});

const issue = (more: Partial<SentIssue> = {}): SentIssue => ({
  slug: 'one',
  draft: model.snapshot(MONDAY),
  frozenAt: TUESDAY,
  outAt: TUESDAY,
  fresh: [page.slug],
  changed: [],
  ...{ freshCounted: [], changedCounted: [], subject: 'Ship it', preheader: '' },
  htmlBytes: 70_000,
  text: page.title,
  ...more,
});

const kinds = () => model.differences.map(({ kind }) => kind);

describe('the model of a year', () => {
  test('has no difference when everybody got what they should', () => {
    model.copy(1, copy('one'));
    model.judge(1, issue());
    expect(model.differences).toEqual([]);
  });

  test('finds a reader who was mailed twice, and one who was left out', () => {
    model.copy(1, copy('one'));
    model.copy(1, copy('one'));
    readers.add().since = new Date('2027-01-01');
    for (const each of readers.all) each.topics = [];
    model.judge(1, issue());
    expect(kinds()).toEqual(['doubled', 'left-out']);
  });

  test('finds mail to somebody who had left, who had paused, and who had not confirmed', () => {
    reader.until = MONDAY;
    model.copy(1, copy('one'));
    expect(kinds()).toEqual(['after-leaving']);
    const paused = readers.add();
    Object.assign(paused, {
      since: new Date('2027-01-01'),
      pausedFrom: MONDAY,
      pausedTo: new Date('2027-04-01'),
    });
    model.copy(1, copy('one', paused.email));
    model.copy(1, copy('one', readers.add().email));
    expect(kinds()).toEqual(['after-leaving', 'while-paused', 'while-paused']);
    // The request without an answer was begun before they paused.
    model.copy(1, copy('two', paused.email), new Date(MONDAY.getTime() - 1));
    expect(kinds()).toHaveLength(3);
  });

  test('finds a reader who got an issue that has nothing about their topics', () => {
    reader.topics = ['Beekeeping'];
    model.copy(1, copy('one'));
    model.judge(1, issue());
    expect(kinds()).toEqual(['extra']);
  });

  test('finds a page that is new twice, one that is left out, and one that is gone', () => {
    const gone = site.publish(MONDAY);
    site.wasRead(MONDAY);
    site.delete(gone, MONDAY);
    for (let times = 0; times < 3; times += 1) site.wasRead(MONDAY);
    model.copy(1, copy('one'));
    model.judge(1, issue({ fresh: [page.slug, gone.slug], text: `${page.title} ${gone.title}` }));
    expect(kinds()).toEqual(['gone-mailed']);

    site.publish(MONDAY);
    site.wasRead(MONDAY);
    model.copy(2, copy('two'));
    model.judge(2, issue({ slug: 'two' }));
    expect(kinds()).toEqual(['gone-mailed', 'new-twice', 'new-left-out']);
  });

  test('finds a change that two issues in a row do not tell, and no change in a reprint', () => {
    model.copy(1, copy('one'));
    model.judge(1, issue());
    site.reprint();
    site.wasRead(MONDAY);
    for (const slug of ['two', 'three']) {
      model.copy(2, copy(slug));
      model.judge(2, issue({ slug, fresh: [] }));
    }
    expect(kinds()).toEqual([]);
    site.change(1);
    site.wasRead(MONDAY);
    for (const slug of ['four', 'five']) {
      model.copy(3, copy(slug));
      model.judge(3, issue({ slug, fresh: [] }));
    }
    expect(kinds()).toEqual(['change-untold']);
  });

  test('finds subjects that are alike, and a tool that is in subject and preheader', () => {
    const pages = Array.from({ length: 4 }, () => site.publish(MONDAY));
    site.wasRead(MONDAY);
    const fresh = [page, ...pages].map(({ slug }) => slug);
    const text = [page, ...pages].map(({ title }) => title).join(' ');
    const [first, second] = page.tools.map(({ name }) => name);
    const subjects = [`Ship ${first} over ${second}`, 'Ship it', 'Ship it', `Ship ${second}`];
    for (const [index, subject] of subjects.entries()) {
      model.copy(1, copy(String(index)));
      model.judge(
        1,
        issue({ slug: String(index), fresh, text, subject, preheader: index === 0 ? `${first}` : '' }),
      );
    }
    expect(kinds().filter((kind) => kind.startsWith('subject'))).toEqual([
      'subject-preheader',
      'subject-form',
      'subject-tool',
    ]);
  });

  test('finds html over the budget, and a comparison that the mail does not name', () => {
    model.copy(1, copy('one'));
    model.judge(1, issue({ htmlBytes: 95_001, text: 'nothing' }));
    expect(kinds()).toEqual(['new-unnamed', 'html']);
  });

  test('accepts a late slot only when people were mailed within an hour', () => {
    const [week] = weeksFrom('2027-03-02', 1);
    if (week === undefined) throw new Error('no week');
    const at = (hours: number) => new Date(week.dueAt.getTime() + hours * 3_600_000);
    const outcome = { week, status: 'paused', sentAt: null, reportedAt: null, reachableAt: week.dueAt };
    expect(slotDifference({ ...outcome, status: 'sent', sentAt: at(0.9) })).toBeNull();
    expect(slotDifference({ ...outcome, status: 'sent', sentAt: at(25) })).toMatch(/25.0 h late.*nobody/u);
    expect(slotDifference(outcome)).toMatch(/ended as paused, and nobody/u);
    expect(slotDifference({ ...outcome, reportedAt: at(0.5) })).toBeNull();
    expect(slotDifference({ ...outcome, reportedAt: at(21) })).toMatch(/too late/u);
    expect(slotDifference({ ...outcome, reportedAt: at(21), reachableAt: at(20.5) })).toBeNull();
  });
});

test('slots are at nine o’clock of the place, before and after its clocks change', () => {
  const weeks = weeksFrom('2027-03-23', 2);
  expect(weeks.map(({ dueAt }) => dueAt.toISOString())).toEqual([
    '2027-03-23T08:00:00.000Z',
    '2027-03-30T07:00:00.000Z',
  ]);
});
