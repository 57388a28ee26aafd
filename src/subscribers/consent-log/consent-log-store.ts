import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';

/**
 * The consent log as a hash chain (I8). Every event carries the hash of its row. A seal fixes which rows exist, by the
 * hash of the seal before it. Whoever changes, adds or removes an event must change every later seal too, and the last
 * seal is also in the program's log. docs/adr/0015 says which attacks this detects and which it does not.
 */

/** Rows of one seal. They are read at once, by the sealer and by the verifier: this bounds the memory of both. */
const ROWS_PER_SEAL = 10_000;

/** How long the sealer waits for open transactions. The next run seals the rows that they delayed. */
const WAIT_MS = 3_000;
const POLL_MS = 50;

export interface Seal {
  number: number;
  /** Hex. Somebody who stores it elsewhere can later prove that no earlier event was changed. */
  hash: string;
}

/**
 * Seals the events written since the last seal. Writers do not wait for the sealer, and it misses no row: it notes the
 * last id given out when it begins, and waits until the transactions that were open then have ended.
 * @returns the seals made, in order; none when another process is sealing.
 */
export async function sealConsentLog(db: Connection): Promise<Seal[]> {
  const horizon = await lastIdGivenOut(db);
  if (horizon === null || !(await waitForWriters(db))) return [];
  return await db.transaction().execute(async (tx) => {
    const seals: Seal[] = [];
    // With two sealers at once, the second would choose its last id before it sees the seal of the first.
    if (!(await isOnlySealer(tx))) return seals;
    for (;;) {
      const { rows } = await sql<Seal>`
        insert into consent_seals (to_id)
        select max(id) from (
          select id from consent_events
          where id > (select coalesce(max(to_id), 0) from consent_seals) and id <= ${horizon}
          order by id limit ${ROWS_PER_SEAL}
        ) chunk
        having max(id) is not null
        returning number, encode(hash, 'hex') as hash
      `.execute(tx);
      if (rows.length === 0) return seals;
      seals.push(...rows);
    }
  });
}

async function isOnlySealer(tx: Connection): Promise<boolean> {
  const { rows } = await sql<{ isOnly: boolean }>`
    select pg_try_advisory_xact_lock(hashtext('weekly-verdict consent seals')) as "isOnly"
  `.execute(tx);
  return rows[0]?.isOnly ?? false;
}

/** null: no id was given out since the last seal. */
async function lastIdGivenOut(db: Connection): Promise<number | null> {
  const { rows } = await sql<{ last: number | null }>`
    select nullif(pg_sequence_last_value(pg_get_serial_sequence('consent_events', 'id')::regclass),
      (select max(to_id) from consent_seals)) as last
  `.execute(db);
  return rows[0]?.last ?? null;
}

/**
 * Waits until every transaction that may already have an id has ended. PostgreSQL gives a writer a table lock before it
 * gives out an id, and releases the lock when the transaction ends.
 * @returns false when a transaction takes longer than WAIT_MS.
 */
async function waitForWriters(db: Connection): Promise<boolean> {
  let writers = await writersAmong(db, null);
  for (let waited = 0; writers.length > 0; waited += POLL_MS) {
    if (waited >= WAIT_MS) return false;
    await sleep(POLL_MS);
    writers = await writersAmong(db, writers);
  }
  return true;
}

