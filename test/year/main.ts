import { parseArgs } from 'node:util';
import { missingServices, openHome, type Store } from './home.ts';
import { headLine, lineOf, summaryOf } from './report.ts';
import { simulateYear } from './year.ts';

/** `npm run year`: a year of weekly issues in minutes, compared with what should have happened. */

const USAGE = `npm run year -- [--weeks N] [--seed S] [--store embedded|services] [--readers N] [--growth PERCENT]
                [--change PERCENT] [--reprint WEEK] [--source site|folder] [--provider direct|http]
                [--calm] [--subjects]

Drives the program through so many weekly slots (default 60) by a virtual clock, in a world that follows from the
seed: readers come and leave, pages appear, change and are deleted, processes, provider and source fail. A row a week;
any difference from what should have happened is a failure, with the command that repeats it.

  --readers   readers at the beginning (default 200)
  --growth    new readers in a week, in percent (default 3); some 1.2 leave
  --change    share of the pages that visibly change in a week, in percent (default 6)
  --reprint   week in which the site prints all prices in another way (default 40; 0: never)
  --source    what the program reads: the site with its sitemap (default), or a folder
  --provider  how mail leaves: to a part of this process (default), or over HTTP to the local Resend, which keeps
              every message in memory
  --calm      nothing fails
  --subjects  prints the subject and preheader of each issue
`;

const options = {
  weeks: { type: 'string', default: '60' },
  seed: { type: 'string', default: '1' },
  store: { type: 'string', default: 'embedded' },
  readers: { type: 'string', default: '200' },
  growth: { type: 'string', default: '3' },
  change: { type: 'string', default: '6' },
  reprint: { type: 'string', default: '40' },
  source: { type: 'string', default: 'site' },
  provider: { type: 'string', default: 'direct' },
  calm: { type: 'boolean', default: false },
  subjects: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

function settings() {
  const { values } = parseArgs({ options });
  if (values.help) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  const whole = (name: 'weeks' | 'seed' | 'readers' | 'change' | 'reprint', least: number) => {
    const number = Number(values[name]);
    if (!Number.isInteger(number) || number < least)
      throw new Error(`--${name} ${values[name]} is no whole number from ${least}`);
    return number;
  };
  const growth = Number(values.growth);
  if (!(growth >= 0)) throw new Error(`--growth ${values.growth} is no share in percent`);
  const { store, source, provider, calm, subjects } = values;
  if (store !== 'embedded' && store !== 'services')
    throw new Error(`--store is embedded or services, not ${store}`);
  if (source !== 'site' && source !== 'folder') throw new Error(`--source is site or folder, not ${source}`);
  if (provider !== 'direct' && provider !== 'http')
    throw new Error(`--provider is direct or http, not ${provider}`);
  return {
    store: store as Store,
    subjects,
    year: {
      weeks: whole('weeks', 1),
      seed: whole('seed', 0),
      readers: whole('readers', 1),
      habits: { growth: growth / 100 },
      change: whole('change', 0) / 100,
      fresh: [3, 12] as const,
      reprint: whole('reprint', 0) || null,
      calm,
      source,
      provider,
      from: '2026-12-05',
    },
  } as const;
}

async function main(): Promise<number> {
  const { store, subjects, year } = settings();
  const missing = store === 'services' ? missingServices() : '';
  if (missing !== '') {
    process.stdout.write(`skipped: ${missing}, so no year on services can be simulated here\n`);
    return 0;
  }
  // A week before the first slot.
  await using home = await openHome(store, new Date('2026-12-01T08:00:00Z'));
  process.stdout.write(`${headLine()}\n`);
  const report = await simulateYear(home, {
    ...year,
    onWeek: (row) => {
      process.stdout.write(`${lineOf(row)}\n`);
      if (subjects && row.subject !== '') process.stdout.write(`      ${row.subject} | ${row.preheader}\n`);
    },
  });
  process.stdout.write(summaryOf(report));
  if (report.differences.length === 0) return 0;
  const { weeks, seed, readers, habits, change, reprint, source, provider, calm } = year;
  process.stdout.write(
    `again: npm run year -- --store ${store} --weeks ${weeks} --seed ${seed} --readers ${readers} --growth ${habits.growth * 100} --change ${Math.round(change * 100)} --reprint ${reprint ?? 0} --source ${source} --provider ${provider}${calm ? ' --calm' : ''}\n`,
  );
  return 1;
}

// A process that is asked to stop also ends its services and removes its files at its exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`error: ${(error as Error).stack}\n`);
  process.exitCode = 2;
}
