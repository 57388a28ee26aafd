import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openResend } from '../../src/providers/resend/resend.ts';
import { checkHealth } from '../../src/workflow/health.ts';
import { approve } from '../../src/workflow/week.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { embedded } from '../helpers/desk.ts';
import { temporaryFolder } from '../helpers/locations.ts';
import { CHIEF, EDITOR, openWeeks, START, type Weeks } from '../helpers/weeks.ts';
import { type LocalResend, startResend } from '../resend/index.ts';
import { VirtualClock } from '../year/clock.ts';

/**
 * What editors and operators read, and when, in weeks that go wrong. The clock of the process and of the embedded
 * database is moved on; mail leaves over HTTP to the local Resend.
 */
const OPS = 'ops@desk.example';
const NAMES: Record<string, string> = { [OPS]: 'operator', [CHIEF]: 'chief', [EDITOR]: 'editor' };

let time: VirtualClock;
let resend: LocalResend;
let weeks: Weeks;
let mailer: ReturnType<typeof openResend>;

beforeEach(async () => {
  time = new VirtualClock(new Date(START));
  resend = await startResend({ ratePerSecond: 10_000, refusedDomains: [] });
  mailer = openResend({ apiKey: resend.apiKey, baseUrl: resend.url, random: () => 0 });
});
afterEach(async () => {
  await weeks?.[Symbol.asyncDispose]();
  await resend[Symbol.asyncDispose]();
  time[Symbol.dispose]();
});

async function open(env: Record<string, string> = {}): Promise<void> {
  weeks = await openWeeks(embedded, { OPERATORS: OPS, APPROVAL: 'auto', ...env }, { mailer, time });
}

/** What was read by people of the house: "Tue 05 09:00 operator, editor: subject", each mail once. */
function readings(): string[] {
  const read = new Map<string, string[]>();
  for (const { to, subject, acceptedAt } of resend.accepted()) {
    const who = NAMES[to];
    if (who === undefined) continue;
    const at = new Date(acceptedAt);
    const day = at.toUTCString().slice(0, 7).replace(',', '');
    const line = `${day} ${at.toISOString().slice(11, 16)}: ${subject}`;
    read.set(line, [...(read.get(line) ?? []), who]);
  }
  return [...read].map(([line, who]) => `${line} (${who.toSorted().join(', ')})`);
}

const isWell = async () => (await checkHealth(weeks.app)).status === 'ok';

it('Y3, Y6: the process is down for a day, over draft and slot', async () => {
  await open();
  await weeks.news('a-vs-b');
  // It stops at noon on Monday before the draft is made, and starts a day and ten hours later.
  await weeks.hours('2027-01-05T22:00:00Z', '2027-01-11T08:00:00Z', 4);
  await weeks.news('c-vs-d');
  await weeks.hours('2027-01-11T09:00:00Z', '2027-01-12T12:00:00Z');
  expect(readings()).toEqual([
    'Tue 05 22:00: The issue of 2027-01-05 did not go out (chief, editor, operator)',
    'Sun 10 02:00: Nothing was sent for more than eight days (operator)',
    'Tue 12 10:00: Over: 2 notices (operator)',
    'Tue 12 10:00: Over: It missed its slot, and issue 2027-01-12 was sent with what was in it. (chief, editor)',
  ]);
  expect(await weeks.mailed()).toEqual({ '2027-01-12': ['a-vs-b', 'c-vs-d'] });
  expect(resend.copies('reader@readers.example')).toBe(1);
});

it('Y6: the provider is down for a day, from before the slot on', async () => {
  await open();
  await weeks.news('a-vs-b');
  await weeks.minute();
  await weeks.hours('2027-01-04T13:00:00Z', '2027-01-05T08:00:00Z', 6);
  expect(await isWell()).toBe(true);
  const { port } = resend;
  await resend[Symbol.asyncDispose]();
  await weeks.hours('2027-01-05T09:00:00Z', '2027-01-05T11:00:00Z', 0.25);
  await weeks.hours('2027-01-05T12:00:00Z', '2027-01-06T08:00:00Z');
  await weeks.hours('2027-01-06T08:15:00Z', '2027-01-06T09:00:00Z', 0.25);
  expect(await isWell()).toBe(false);
  expect(readings()).toEqual([]);
  resend = await startResend({ ratePerSecond: 10_000, refusedDomains: [], port });
  await weeks.hours('2027-01-06T09:15:00Z', '2027-01-06T11:00:00Z', 0.25);
  expect(readings()).toEqual([
    'Wed 06 09:15: The mail provider does not answer (operator)',
    'Wed 06 09:30: Over: The mail provider answers again, and what waited is sent. (operator)',
  ]);
  expect(await weeks.issue('2027-01-05')).toMatchObject({ status: 'sent' });
  expect(resend.copies('reader@readers.example')).toBe(1);
  expect(await isWell()).toBe(true);
});

