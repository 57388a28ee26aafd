import { type RawBuilder, sql } from 'kysely';
import { isThere } from '../comparisons/gone/gone-store.ts';
import { type Comparison, comparisonSchema, countedComparisonSchema } from '../comparisons/model.ts';
import { nameKey, topics } from '../comparisons/names.ts';
import { inTodaysPrint, type Reprinted } from '../comparisons/reprints/field-changes.ts';
import { reprintedFields } from '../comparisons/reprints/reprint-store.ts';
import type { Connection } from '../platform/db/database.ts';
import type { IssueStatus } from '../platform/db/schema.ts';
import { AppError } from '../platform/errors.ts';
import { inSlices, SLICE } from '../platform/slices.ts';
import { type MailedComparison, TURN_VOTES } from './changes.ts';
import type { Had, Plan } from './compose.ts';
import { contentHash, planHashOf } from './content-hash.ts';
import { type Choices, choicesSchema, NO_CHOICES } from './edit.ts';
import { assertUntaken } from './late-store.ts';
import {
  type IssueState,
  type LifecycleEvent,
  Refusal,
  RUNNING_STATUSES,
  sourcesOf,
  transition,
} from './lifecycle.ts';
import type { Told } from './planned-rows.ts';
import { type Candidate, MEMORY, type PastLead } from './rank.ts';
import type { Slot } from './slot.ts';
import { directForm, type SubjectForm } from './subject.ts';
import { oneLine } from './truncate.ts';

/** An issue's row, without its variants. */
export interface Issue {
  id: string;
  /** The number that readers see; before the content is frozen, the one that it would get. null: it has none. */
  number: number | null;
  slug: string;
  /** Local date of the slot. */
  slot: string;
  dueAt: Date;
  status: IssueStatus;
  resumeTo: IssueStatus | null;
  reason: string | null;
  template: string;
  /** null while skipped. */
  plan: Plan | null;
  /** sha256 of the plan; an approval is for this hash. */
  planHash: string | null;
  /** When it was composed last. */
  composedAt: Date;
  approvedAt: Date | null;
  finishedAt: Date | null;
  /** Increased by every composing and every edit. */
  revision: number;
  /**
   * Set when its slot passed without it, until it is approved or resumed: meanwhile it keeps no comparison from other
   * issues, see late-store.ts.
   */
  lateAt: Date | null;
}

const COLUMNS = [
  'id',
  'number',
  'slug',
  'slot',
  'due_at as dueAt',
  'status',
  'resume_to as resumeTo',
  'reason',
  'template',
  'plan',
  'plan_hash as planHash',
  'created_at as composedAt',
  'approved_at as approvedAt',
  'finished_at as finishedAt',
  'revision',
  'late_at as lateAt',
] as const;

/** A cancelled issue has the number that some readers saw, or none. */
function toIssue(row: unknown): Issue {
  const issue = row as Issue;
  const expected = issue.status === 'cancelled' ? null : (issue.plan?.number ?? null);
  return { ...issue, number: issue.number ?? expected };
}

export async function findIssue(
  db: Connection,
  by: { id: string } | { slug: string } | { slot: string },
): Promise<Issue | undefined> {
  const [[column, value]] = Object.entries(by) as [['id' | 'slug' | 'slot', string]];
  const row = await db.selectFrom('issues').select(COLUMNS).where(column, '=', value).executeTakeFirst();
  return row && toIssue(row);
}

/** @throws AppError `issue-unknown`. */
export async function requireIssue(db: Connection, by: { id: string } | { slug: string }): Promise<Issue> {
  const issue = await findIssue(db, by);
  if (issue === undefined) {
    throw new AppError('issue-unknown', `There is no issue called ${Object.values(by)[0]}.`, {
      help: '`verdict status` lists the issues.',
    });
  }
  return issue;
}

/** Newest slot first. */
export async function listIssues(
  db: Connection,
  filter: { status?: IssueStatus[]; dueBy?: Date; limit?: number } = {},
): Promise<Issue[]> {
  let query = db
    .selectFrom('issues')
    .select(COLUMNS)
    .orderBy('slot', 'desc')
    .limit(filter.limit ?? 100);
  if (filter.status !== undefined) query = query.where('status', 'in', filter.status);
  if (filter.dueBy !== undefined) query = query.where('due_at', '<=', filter.dueBy);
  return (await query.execute()).map(toIssue);
}

