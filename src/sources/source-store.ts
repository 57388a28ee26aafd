import { sql } from 'kysely';
import { type PresenceChanges, recordPresence } from '../comparisons/gone/gone-store.ts';
import type { SourceListing } from '../comparisons/gone/presence.ts';
import { notify } from '../notices/notice-store.ts';
import type { Connection } from '../platform/db/database.ts';
import { AppError, type Fault } from '../platform/errors.ts';
import type { Gathered, SourceReport } from './gathered.ts';
import type { Known, MemoryChanges } from './memory.ts';

/** After this many failed gatherings in a row, editors are notified about a source. */
export const FAILING_AFTER = 3;

/** Loads the state after earlier gatherings, in two statements. */
export async function loadKnown(db: Connection): Promise<Known> {
  const { rows: pages } = await sql<Known['pages'][number]>`
    select url, source, kind, status, etag, last_modified as "lastModified", body_hash as "bodyHash", reader,
      lastmod, pair_key as "pairKey", listing, fetched_at as "fetchedAt"
    from pages
  `.execute(db);
  const { rows: quarantine } = await sql<Known['quarantine'][number]>`
    select source, url, faults, body_hash as "bodyHash" from quarantine
  `.execute(db);
  return { pages, quarantine };
}

/** Longer than any gathering takes: a process that holds the lock for longer has died. */
export const GATHER_LEASE_MINUTES = 15;

/** Takes the lock of the gathering. @returns null while another process has it. */
export async function takeGatherLock(db: Connection): Promise<string | null> {
  const { rows } = await sql<{ holder: string }>`
    insert into gathering (holder, until) values (gen_random_uuid(), now() + make_interval(mins => ${GATHER_LEASE_MINUTES}::int))
    on conflict (is_only) do update set holder = excluded.holder, until = excluded.until where gathering.until < now()
    returning holder
  `.execute(db);
  return rows[0]?.holder ?? null;
}

/** Releases the lock of `holder`; without one, any lock: only for a process that certainly runs alone. */
export async function releaseGatherLock(db: Connection, holder?: string): Promise<void> {
  const all = db.deleteFrom('gathering');
  await (holder === undefined ? all : all.where('holder', '=', holder)).execute();
}

export interface GatherResult extends Pick<Gathered, 'rejected'> {
  added: number;
  changed: number;
  unchanged: number;
  sources: SourceReport[];
  listings: SourceListing[];
  memory: MemoryChanges;
  at: Date;
}

/** Sources whose failure or recovery editors must be notified about. */
export interface HealthChanges {
  failing: { source: string; reason: string }[];
  recovered: string[];
}

/** What a gathering changed beside the comparisons themselves. */
export type GatherChanges = HealthChanges & PresenceChanges;

/**
 * Stores the result of one gathering: changed pages and quarantine, which comparisons are gone or back, the health of the
 * sources, and a row for the history. Call it after the comparisons are saved, never before. A few statements for any
 * number of pages; none for unchanged ones. A source that lists nothing of what it had gets a fault.
 */
export async function recordGather(db: Connection, result: GatherResult): Promise<GatherChanges> {
  const { added, changed, unchanged, memory, at } = result;
  return db.transaction().execute(async (tx) => {
    await rememberPages(tx, memory);
    await saveQuarantine(tx, memory, at);
    const presence = await recordPresence(tx, result.listings, at);
    for (const { source, of, isEmpty } of presence.withheld) {
      const report = result.sources.find((each) => each.source === source);
      if (isEmpty && report) report.fault ??= emptySource(source, of);
    }
    const changes = { ...(await recordHealth(tx, result.sources, at)), ...presence };
    const sources = result.sources.map(({ fault, ...report }) => ({
      ...report,
      fault: fault?.message ?? null,
    }));
    const rejected = result.rejected.map(({ name, reason }) => ({ name, reason }));
    await tx
      .insertInto('gathers')
      .values({
        at,
        added,
        changed,
        unchanged,
        sources: JSON.stringify(sources),
        rejected: JSON.stringify(rejected),
      })
      .execute();
    return changes;
  });
}

function emptySource(source: string, of: number): AppError {
  return new AppError('source-empty', `${source} lists none of the ${of} comparisons that it had.`, {
    help: 'What it gave before is kept. If they are gone, say so at the desk, on the page of the sources.',
  });
}

async function rememberPages(tx: Connection, { remember, forget }: MemoryChanges): Promise<void> {
  if (remember.length > 0) {
    await sql`
      insert into pages (url, source, kind, status, etag, last_modified, body_hash, reader, lastmod, pair_key,
        listing, fetched_at)
      select url, source, kind, status, etag, "lastModified", "bodyHash", reader, lastmod, "pairKey",
        nullif(listing, 'null'::jsonb), "fetchedAt"
      from jsonb_to_recordset(${JSON.stringify(remember)}::jsonb) as r (url text, source text, kind text, status int,
        etag text, "lastModified" text, "bodyHash" text, reader int, lastmod text, "pairKey" text,
        listing jsonb, "fetchedAt" timestamptz)
      on conflict (url) do update set source = excluded.source, kind = excluded.kind, status = excluded.status,
        etag = excluded.etag, last_modified = excluded.last_modified, body_hash = excluded.body_hash,
        reader = excluded.reader, lastmod = excluded.lastmod, pair_key = excluded.pair_key,
        listing = excluded.listing, fetched_at = excluded.fetched_at
    `.execute(tx);
  }
  if (forget.length > 0) await sql`delete from pages where url = any(${forget}::text[])`.execute(tx);
}

