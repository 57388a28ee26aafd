import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { beforeEach } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import {
  type ImportOptions,
  type ImportReport,
  importSubscribers,
} from '../../src/subscribers/import-export/import.ts';
import type { WithDatabase } from './locations.ts';

let hosts = 0;

/**
 * People for every test of the group, all at one mail host that no other test uses: they come from lists, and the
 * database reports them.
 */
export function peopleForEach(withDatabase: WithDatabase) {
  let db: Connection;
  let folder: string;
  let host = '';
  let files = 0;
  withDatabase(({ kysely }, { dataDir }) => {
    db = kysely;
    folder = dataDir;
  });
  const moveOn = () => {
    hosts += 1;
    host = `list${hosts}.example`;
  };
  beforeEach(moveOn);

  /** Writes a list into a file of its own. */
  const file = async (content: string | Buffer): Promise<string> => {
    files += 1;
    const name = path.join(folder, `${host}-${files}.csv`);
    await writeFile(name, content);
    return name;
  };

  /** Everybody, in the order of their addresses. */
  const rows = async () => {
    const found = await db
      .selectFrom('subscribers')
      .select(['email', 'status', 'topics', 'timezone', 'confirmed_at', 'left_at'])
      .where('email', 'like', `%@${host}`)
      .orderBy('email')
      .execute();
    return found.map(({ left_at, ...row }) => ({ ...row, left: left_at !== null }));
  };

  return {
    get db() {
      return db;
    },
    /** Where the lists are. */
    get folder() {
      return folder;
    },
    get host() {
      return host;
    },
    /** Switches to new people from now on. */
    moveOn,
    file,
    rows,
    /** Imports a list, with the host as its source. */
    async load(content: string | Buffer, options: Partial<ImportOptions> = {}): Promise<ImportReport> {
      return importSubscribers(db, await file(content), { source: host, ...options });
    },
    /** Local part → state. */
    async states(): Promise<Record<string, string>> {
      return Object.fromEntries((await rows()).map(({ email, status }) => [email.split('@')[0], status]));
    },
    /** The consent log of one of them. */
    async events(local: string) {
      const { rows: found } = await sql<{
        event: string;
        at: Date;
        method: string;
        source: string | null;
        details: object;
      }>`
        select e.event, e.at, e.method, e.source, e.details from consent_events e
        join subscribers s on s.id = e.subscriber_id where s.email = ${`${local}@${host}`} order by e.id
      `.execute(db);
      return found;
    },
    async idOf(local: string): Promise<string> {
      const { id } = await db
        .selectFrom('subscribers')
        .select('id')
        .where('email', '=', `${local}@${host}`)
        .executeTakeFirstOrThrow();
      return id;
    },
  };
}

/** How many people an import has added, with any status. */
export function addedBy({ added }: ImportReport): number {
  return Object.values(added).reduce((total, count) => total + count, 0);
}
