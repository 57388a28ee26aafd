import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // A delivery changes once when it is submitted and once when it arrives. As long as no index holds what changes,
  // and its page has room, PostgreSQL writes the new version beside the old one and touches no index (HOT).
  `drop index deliveries_by_provider`,
  `alter table deliveries set (fillfactor = 50)`,
  // What was mailed to a person is looked up issue by issue: some dozens of looks for one page, instead of a
  // write in a random place of the largest index for every reader of every issue.
  `drop index deliveries_by_subscriber`,
];