it('Y6, Y7: a source is dead for a month', async () => {
  using folder = temporaryFolder();
  const source = path.join(folder.path, 'comparisons');
  await mkdir(source);
  const add = (slug: string) =>
    writeFile(
      path.join(source, `${slug}.json`),
      JSON.stringify(comparison(slug, tool(`${slug} A`, 80), tool(`${slug} B`, 20))),
    );
  await add('a-vs-b');
  await open({ SOURCES: `folder:${source}` });
  const { gather } = (await import('../../jobs/all-jobs.ts')).processors(weeks.app);
  /** The program as it runs, every few hours. */
  const days = async (from: string, to: string, step = 6) => {
    for (let at = Date.parse(from); at <= Date.parse(to); at += step * 3_600_000) {
      weeks.at(new Date(at).toISOString());
      await gather({});
      const mails = resend.accepted().length;
      await weeks.minute();
      // The mails of this minute have left, and a later minute sees it.
      if (resend.accepted().length > mails) await weeks.minute();
    }
  };
  await days('2027-01-04T15:00:00Z', '2027-01-06T09:00:00Z');
  expect(await weeks.mailed()).toEqual({ '2027-01-05': ['a-vs-b'] });
  await rename(source, `${source}.gone`);
  await days('2027-01-06T15:00:00Z', '2027-01-07T09:00:00Z');
  await days('2027-01-07T21:00:00Z', '2027-02-05T09:00:00Z', 12);
  await rename(`${source}.gone`, source);
  await add('c-vs-d');
  expect(await readdir(source)).toHaveLength(2);
  await days('2027-02-05T15:00:00Z', '2027-02-10T09:00:00Z');
  expect(readings()).toEqual([
    'Thu 07 03:00: A source fails (operator)',
    'Mon 11 09:00: Nothing goes out on 2027-01-12 (chief, editor, operator)',
    'Wed 13 09:00: Nothing was sent for more than eight days (operator)',
    'Mon 18 09:00: Nothing goes out on 2027-01-19 (chief, editor, operator)',
    'Mon 25 09:00: Nothing goes out on 2027-01-26 (chief, editor, operator)',
    'Mon 01 09:00: Nothing goes out on 2027-02-02 (chief, editor, operator)',
    'Fri 05 15:00: Over: The source is read again. (operator)',
    'Tue 09 09:00: Over: An issue was sent. (operator)',
  ]);
  expect(await weeks.mailed()).toEqual({ '2027-01-05': ['a-vs-b'], '2027-02-09': ['c-vs-d'] });
});

it('B22: news comes to a skipped slot that is still ahead, and editors read both', async () => {
  await open({ APPROVAL: 'required' });
  await weeks.minute();
  await weeks.hours('2027-01-04T13:00:00Z', '2027-01-04T15:00:00Z');
  await weeks.news('a-vs-b', 'c-vs-d');
  await weeks.hours('2027-01-04T16:00:00Z', '2027-01-04T18:00:00Z');
  await approve(weeks.app, await weeks.issue('2027-01-05'));
  await weeks.hours('2027-01-05T09:00:00Z', '2027-01-05T12:00:00Z');
  expect(readings()).toEqual([
    'Mon 04 12:00: Nothing goes out on 2027-01-05 (chief, editor, operator)',
    'Mon 04 16:00: Issue 1 is ready for review (chief, editor)',
    'Mon 04 16:00: Over: It is composed after all, with 2 comparisons. (chief, editor, operator)',
  ]);
  expect(await weeks.issue('2027-01-05')).toMatchObject({ status: 'sent' });
});
