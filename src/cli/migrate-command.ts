import { loadDatabaseSettings } from '../config/config.ts';
import { openDatabase } from '../platform/db/database.ts';
import { grantWorkingRole } from '../platform/db/roles.ts';
import { prepareQueueDatabase } from '../platform/queue/job-queue.ts';
import { describeOnTheirWay } from '../sending/on-its-way.ts';
import { type Context, say } from './output.ts';

/**
 * Migrates the database to the newest schema. With MIGRATE_DATABASE_URL it connects as the role that owns the
 * tables, and grants the role of DATABASE_URL the rights that it needs. It needs no other setting, and no other
 * secret.
 */
export async function migrate(context: Context): Promise<void> {
  const { dataDir, databaseUrl, ownerUrl, queueIsHere } = loadDatabaseSettings(context.env);
  await using database = await openDatabase(
    ownerUrl === undefined
      ? { databaseUrl, dataDir }
      : { databaseUrl: ownerUrl, dataDir, setting: 'MIGRATE_DATABASE_URL' },
  );
  if (queueIsHere) await prepareQueueDatabase(database.queuePool());
  say(
    `The ${database.backend === 'embedded' ? `embedded database in ${dataDir}` : 'database'} is at the newest schema.`,
  );
  for (const line of await describeOnTheirWay(database.kysely)) say(line);
  if (ownerUrl === undefined || databaseUrl === undefined) return;
  const role = decodeURIComponent(new URL(databaseUrl).username);
  await grantWorkingRole(database.kysely, role, { queueIsHere });
  say(`The role "${role}" may work in it, and changes no table.`);
}
