import { sql } from 'kysely';
import { notify, resolve } from '../../notices/notice-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import { detectReprints, REPRINT_WINDOW_DAYS, type RecentChange, type Reprint } from './detect-reprint.ts';
import type { Field, FieldChange, Reprinted } from './field-changes.ts';
import { type DescribedReprint, questionOf } from './reprint-words.ts';

/** The changes that a save made in one comparison. */
export interface RecordedChanges {
  comparisonId: string;
  revision: number;
  changes: readonly FieldChange[];
}

/** Rows in one statement: with the values of texts, about 2 MB. */
const CHUNK = 10_000;

/**
 * Stores the changes of a save, and counts them together with those of the last days: what belongs to a reprint is kept
 * out of issues. Editors are asked once for each reprint that an issue would tell.
 * @param tx the transaction of the save.
 */
export async function recordFieldChanges(
  tx: Connection,
  recorded: readonly RecordedChanges[],
): Promise<void> {
  const rows = recorded.flatMap(({ comparisonId, revision, changes }) =>
    changes.map((change) => ({ ...change, comparisonId, revision })),
  );
  if (rows.length === 0) return;
  await sql`
    delete from field_changes
    where reprint_id is null and at < now() - make_interval(days => ${REPRINT_WINDOW_DAYS}::int)
  `.execute(tx);
  for (let at = 0; at < rows.length; at += CHUNK) await insertChanges(tx, rows.slice(at, at + CHUNK));
  const ways = [...new Map(rows.map(({ field, way }) => [`${field} ${way}`, { field, way }])).values()];
  await joinRunningReprints(tx, ways);
  const { changes, archiveSize } = await recentChanges(tx, ways);
  for (const reprint of detectReprints(changes, archiveSize)) await addReprint(tx, reprint, archiveSize);
}

async function insertChanges(
  tx: Connection,
  rows: readonly (FieldChange & { comparisonId: string; revision: number })[],
): Promise<void> {
  await sql`
    insert into field_changes (comparison_id, revision, side, field, way, keeps_figures, is_told, was, now)
    select "comparisonId", revision, side, field, way, "keepsFigures", "isTold", coalesce(was, 'null'),
      coalesce(now, 'null')
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r ("comparisonId" uuid, revision int, side int,
      field text, way text, "keepsFigures" boolean, "isTold" boolean, was jsonb, now jsonb)
  `.execute(tx);
}

/**
 * A reprint takes in what follows it within the window. One that was answered with *not news* does so only while figures
 * stay: a later change of a figure may be news.
 */
async function joinRunningReprints(
  tx: Connection,
  ways: readonly { field: Field; way: string }[],
): Promise<void> {
  await sql`
    with running as (
      select r.id, r.field, r.way from reprints r
      join jsonb_to_recordset(${JSON.stringify(ways)}::jsonb) as w (field text, way text)
        on w.field = r.field and w.way = r.way
      where r.first_at > now() - make_interval(days => ${REPRINT_WINDOW_DAYS}::int)
        and (r.answer is distinct from 'not_news' or r.keeps_figures)
    ), joined as (
      update field_changes f set reprint_id = running.id from running
      where f.reprint_id is null and f.field = running.field and f.way = running.way
      returning f.reprint_id
    )
    update reprints set last_at = now() where id in (select reprint_id from joined)
  `.execute(tx);
}

async function recentChanges(tx: Connection, ways: readonly { field: Field; way: string }[]) {
  const { rows: changes } = await sql<RecentChange>`
    select f.comparison_id as "comparisonId", f.field, f.way, f.keeps_figures as "keepsFigures", f.is_told as "isTold"
    from field_changes f
    join jsonb_to_recordset(${JSON.stringify(ways)}::jsonb) as w (field text, way text)
      on w.field = f.field and w.way = f.way
    where f.reprint_id is null
  `.execute(tx);
  const { archiveSize } = await tx
    .selectFrom('comparisons')
    .select(sql<number>`count(*)::int`.as('archiveSize'))
    .executeTakeFirstOrThrow();
  return { changes, archiveSize };
}

