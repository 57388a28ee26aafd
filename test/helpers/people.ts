import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { beforeEach } from 'vitest';
import type { Connection } from '../../src/db/index.ts';
import { type ImportOptions, type ImportReport, importSubscribers } from '../../src/subscribers/index.ts';
import type { WithDatabase } from './homes.ts';

let hosts = 0;

/** The people of one mail host that nobody else in the database has: lists bring them, and the books tell of them. */
export class People {
  readonly db: Connection;
  /** Where the lists are written to. */
  readonly folder: string;
  readonly host: string;
  #files = 0;

  constructor(db: Connection, folder: string) {
    hosts += 1;
    this.db = db;
    this.folder = folder;
    this.host = `list${hosts}.example`;
  }

  /** Writes a list into a file of its own. */
  async file(content: string | Buffer): Promise<string> {
    this.#files += 1;
    const file = path.join(this.folder, `${this.host}-${this.#files}.csv`);
    await writeFile(file, content);
    return file;
  }

  /** Imports a list, with the host as its source. */
  async load(content: string | Buffer, options: Partial<ImportOptions> = {}): Promise<ImportReport> {
    return importSubscribers(this.db, await this.file(content), { source: this.host, ...options });
  }

  /** Everybody, in the order of their addresses. */
  async rows() {
    const rows = await this.db
      .selectFrom('subscribers')
      .select(['email', 'status', 'topics', 'timezone', 'confirmed_at', 'left_at'])
      .where('email', 'like', `%@${this.host}`)
      .orderBy('email')
      .execute();
    return rows.map(({ left_at, ...row }) => ({ ...row, left: left_at !== null }));
  }

  /** Local part → state. */
  async states(): Promise<Record<string, string>> {
    return Object.fromEntries((await this.rows()).map(({ email, status }) => [email.split('@')[0], status]));
  }

  /** The consent log of one of them. */
  async events(local: string) {
    const { rows } = await sql<{
      event: string;
      at: Date;
      method: string;
      source: string | null;
      details: object;
    }>`
      select e.event, e.at, e.method, e.source, e.details from consent_events e
      join subscribers s on s.id = e.subscriber_id where s.email = ${`${local}@${this.host}`} order by e.id
    `.execute(this.db);
    return rows;
  }

  async idOf(local: string): Promise<string> {
    const { id } = await this.db
      .selectFrom('subscribers')
      .select('id')
      .where('email', '=', `${local}@${this.host}`)
      .executeTakeFirstOrThrow();
    return id;
  }
}

/** Gives every test of the group people of its own, before it begins. */
export function peopleForEach(withDatabase: WithDatabase, use: (people: People) => void): void {
  let db: Connection;
  let folder: string;
  withDatabase(({ kysely }, { dataDir }) => {
    db = kysely;
    folder = dataDir;
  });
  beforeEach(() => use(new People(db, folder)));
}

/** How many an import has added, in whatever state. */
export function addedBy({ added }: ImportReport): number {
  return Object.values(added).reduce((total, count) => total + count, 0);
}
