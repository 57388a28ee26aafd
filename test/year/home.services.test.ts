import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, test } from 'vitest';
import { MS } from './calendar.ts';
import { missingServices, openHome } from './home.ts';

/** A year on services is one year only if this process, PostgreSQL and Redis have the same time. */
test('PostgreSQL and Redis follow the virtual clock, also in sessions that are open', async (context) => {
  const missing = missingServices();
  context.skip(missing !== '', missing);
  const start = new Date('2027-03-02T08:00:00Z');
  await using home = await openHome('services', start);
  const postgres = new pg.Client({ connectionString: home.env.DATABASE_URL });
  const redis = new Redis(home.env.REDIS_URL ?? '');
  try {
    await postgres.connect();
    await redis.set('lease', 'held', 'PX', MS.hour);
    for (const at of [start, new Date(start.getTime() + 400 * MS.day)]) {
      home.clock.goTo(at);
      const { rows } = await postgres.query('select now() as now');
      const [seconds] = await redis.time();
      const times = [home.clock.now, rows[0].now as Date, new Date(Number(seconds) * 1_000)];
      for (const time of times) expect(Math.abs(time.getTime() - at.getTime())).toBeLessThan(MS.minute);
    }
    expect(await redis.get('lease')).toBeNull();
  } finally {
    redis.disconnect();
    await postgres.end();
  }
});
