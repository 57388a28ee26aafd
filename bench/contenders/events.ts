import { randomUUID } from 'node:crypto';
import { createApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import type { ReceivedEvent } from '../../src/providers/port.ts';
import { applyEvents } from '../../src/sending/events/apply-events.ts';
import { storeEvents } from '../../src/sending/events/event-store.ts';
import { contender } from '../child.ts';
import { approved, freeze } from '../database.ts';
import { SETTINGS } from '../issue.ts';

export interface Input {
  env: Record<string, string>;
  /** Of each kind. */
  events: number;
}

/** Events a second. */
export interface Figures {
  stored: number;
  storedSingly: number;
  applied: number;
  appliedSingly: number;
  appliedUnanalyzed: number;
}

/** As many as the webhook combines into one statement. */
const GATHERED = 500;

/** The provider reports `delivered` for everybody, out of order: first half with good statistics, then without any. */
await contender(async ({ env, events }: Input): Promise<Figures> => {
  const { config, secrets } = loadConfig({ ...SETTINGS, ...env });
  await using app = await createApp(config, secrets);
  const { db } = app;
  const pool = app.database.queuePool();
  await freeze(app, (await approved(app)).id);
  await pool.query(
    `update public.deliveries set status = 'submitted', provider_id = id::text, submitted_at = now()`,
  );
  await pool.query(`update public.batches set status = 'submitted', claimed_at = now()`);
  await pool.query('vacuum analyze');

  const { rows } = await pool.query<{ id: string }>(
    'select id from public.deliveries order by md5(id::text)',
  );
  const told = rows.map(
    ({ id }): ReceivedEvent => ({
      id: `msg_${randomUUID()}`,
      type: 'email.delivered',
      kind: 'delivered',
      at: new Date(),
      deliveryId: id,
      mailId: null,
      providerId: id,
      email: null,
      reason: null,
      link: null,
      isScanner: false,
    }),
  );
  const rate = async (count: number, task: () => Promise<unknown>) => {
    const at = performance.now();
    await task();
    return (count * 1_000) / (performance.now() - at);
  };
  const store = async (some: ReceivedEvent[], size: number) => {
    for (let at = 0; at < some.length; at += size) await storeEvents(db, some.slice(at, at + size));
  };

  const singles = told.splice(0, 2_000);
  const storedSingly = await rate(singles.length, () => store(singles, 1));
  const appliedSingly = await rate(singles.length, async () => {
    for (const { deliveryId, id } of singles) {
      await pool.query(
        `update public.deliveries set status = 'delivered', delivered_at = now() where id = $1`,
        [deliveryId],
      );
      await pool.query(`update public.events set due_at = null, outcome = 'applied' where id = $1`, [id]);
    }
  });
  const first = told.splice(0, events);
  const stored = await rate(first.length, () => store(first, GATHERED));
  await pool.query('analyze');
  const applied = await rate(first.length, () => applyEvents(db));

  await pool.query('delete from pg_statistic');
  await pool.query(
    `update pg_class set reltuples = -1, relpages = 0 where relnamespace = 'public'::regnamespace and relkind in ('r', 'i')`,
  );
  const second = told.splice(0, events);
  await store(second, GATHERED);
  const appliedUnanalyzed = await rate(second.length, () => applyEvents(db));
  return { stored, storedSingly, applied, appliedSingly, appliedUnanalyzed };
});
