import { sql } from 'kysely';
import type { Connection } from '../../src/platform/db/database.ts';

/** "table.column" of every column in the database, of any type, that contains `trace` in any case. */
export async function whereverWritten(db: Connection, trace: string): Promise<string[]> {
  const { rows: columns } = await sql<{ table: string; column: string }>`
    select table_name as table, column_name as column from information_schema.columns
    where table_schema = 'public' order by table_name, ordinal_position
  `.execute(db);
  const found: string[] = [];
  for (const { table, column } of columns) {
    const { rows } = await sql`
      select from ${sql.table(table)} where strpos(lower(${sql.ref(column)}::text), ${trace.toLowerCase()}) > 0 limit 1
    `.execute(db);
    if (rows.length > 0) found.push(`${table}.${column}`);
  }
  return found;
}

/**
 * Every row of every table with the transaction that wrote it last: if it is unchanged, nothing was written. Renderings
 * are left out: they are derived from the rest, and a view may make them again at any time.
 */
export async function everyRow(db: Connection): Promise<string> {
  const { rows: tables } = await sql<{ table: string }>`
    select table_name as table from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> 'issue_renderings'
    order by table_name
  `.execute(db);
  const contents: unknown[] = [];
  for (const { table } of tables) {
    const { rows } = await sql`
      select t.xmin::text as written, to_jsonb(t) as row from ${sql.table(table)} t order by to_jsonb(t)::text
    `.execute(db);
    contents.push([table, rows]);
  }
  return JSON.stringify(contents);
}
