import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

/** What the lists of the desk walk along, so that no page of it reads a whole table. */
const STATEMENTS = [
  // Byte by byte, whatever language the database sorts in: a search by how an address begins is one range.
  `create index subscribers_by_address on subscribers (email_key text_pattern_ops)`,
  // How many there are of each, from the index alone.
  `create index subscribers_by_status on subscribers (status)`,
  // How the list grew, and where people asked for it.
  `create index subscribers_joined on subscribers (confirmed_at) where confirmed_at is not null`,
  `create index consent_events_asked on consent_events (at) where event in ('requested', 'confirmed')`,
  // One person's history, and the evidence about a batch.
  `create index events_by_delivery on events (delivery_id) where delivery_id is not null`,
  `create index events_by_subscriber on events (subscriber_id) where subscriber_id is not null`,
];