/** Transactions that hold a write lock on the log. @param transactions only these; null: all. */
async function writersAmong(db: Connection, transactions: string[] | null): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select distinct virtualtransaction as id from pg_locks
    where locktype = 'relation' and relation = 'consent_events'::regclass and granted
      and database = (select oid from pg_database where datname = current_database())
      and mode in ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
      and pid is distinct from pg_backend_pid()
      and (${transactions}::text[] is null or virtualtransaction = any(${transactions}::text[]))
  `.execute(db);
  return rows.map(({ id }) => id);
}

/**
 * Deletes the evidence of forgotten people, by a function of the table's owner: the application role may not delete
 * from the consent log. Call it in the transaction that forgets the people, after they are forgotten.
 */
export async function deleteEvidenceOfForgotten(tx: Connection, ids: string[]): Promise<void> {
  if (ids.length > 0) await sql`select delete_evidence_of_forgotten(${ids}::uuid[])`.execute(tx);
}

/**
 * Deletes the evidence of people who left this many months ago, by the same kind of function. Evidence of somebody who
 * still reads is kept, however old it is. @returns how many entries.
 */
export async function deleteExpiredEvidence(db: Connection, months: number): Promise<number> {
  const { rows } = await sql<{ deleted: number }>`
    select delete_expired_evidence(${months}::int)::int as deleted
  `.execute(db);
  return rows[0]?.deleted ?? 0;
}

/** A fault in the consent log, and where it is. */
export type ConsentFault =
  /** The id of the event. */
  | { kind: 'event-changed' | 'event-before-the-first'; event: number }
  | { kind: 'events-lost-or-added' | 'events-rewritten' | 'seal-broken'; seal: SealFound }
  /** The version of the text. */
  | { kind: 'text-changed' | 'text-missing'; text: string }
  | { kind: 'reader-without-consent'; reader: string };

/** A seal, and how many of its rows exist. */
export interface SealFound {
  number: number;
  fromId: number;
  toId: number;
  rows: number;
  found: number;
}

export interface VerifiedLog {
  events: number;
  /** The last seal; null when there is none yet. */
  head: Seal | null;
  /** Events after the last seal. */
  unsealed: number;
  /** The first fault of each kind. Empty: the log is unchanged. */
  faults: ConsentFault[];
}

/** Reads the whole log, seal by seal, and reports every kind of change in it. */
export async function verifyConsentLog(db: Connection): Promise<VerifiedLog> {
  const faults: ConsentFault[] = [];
  const add = (fault: ConsentFault) => {
    if (faults.every(({ kind }) => kind !== fault.kind)) faults.push(fault);
  };
  let before = BEFORE_THE_FIRST;
  let sealed = 0;
  for (let page = await examineSeals(db, 0); page.length > 0; page = await examineSeals(db, before.number)) {
    for (const seal of page) {
      const { number, fromId, previous, found, rows, changed } = seal;
      sealed += found;
      const follows = number === before.number + 1 && fromId === before.toId + 1 && previous === before.hash;
      if (!follows || !seal.isWhole) add({ kind: 'seal-broken', seal });
      else if (found !== rows) add({ kind: 'events-lost-or-added', seal });
      else if (!seal.isSame) add({ kind: 'events-rewritten', seal });
      if (changed !== null) add({ kind: 'event-changed', event: changed });
      before = seal;
    }
  }
  const rest = await examineRest(db, before.toId);
  if (rest.changed !== null) add({ kind: 'event-changed', event: rest.changed });
  if (rest.early !== null) add({ kind: 'event-before-the-first', event: rest.early });
  for (const [kind, text] of [
    ['text-changed', await changedText(db)],
    ['text-missing', await missingText(db)],
  ] as const)
    if (text !== null) add({ kind, text });
  const reader = await readerWithoutConsent(db);
  if (reader !== null) add({ kind: 'reader-without-consent', reader });
  return {
    events: sealed + rest.unsealed,
    head: before.number === 0 ? null : { number: before.number, hash: before.hash },
    unsealed: rest.unsealed,
    faults,
  };
}

const BEFORE_THE_FIRST = { number: 0, toId: 0, hash: '' };

/** Large enough that small seals do not need a query each; one page of a million events still takes a few seconds. */
const SEALS_PER_PAGE = 100;

interface ExaminedSeal extends SealFound {
  /** Both hashes are hex. */
  hash: string;
  previous: string;
  /** The hash of the seal matches its content. */
  isWhole: boolean;
  /** The existing rows have the hashes that the seal fixed. */
  isSame: boolean;
  /** The first event whose row does not match its hash. */
  changed: number | null;
}

async function examineSeals(db: Connection, after: number): Promise<ExaminedSeal[]> {
  const { rows } = await sql<ExaminedSeal>`
    select s.number, s.from_id as "fromId", s.to_id as "toId", s.rows, encode(s.hash, 'hex') as hash,
      encode(s.previous, 'hex') as previous,
      s.hash = consent_seal_hash(s.number, s.from_id, s.to_id, s.rows, s.rows_hash, s.previous, s.at) as "isWhole",
      e.found, e.rows_hash = s.rows_hash as "isSame", e.changed
    from (
      select * from consent_seals where number > ${after} order by number limit ${SEALS_PER_PAGE}
    ) s cross join lateral (
      select count(*) as found, sha256(coalesce(string_agg(row_hash, '' order by id), '')) as rows_hash,
        min(id) filter (where row_hash <> consent_event_hash(id, subscriber_id, event, at, method, source, details))
          as changed
      from consent_events where id between s.from_id and s.to_id
    ) e
    order by s.number
  `.execute(db);
  return rows;
}

/** Examines events outside the seals: those after the last seal, and those with an id before the first event. */
async function examineRest(
  db: Connection,
  sealedTo: number,
): Promise<{ unsealed: number; changed: number | null; early: number | null }> {
  const { rows } = await sql<{ unsealed: number; changed: number | null; early: number | null }>`
    select count(*) filter (where id > ${sealedTo}) as unsealed,
      min(id) filter (where row_hash <> consent_event_hash(id, subscriber_id, event, at, method, source, details))
        as changed,
      min(id) filter (where id < 1) as early
    from consent_events where id > ${sealedTo} or id < 1
  `.execute(db);
  return rows[0] ?? { unsealed: 0, changed: null, early: null };
}

async function changedText(db: Connection): Promise<string | null> {
  const { rows } = await sql<{ version: string }>`
    select version from consent_texts where hash <> encode(sha256(convert_to(text, 'UTF8')), 'hex')
    order by version limit 1
  `.execute(db);
  return rows[0]?.version ?? null;
}

/** A text that events refer to, but that is missing or has another hash. */
async function missingText(db: Connection): Promise<string | null> {
  const { rows } = await sql<{ version: string }>`
    with named as (
      select distinct said->>'version' as version, said->>'hash' as hash
      from consent_events e cross join lateral (values (e.details->'consent'), (e.details->'letter')) as v (said)
      where said->>'hash' is not null
    )
    select version from named n
    where not exists (select from consent_texts t where t.version = n.version and t.hash = n.hash)
    order by version limit 1
  `.execute(db);
  return rows[0]?.version ?? null;
}

async function readerWithoutConsent(db: Connection): Promise<string | null> {
  const { rows } = await sql<{ id: string }>`
    select id from subscribers s
    where status = 'active'
      and not exists (select from consent_events e where e.subscriber_id = s.id and e.event = 'confirmed')
    limit 1
  `.execute(db);
  return rows[0]?.id ?? null;
}
