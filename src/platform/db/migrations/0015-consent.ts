import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // What else somebody was shown when they agreed, on its way from the form to the consent log.
  `alter table sign_ups
    add column privacy_url text,
    add column privacy_version text,
    add column locale text`,
];