/** A reprint that no issue would tell needs no answer: it is only recorded. */
async function addReprint(tx: Connection, reprint: Reprint, archiveSize: number): Promise<void> {
  const { field, way, keepsFigures, isTold } = reprint;
  const { rows } = await sql<{ id: string; at: Date }>`
    with added as (
      insert into reprints (field, way, keeps_figures, is_told, archive_size, answer, answered_at)
      values (${field}, ${way}, ${keepsFigures}, ${isTold}, ${archiveSize}, ${isTold ? null : 'not_news'},
        case when ${isTold}::boolean then null else now() end)
      returning id, first_at as at
    ), joined as (
      update field_changes f set reprint_id = added.id from added
      where f.reprint_id is null and f.field = ${field} and f.way = ${way}
    )
    select id, at from added
  `.execute(tx);
  const [added] = rows;
  if (added === undefined || !isTold) return;
  const [listed] = await listReprints(tx, { id: added.id });
  if (listed === undefined) return;
  await notify(tx, { kind: 'reprint', subject: added.id, message: questionOf(listed), at: added.at });
}

/** A reprint as editors see it. */
export interface ListedReprint extends DescribedReprint {
  id: string;
  isTold: boolean;
  firstAt: Date;
  lastAt: Date;
  answer: 'not_news' | 'news' | null;
  answeredBy: string | null;
  answeredAt: Date | null;
}

/** Reprints, those that wait for an answer first, then the newest. */
export async function listReprints(
  db: Connection,
  { id, isOpen, limit = 20 }: { id?: string; isOpen?: boolean; limit?: number } = {},
): Promise<ListedReprint[]> {
  const { rows } = await sql<ListedReprint>`
    select r.id, r.field, r.way, r.is_told as "isTold", r.archive_size as "archiveSize", r.first_at as "firstAt",
      r.last_at as "lastAt", r.answer, r.answered_by as "answeredBy", r.answered_at as "answeredAt",
      (select count(distinct f.comparison_id)::int from field_changes f where f.reprint_id = r.id) as comparisons,
      (select jsonb_build_object('slug', c.slug, 'was', f.was, 'now', f.now)
        from field_changes f join comparisons c on c.id = f.comparison_id
        where f.reprint_id = r.id order by f.is_told desc, c.slug, f.side limit 1) as example
    from reprints r
    where ${id === undefined ? sql`true` : sql`r.id = ${id}`}
      ${isOpen === undefined ? sql`` : sql`and (r.answer is null) = ${isOpen}`}
    order by r.answer is null desc, r.first_at desc, r.id limit ${limit}
  `.execute(db);
  return rows;
}

export type ReprintAnswer = 'not_news' | 'news';

/**
 * An editor's answer. *Not news*: the new print is what later changes are compared with, and nothing is told. *News*: the
 * next issue that is composed tells them. The first answer stands.
 * @returns whether this call answered it; `unknown` when there is no such reprint.
 */
export async function answerReprint(
  tx: Connection,
  { id, answer, who, at }: { id: string; answer: ReprintAnswer; who: string; at: Date },
): Promise<'answered' | 'unchanged' | 'unknown'> {
  const { rows } = await sql`
    update reprints set answer = ${answer}, answered_by = ${who}, answered_at = ${at}
    where id = ${id} and answer is null returning id
  `.execute(tx);
  if (rows.length > 0) {
    await resolve(tx, { kind: 'reprint', subject: id, at });
    return 'answered';
  }
  const [known] = await listReprints(tx, { id });
  return known === undefined ? 'unknown' : 'unchanged';
}

/**
 * A column for a statement on `comparisons c`: the changes of each that are a reprint and were not called news, as
 * `Reprinted[]`, in their order. {@link inTodaysPrint} takes them.
 */
export const reprintedFields = sql<Reprinted[]>`(
  select coalesce(jsonb_agg(jsonb_build_object('side', f.side, 'field', f.field, 'was', f.was, 'now', f.now)
    order by f.revision), '[]')
  from field_changes f join reprints r on r.id = f.reprint_id
  where f.comparison_id = c.id and f.field in ('price', 'panel', 'community') and r.answer is distinct from 'news'
)`;
