import { createApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { issueProgress, prepareIssue } from '../../src/delivery/index.ts';
import { listIssues } from '../../src/issues/index.ts';
import { keyId } from '../../src/subscribers/index.ts';
import { approve } from '../../src/weekly.ts';
import { contender } from '../child.ts';
import { SETTINGS } from '../issue.ts';

export type Figures = Record<'freezeSeconds' | 'copySeconds' | 'progressSeconds' | 'countSeconds', number>;

/** What the database alone has to do for a long list: freeze it, and tell how far a send is. */
await contender(async ({ env }: { env: Record<string, string> }): Promise<Figures> => {
  const { config, secrets } = loadConfig({ ...SETTINGS, ...env });
  await using app = await createApp(config, secrets);
  const [inReview] = await listIssues(app.db, { status: ['review'] });
  if (inReview === undefined) throw new Error('the books have no issue in review');
  const { id } = await approve(app, inReview);
  const pool = app.database.queuePool();

  const freezeSeconds = await seconds(() =>
    prepareIssue(app.db, id, {
      from: config.mail.from,
      replyTo: config.mail.replyTo,
      newsletterName: config.newsletterName,
      publicUrl: config.publicUrl,
      keyId: keyId(app.keys[0]),
    }),
  );
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
