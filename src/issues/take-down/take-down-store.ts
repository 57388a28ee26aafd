import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';
import { OPEN_STATUSES } from '../lifecycle.ts';

/** Returns the open issues that contain a comparison: as new, as changed, or in *what readers said*. */
export async function openIssuesWith(db: Connection, slug: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select i.id from issues i
    where i.status = any(${OPEN_STATUSES}::text[]) and exists (
      select from comparisons c
      where c.slug = ${slug} and (
        exists (select from issue_comparisons ic where ic.issue_id = i.id and ic.comparison_id = c.id)
        or i.plan -> 'readers' @> jsonb_build_array(jsonb_build_object('row', jsonb_build_object('url', c.url)))
      )
    )
    order by i.slot
  `.execute(db);
  return rows.map(({ id }) => id);
}

/** Returns those of these comparisons that were taken down. */
export async function hiddenAmong(db: Connection, slugs: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ slug: string }>`
    select slug from comparisons where slug = any(${slugs}::text[]) and hidden_at is not null order by slug
  `.execute(db);
  return rows.map(({ slug }) => slug);
}

/** Editors are reminded of a draft once; when it returns to review they must be reminded again. */
export async function forgetReminders(tx: Connection, issueId: string): Promise<void> {
  await sql`delete from reminders where issue_id = ${issueId}`.execute(tx);
}