/** Writes into the audit log who changed an issue, in the same transaction: there is no change without its entry. */
export type RecordChange = (
  tx: Connection,
  issue: Issue,
  /** Its sender in the settings is another than when it stopped; see src/sending/sender-store.ts. */
  sender?: { before: string; after: string; inDoubt: number } | null,
) => Promise<unknown>;

export interface ChangeOptions {
  /** The content that the event is about; an issue that was composed again since is not changed. */
  planHash?: string | null | undefined;
  /** Called only when this call changes the issue. */
  record?: RecordChange | undefined;
}

/**
 * Changes the state of an issue. The row's status is the lock: of two concurrent calls, one changes the row and the
 * other finds it changed.
 * @returns the current issue, and whether this call changed it.
 * @throws AppError `issue-refuses` when the event is not allowed in its state, `issue-changed`; `contents-taken` when
 *   the issue is late, and another issue carries some of its comparisons by now.
 */
export async function changeIssue(
  db: Connection,
  id: string,
  event: LifecycleEvent,
  options: ChangeOptions = {},
): Promise<{ issue: Issue; changed: boolean }> {
  const { planHash, record } = options;
  if (record !== undefined && !db.isTransaction)
    return db.transaction().execute((tx) => changeIssue(tx, id, event, options));
  for (;;) {
    const issue = await requireIssue(db, { id });
    if (planHash !== undefined && issue.planHash !== planHash) throw issueChanged(issue);
    const next = transition(issue as IssueState, event);
    if (next instanceof Refusal)
      throw new AppError('issue-refuses', next.reason, { context: { issue: issue.slug } });
    if (next.status === issue.status) return { issue, changed: false };
    const claims = issue.lateAt !== null && RUNNING_STATUSES.includes(next.status);
    if (claims) {
      if (!db.isTransaction) return db.transaction().execute((tx) => changeIssue(tx, id, event, options));
      // No issue is composed between the check and the commit.
      await lockComposing(db);
      await assertUntaken(db, issue);
    }
    const { numUpdatedRows } = await db
      .updateTable('issues')
      .set({
        status: next.status,
        resume_to: next.resumeTo,
        reason: next.reason,
        ...(next.status === 'approved' && event.type === 'approve' ? { approved_at: sql<Date>`now()` } : {}),
        ...(next.status === 'sending' && event.type === 'start' ? { prepared_at: sql<Date>`now()` } : {}),
        ...(next.status === 'sent' || next.status === 'cancelled'
          ? { finished_at: sql<Date>`coalesce(finished_at, now())` }
          : {}),
        ...(event.type === 'miss' ? { late_at: sql<Date>`coalesce(late_at, now())` } : {}),
        ...(claims ? { late_at: null } : {}),
      })
      .where('id', '=', id)
      .where('status', '=', issue.status)
      .where('status', 'in', sourcesOf(event.type))
      // If another process resumed and paused it again, the status is the same but `resume_to` may differ.
      .where('resume_to', 'is not distinct from', issue.resumeTo)
      .where('plan_hash', 'is not distinct from', issue.planHash)
      .executeTakeFirst();
    if (numUpdatedRows > 0n) {
      const changed = { ...issue, ...next, ...(claims ? { lateAt: null } : {}) } as Issue;
      await record?.(db, changed);
      return { issue: changed, changed: true };
    }
  }
}

/** The content that the editor decided on has been replaced. */
export function issueChanged({ slug }: Issue): AppError {
  return new AppError('issue-changed', `Issue ${slug} was changed in the meantime.`, {
    help: 'Look at it as it is now, and decide then.',
  });
}

/** Returns the issue of a slot, locked until the transaction ends. */
export async function lockSlot(tx: Connection, slot: string): Promise<Issue | undefined> {
  const row = await tx
    .selectFrom('issues')
    .select(COLUMNS)
    .where('slot', '=', slot)
    .forUpdate()
    .executeTakeFirst();
  return row && toIssue(row);
}

