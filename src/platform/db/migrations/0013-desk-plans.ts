import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/** What a draft's pages count before anything is frozen: who would get it, and in how many variants. */
const STATEMENTS = [
  `create index subscribers_by_topics on subscribers (topics, paused_until, id) where status = 'active'`,
  `create index consent_events_confirmed on consent_events (subscriber_id) where event = 'confirmed'`,
];