async function saveQuarantine(
  tx: Connection,
  { quarantine, release }: MemoryChanges,
  at: Date,
): Promise<void> {
  if (quarantine.length > 0) {
    await sql`
      insert into quarantine (source, url, faults, body_hash, first_seen_at, last_seen_at)
      select source, url, faults, "bodyHash", ${at}, ${at}
      from jsonb_to_recordset(${JSON.stringify(quarantine)}::jsonb) as r (source text, url text, faults jsonb,
        "bodyHash" text)
      on conflict (source, url) do update set faults = excluded.faults, body_hash = excluded.body_hash,
        last_seen_at = excluded.last_seen_at
    `.execute(tx);
  }
  if (release.length > 0) {
    await sql`
      delete from quarantine q using jsonb_to_recordset(${JSON.stringify(release)}::jsonb) as r (source text, url text)
      where q.source = r.source and q.url = r.url
    `.execute(tx);
  }
}

async function recordHealth(
  tx: Connection,
  reports: readonly SourceReport[],
  at: Date,
): Promise<HealthChanges> {
  const faults = new Map(reports.flatMap(({ source, fault }) => (fault ? [[source, fault.message]] : [])));
  const failed = [...faults].map(([source, reason]) => ({ source, reason }));
  const well = reports.filter(({ fault }) => fault === null).map(({ source }) => source);

  let failing: HealthChanges['failing'] = [];
  if (failed.length > 0) {
    const { rows } = await sql<{ source: string; reason: string; failures: number }>`
      insert into sources (source, failures, reason, failed_at)
      select source, 1, reason, ${at} from jsonb_to_recordset(${JSON.stringify(failed)}::jsonb) as r (source text,
        reason text)
      on conflict (source) do update set failures = sources.failures + 1, reason = excluded.reason,
        failed_at = excluded.failed_at
      returning source, reason, failures
    `.execute(tx);
    for (const { source, reason, failures } of rows) {
      if (failures < FAILING_AFTER) continue;
      const message = `${source} failed ${failures} gatherings in a row: ${reason}`;
      if (await notify(tx, { kind: 'source-failing', subject: source, message, at })) {
        failing = [...failing, { source, reason }];
      }
    }
  }
  const { rows: recovered } = await sql<{ subject: string }>`
    with healed as (
      update sources set failures = 0, recovered_at = ${at}
      where source = any(${well}::text[]) and failures > 0
      returning source
    )
    update notices set resolved_at = ${at}
    where kind = 'source-failing' and resolved_at is null and subject in (select source from healed)
    returning subject
  `.execute(tx);
  return { failing, recovered: recovered.map(({ subject }) => subject) };
}

export interface Health {
  source: string;
  failures: number;
  isFailing: boolean;
  reason: string | null;
  failedAt: Date | null;
  recoveredAt: Date | null;
}

/** Every source that ever failed, most failures first. */
export async function sourceHealth(db: Connection): Promise<Health[]> {
  const rows = await db
    .selectFrom('sources')
    .selectAll()
    .orderBy('failures', 'desc')
    .orderBy('source')
    .execute();
  return rows.map(({ source, failures, reason, failed_at, recovered_at }) => ({
    ...{ source, failures, reason, isFailing: failures >= FAILING_AFTER },
    ...{ failedAt: failed_at, recoveredAt: recovered_at },
  }));
}

export interface QuarantineEntry {
  source: string;
  url: string;
  faults: Fault[];
  bodyHash: string | null;
  firstSeenAt: Date;
  lastSeenAt: Date;
}

/** The quarantined entries, newest first, and their number. */
export async function quarantined(
  db: Connection,
  { limit }: { limit: number },
): Promise<{ total: number; entries: QuarantineEntry[] }> {
  const { total } = await db
    .selectFrom('quarantine')
    .select(sql<number>`count(*)::int`.as('total'))
    .executeTakeFirstOrThrow();
  const rows = await db
    .selectFrom('quarantine')
    .selectAll()
    .orderBy('last_seen_at', 'desc')
    .orderBy('source')
    .orderBy('url')
    .limit(limit)
    .execute();
  const entries = rows.map((row) => ({
    ...{ source: row.source, url: row.url, faults: row.faults as Fault[], bodyHash: row.body_hash },
    ...{ firstSeenAt: row.first_seen_at, lastSeenAt: row.last_seen_at },
  }));
  return { total, entries };
}

export interface GatherRecord {
  at: Date;
  added: number;
  changed: number;
  unchanged: number;
  sources: (Omit<SourceReport, 'fault'> & { fault: string | null })[];
  rejected: { name: string; reason: string }[];
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

/** Deletes the reports of gatherings that are older than this many days, but never the last. @returns how many. */
export async function forgetGathers(db: Connection, days: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from gathers where at < now() - make_interval(days => ${days}) and at < (select max(at) from gathers)
  `.execute(db);
  return Number(numAffectedRows ?? 0n);
}
