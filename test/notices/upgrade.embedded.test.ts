import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { lockUnmailed, openNotices } from '../../src/notices/notice-store.ts';
import { emptyLocation } from '../helpers/locations.ts';
import { migrateTo } from '../helpers/older-database.ts';

it('Y6: an upgrade mails nobody about the notices of an older version, nor about their end', async () => {
  await using older = await emptyLocation();
  await migrateTo('0027-site-changes', older, async (db) => {
    await sql`insert into notices (kind, subject, message, at, resolved_at)
      select 'silent-week', n::text, 'Nothing goes out.', '2026-01-01', case when n > 300 then now() end
      from generate_series(1, 600) n`.execute(db);
  });
  await using opened = await older.open();
  const db = opened.kysely;
  expect(await openNotices(db)).toHaveLength(300);
  await sql`update notices set resolved_at = now(), recovery = 'It is over.'`.execute(db);
  expect(await db.transaction().execute(lockUnmailed)).toEqual([]);
});
