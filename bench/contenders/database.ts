import { createApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { issueProgress } from '../../src/sending/progress.ts';
import { contender } from '../child.ts';
import { approved, freeze } from '../database.ts';
import { SETTINGS } from '../issue.ts';

export type Figures = Record<'freezeSeconds' | 'copySeconds' | 'progressSeconds' | 'countSeconds', number>;

/** The database's work for a long list: freeze it, and report the progress of a send. */
await contender(async ({ env }: { env: Record<string, string> }): Promise<Figures> => {
  const { config, secrets } = loadConfig({ ...SETTINGS, ...env });
  await using app = await createApp(config, secrets);
  const { id } = await approved(app);
  const pool = app.database.queuePool();

  const freezeSeconds = await seconds(() => freeze(app, id));
  await pool.query('create table public.copied (like public.deliveries including all)');
  const copySeconds = await seconds(() =>
    pool.query('insert into public.copied select * from public.deliveries'),
  );
  return {
    freezeSeconds,
    copySeconds,
    countSeconds: await seconds(() =>
      pool.query('select status, reason, count(*) from public.deliveries where issue_id = $1 group by 1, 2', [
        id,
      ]),
    ),
    progressSeconds: await seconds(() => issueProgress(app.db, id)),
  };
});

async function seconds(task: () => Promise<unknown>): Promise<number> {
  const at = performance.now();
  await task();
  return (performance.now() - at) / 1_000;
}
