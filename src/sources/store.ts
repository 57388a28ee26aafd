import type { Connection } from '../db/index.ts';
import type { Gathered, SourceReport } from './gathered.ts';

/** Writes down what one look at all sources brought, and what was skipped and why. */
export async function recordGather(
  db: Connection,
  gathered: Pick<Gathered, 'rejected'> & {
    added: number;
    changed: number;
    unchanged: number;
    sources: SourceReport[];
  },
): Promise<void> {
  const { added, changed, unchanged, rejected } = gathered;
  const sources = gathered.sources.map(({ fault, ...report }) => ({
    ...report,
    fault: fault?.message ?? null,
  }));
  await db
    .insertInto('gathers')
    .values({
      added,
      changed,
      unchanged,
      sources: JSON.stringify(sources),
      rejected: JSON.stringify(rejected),
    })
    .execute();
}

export interface GatherRecord {
  at: Date;
  added: number;
  changed: number;
  unchanged: number;
  sources: (Omit<SourceReport, 'fault'> & { fault: string | null })[];
  rejected: Gathered['rejected'];
}

export async function lastGather(db: Connection): Promise<GatherRecord | undefined> {
  const row = await db
    .selectFrom('gathers')
    .select(['at', 'added', 'changed', 'unchanged', 'sources', 'rejected'])
    .orderBy('at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row as GatherRecord | undefined;
}