/** Takes the lock for composing until the transaction ends. */
export async function lockComposing(tx: Connection): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('compose'))`.execute(tx);
}

/**
 * Updates newsletter name, host and postal address of an open issue: they belong to the installation, not to the
 * composed content.
 */
export async function refreshNewsletter(
  db: Connection,
  issue: Issue,
  newsletter: Plan['newsletter'],
): Promise<Issue> {
  if (issue.plan === null || contentHash(issue.plan.newsletter) === contentHash(newsletter)) return issue;
  const plan = { ...issue.plan, newsletter, links: { online: `${newsletter.url}/issues/${issue.slug}` } };
  const row = await db
    .updateTable('issues')
    .set({ plan: JSON.stringify(plan), plan_hash: planHashOf(plan) })
    .where('id', '=', issue.id)
    .where('status', 'in', ['draft', 'review'])
    .where('plan_hash', '=', issue.planHash)
    .returning(COLUMNS)
    .executeTakeFirst();
  return row === undefined ? issue : toIssue(row);
}

/**
 * A condition on `issues i`: what it tells its readers counts as told, or will be when it is sent. A late issue keeps
 * nothing from the next one.
 */
const isTelling = sql<boolean>`(i.status not in ('cancelled', 'skipped') and i.late_at is null)`;

/**
 * Returns the comparisons that no other open or sent issue tells and that are not excluded, so that no comparison
 * is lost between two weeks. A late issue keeps none from the next one.
 */
export async function findCandidates(
  db: Connection,
  except: string | undefined,
): Promise<(Candidate & { id: string; hash: string })[]> {
  const { rows } = await sql<{ id: string; content: unknown; hash: string; first_seen_at: Date }>`
    select c.id, c.content, c.content_hash as hash, c.first_seen_at from comparisons c
    where c.hidden_at is null and ${isThere} and not exists (
      select from issue_comparisons ic join issues i on i.id = ic.issue_id
      where ic.comparison_id = c.id and ${isTelling} and i.id is distinct from ${except ?? null}::uuid
    )
    and not exists (
      select from left_out l where l.comparison_id = c.id and l.issue_id is distinct from ${except ?? null}::uuid
    )
    order by c.slug
  `.execute(db);
  return inSlices(rows, (row) => ({
    id: row.id,
    hash: row.hash,
    comparison: comparisonSchema.parse(row.content),
    firstSeenAt: row.first_seen_at,
    mailed: null,
  }));
}

/** The figures of a comparison's content that can make a change news. */
const figuresOf = (content: RawBuilder<unknown>) =>
  sql`jsonb_build_array(jsonb_path_query_array(${content}, '$.tools[*].panelShip'),
    jsonb_path_query_array(${content}, '$.tools[*].communityShip'),
    jsonb_path_query_array(${content}, '$.tools[*].entryPrice'))`;

/**
 * Returns the comparisons whose figures changed since an issue told them last, in a row or in a summary, or that so
 * many readers voted on that their votes can have turned the verdict. What is only the site's new print, or may be, is
 * no difference: see src/comparisons/reprints.
 * @param except the issue that is being composed.
 */
export async function findChanged(
  db: Connection,
  except: string | undefined,
): Promise<(MailedComparison & { id: string; hash: string })[]> {
  const { rows } = await sql<{
    id: string;
    was: unknown;
    now: unknown;
    hash: string;
    mailed_in: number;
    is_recent: boolean;
    reprinted: Reprinted[];
  }>`
    with voted as (
      select tool_key from votes group by tool_key having count(*) >= ${TURN_VOTES}::int
    ), last as (
      select i.id from issues i
      where ${isTelling} and i.id is distinct from ${except ?? null}::uuid order by i.slot desc limit 1
    )
    select c.id, told.content as was, c.content as now, c.content_hash as hash, told.number as mailed_in,
      told.is_recent, ${reprintedFields} as reprinted
    from comparisons c
    cross join lateral (
      select ic.content, coalesce(i.number, (i.plan ->> 'number')::int) as number,
        ic.section = 'changed' and ic.told = 'row' and i.id = (select id from last) as is_recent
      from issue_comparisons ic join issues i on i.id = ic.issue_id
      where ic.comparison_id = c.id and ${isTelling} and i.id is distinct from ${except ?? null}::uuid
      order by i.slot desc limit 1
    ) told
    where c.hidden_at is null and ${isThere} and (
      ${figuresOf(sql`told.content`)} <> ${figuresOf(sql`c.content`)}
      or exists (select from jsonb_array_elements_text(c.pair_key::jsonb) as key join voted on tool_key = key)
    )
    order by c.slug
  `.execute(db);
  return inSlices(rows, (row) => ({
    id: row.id,
    hash: row.hash,
    was: inTodaysPrint(countedComparisonSchema.parse(row.was), row.reprinted),
    now: comparisonSchema.parse(row.now),
    mailedIn: row.mailed_in,
    isRecent: row.is_recent,
  }));
}

/**
 * Returns what issues told that were stopped after some readers had them, as far as it is still so and no later issue
 * has told it.
 */
export async function findHad(db: Connection, except: string | undefined): Promise<Had[]> {
  const { rows } = await sql<Had>`
    select stopped.id as issue, stopped.slug, array_agg(c.slug order by c.slug) as comparisons
    from issues stopped
      join issue_comparisons mine on mine.issue_id = stopped.id and mine.told = 'row'
      join comparisons c on c.id = mine.comparison_id and c.content_hash = mine.content_hash
    where stopped.status = 'cancelled'
      and exists (select from batches b where b.issue_id = stopped.id and b.status = 'submitted')
      and not exists (
        select from issue_comparisons ic join issues i on i.id = ic.issue_id
        where ic.comparison_id = c.id and i.slot > stopped.slot and ${isTelling}
          and i.id is distinct from ${except ?? null}::uuid
      )
    group by stopped.id, stopped.slug order by stopped.id
  `.execute(db);
  return rows;
}

/** Returns the slugs of the new comparisons that an issue tells in its summary. */
export async function findSummarised(db: Connection, issueId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('issue_comparisons as ic')
    .innerJoin('comparisons as c', 'c.id', 'ic.comparison_id')
    .select('c.slug')
    .where('ic.issue_id', '=', issueId)
    .where('ic.section', '=', 'new')
    .where('ic.told', '=', 'summary')
    .orderBy('c.slug')
    .execute();
  return rows.map(({ slug }) => slug);
}

/** Returns what led the last issues before a slot, newest first. */
export async function findPastLeads(db: Connection, slot: string): Promise<PastLead[]> {
  const { rows } = await sql<{
    lead: unknown;
    form: SubjectForm | null;
    has_form: boolean;
    subject: string | null;
  }>`
    select plan #> '{comparisons,0,comparison}' as lead, plan ->> 'form' as form, plan ? 'form' as has_form,
      plan ->> 'subject' as subject
    from issues i
    where ${isTelling} and plan is not null and slot < ${slot}::date order by slot desc limit ${MEMORY}
  `.execute(db);
  return rows.flatMap(({ lead, form, has_form, subject }) => {
    const comparison = countedComparisonSchema.safeParse(lead).data;
    if (comparison === undefined) return [];
    return [
      {
        tools: comparison.tools.map(({ name }) => nameKey(name)),
        topics: topics(comparison),
        kind: directForm(comparison),
        // Plans of earlier versions do not say it.
        form: has_form ? form : subject === null ? directForm(comparison) : null,
      },
    ];
  });
}

/** Returns the issue, locked until the transaction ends. @throws AppError `issue-unknown`. */
export async function lockIssue(tx: Connection, id: string): Promise<Issue> {
  const { slot } = await requireIssue(tx, { id });
  return (await lockSlot(tx, slot)) ?? (await requireIssue(tx, { id }));
}

/** Returns the editors' choices for an issue; the defaults when there are none. */
export async function findChoices(db: Connection, issueId: string | undefined): Promise<Choices> {
  if (issueId === undefined) return NO_CHOICES;
  const row = await db
    .selectFrom('issue_choices')
    .select('choices')
    .where('issue_id', '=', issueId)
    .executeTakeFirst();
  return row === undefined ? NO_CHOICES : choicesSchema.parse(row.choices);
}

export async function writeChoices(
  tx: Connection,
  issueId: string,
  choices: Choices,
  who: string,
): Promise<void> {
  const values = { choices: JSON.stringify(choices), who, at: sql<Date>`now()` };
  await tx
    .insertInto('issue_choices')
    .values({ issue_id: issueId, ...values })
    .onConflict((conflict) => conflict.column('issue_id').doUpdateSet(values))
    .execute();
}

/** Returns who edited an issue last, and when. */
export async function lastEdit(
  db: Connection,
  issueId: string,
): Promise<{ who: string; at: Date } | undefined> {
  return db
    .selectFrom('issue_choices')
    .select(['who', 'at'])
    .where('issue_id', '=', issueId)
    .executeTakeFirst();
}

/** Excludes a comparison from this issue and every later one, until an editor adds it. */
export async function excludeComparison(
  tx: Connection,
  { slug, reason, issueId, who }: { slug: string; reason: string; issueId: string; who: string },
): Promise<void> {
  await sql`
    insert into left_out (comparison_id, issue_id, reason, who)
    select id, ${issueId}::uuid, ${oneLine(reason)}, ${who} from comparisons where slug = ${slug}
    on conflict (comparison_id) do update
      set issue_id = excluded.issue_id, reason = excluded.reason, who = excluded.who, at = now()
  `.execute(tx);
}

export async function readmitComparison(tx: Connection, slug: string): Promise<void> {
  await sql`
    delete from left_out l using comparisons c where c.id = l.comparison_id and c.slug = ${slug}
  `.execute(tx);
}

export interface Excluded {
  slug: string;
  comparison: Comparison;
  reason: string;
  who: string;
  at: Date;
  /** Slug of the issue from which it was excluded. */
  issue: string;
}

/** Returns the excluded comparisons of one issue, or of all, newest first. */
export async function excludedFrom(
  db: Connection,
  issueId?: string,
  limit: number | null = null,
): Promise<Excluded[]> {
  const { rows } = await sql<Omit<Excluded, 'comparison'> & { content: unknown }>`
    select c.slug, c.content, l.reason, l.who, l.at, i.slug as issue
    from left_out l join comparisons c on c.id = l.comparison_id join issues i on i.id = l.issue_id
    where c.hidden_at is null and ${issueId === undefined ? sql`true` : sql`l.issue_id = ${issueId}`}
    order by l.at desc, c.slug limit ${limit}
  `.execute(db);
  return rows.map(({ content, ...row }) => ({ ...row, comparison: comparisonSchema.parse(content) }));
}

/** Says why an issue in review was not approved; null: nothing holds it. */
export async function setReviewReason(db: Connection, id: string, reason: string | null): Promise<void> {
  await db
    .updateTable('issues')
    .set({ reason })
    .where('id', '=', id)
    .where('status', '=', 'review')
    .execute();
}

/** Stores an edited draft; its status stays. */
export async function rewriteIssue(tx: Connection, id: string, plan: Plan, template: string): Promise<Issue> {
  const row = await tx
    .updateTable('issues')
    .set({
      plan: JSON.stringify(plan),
      plan_hash: planHashOf(plan),
      template,
      revision: sql<number>`revision + 1`,
    })
    .where('id', '=', id)
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
  return toIssue(row);
}

/** Skips the slot of a draft without comparisons; until the slot is due it can be composed again. */
export async function skipIssue(tx: Connection, id: string, reason: string): Promise<Issue> {
  const row = await tx
    .updateTable('issues')
    .set({
      status: 'skipped',
      resume_to: null,
      late_at: null,
      reason,
      plan: null,
      plan_hash: null,
      revision: sql<number>`revision + 1`,
    })
    .where('id', '=', id)
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
  return toIssue(row);
}

/** A comparison whose votes may be told. */
export interface Votable {
  id: string;
  comparison: Comparison;
  /** The sides that may be told. */
  sides: (0 | 1)[];
  /** Votes since then are recent, and the local date that readers know it by. */
  sinceAt: Date;
  since: string;
  firstSeenAt: Date;
}

/**
 * Returns the comparisons that had a row in the last sent issue, with their current content; and those whose row of
 * *what readers said* an editor held back there, with the time since which their votes were not told.
 */
export async function findVotable(db: Connection): Promise<Votable[]> {
  const { rows } = await sql<{
    id: string;
    content: unknown;
    sides: (0 | 1)[] | null;
    since_at: Date;
    since: string;
    first_seen_at: Date;
  }>`
    with last as (
      select id, slot, prepared_at, plan from issues where status = 'sent' order by slot desc limit 1
    ), held as (
      select v.slug, v.side, v."sinceAt" as since_at, v.since
      from last cross join lateral jsonb_to_recordset(coalesce(plan -> 'heldVotes', '[]'))
        as v (slug text, side int, "sinceAt" timestamptz, since text)
    )
    select c.id, c.content, null::int[] as sides, coalesce(last.prepared_at, last.slot) as since_at,
      last.slot::text as since, c.first_seen_at
    from last join issue_comparisons ic on ic.issue_id = last.id and ic.told = 'row'
    join comparisons c on c.id = ic.comparison_id
    where c.hidden_at is null and ${isThere}
    union all
    select c.id, c.content, array[held.side], held.since_at, held.since, c.first_seen_at
    from held join comparisons c on c.slug = held.slug
    where c.hidden_at is null and ${isThere}
  `.execute(db);
  return rows.map(({ id, content, sides, since_at, since, first_seen_at }) => ({
    ...{ id, comparison: comparisonSchema.parse(content), sides: sides ?? [0, 1], since },
    ...{ sinceAt: since_at, firstSeenAt: first_seen_at },
  }));
}

/**
 * Writes a composed issue into its slot, or the reason why there is none. Replaces a draft, an issue in review or a
 * skipped slot that is still in the future; the caller has checked that it is one of these.
 */
export async function writeIssue(
  tx: Connection,
  slot: Slot,
  template: string,
  composed: { plan: Plan } | { skipped: string },
): Promise<Issue> {
  const values =
    'skipped' in composed
      ? { status: 'skipped' as const, reason: composed.skipped, plan: null, plan_hash: null, late_at: null }
      : {
          status: 'draft' as const,
          reason: null,
          plan: JSON.stringify(composed.plan),
          plan_hash: planHashOf(composed.plan),
        };
  const row = await tx
    .insertInto('issues')
    .values({ slug: slot.key, slot: slot.key, due_at: slot.dueAt, template, ...values })
    .onConflict((conflict) =>
      conflict.column('slot').doUpdateSet({
        ...values,
        template,
        due_at: slot.dueAt,
        created_at: sql<Date>`now()`,
        revision: sql<number>`issues.revision + 1`,
      }),
    )
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
  return toIssue(row);
}

/** What an issue tells about one comparison, with the comparison as it is told. */
export interface ToldContent extends Told {
  id: string;
  comparison: Comparison;
  hash: string;
}

/** Stores what an issue tells; *changed verdicts* compares with it later. */
export async function writeTold(
  tx: Connection,
  issueId: string,
  contents: readonly ToldContent[],
): Promise<void> {
  await tx.deleteFrom('issue_comparisons').where('issue_id', '=', issueId).execute();
  for (let at = 0; at < contents.length; at += SLICE) {
    const rows = contents.slice(at, at + SLICE).map(({ id, section, told, change, comparison, hash }) => ({
      ...{ id, section, told, change, hash },
      content: comparison,
    }));
    await sql`
      insert into issue_comparisons (issue_id, comparison_id, section, told, change, content, content_hash)
      select ${issueId}::uuid, id, section, told, change, content, hash
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as r (id uuid, section text, told text, change jsonb, content jsonb, hash text)
    `.execute(tx);
  }
}

/** Locks an issue until the transaction ends. @returns its status; undefined when there is no such issue. */
export async function lockStatus(tx: Connection, issueId: string): Promise<IssueStatus | undefined> {
  const row = await tx
    .selectFrom('issues')
    .select('status')
    .where('id', '=', issueId)
    .forUpdate()
    .executeTakeFirst();
  return row?.status;
}
