import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { APPEND_ONLY } from '../../src/platform/db/roles.ts';
import { ROOT } from '../helpers/processes.ts';

/**
 * No statement of the program needs a right that the working role does not have. On the embedded database, which has
 * one role, and in most tests, such a statement would succeed, and fail only in production.
 */

/** The owner of the tables runs these. */
const OF_THE_OWNER = [/^src\/platform\/db\/migrations\//, /^src\/platform\/db\/roles\.ts$/];

const sources = ['src', 'jobs'].flatMap((folder) =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => path.posix.join(folder, file))
    .filter((file) => /\.tsx?$/.test(file) && OF_THE_OWNER.every((pattern) => !pattern.test(file))),
);

/** Statements in `text` that need more rights than the working role has. */
function asksForTooMuch(text: string): string[] {
  const tables = APPEND_ONLY.join('|');
  const patterns = [
    // Changes, deletes or locks an existing row; by SQL or by Kysely.
    new RegExp(
      `\\b(?:update|delete\\s+from|truncate(?:\\s+table)?|merge\\s+into)\\s+(?:public\\.)?(?:${tables})\\b`,
      'gi',
    ),
    new RegExp(`\\.(?:updateTable|deleteFrom|mergeInto)\\(\\s*'(?:${tables})`, 'g'),
    new RegExp(`insert into (?:${tables})\\b[^\`]{0,600}?\\bdo update\\b`, 'gi'),
    /\b(?:create|alter|drop)\s+(?:temporary\s+|temp\s+|unique\s+|materialized\s+|or replace\s+)*(?:table|index|view|function|trigger|type|schema|role|sequence|extension)\s+[a-z_"$]/gi,
    /\bsql`\s*(?:analyze|vacuum|reindex|cluster|lock table|truncate)\b/gi,
  ];
  return patterns.flatMap((pattern) => text.match(pattern) ?? []);
}

it('F13: no statement of the program needs a right that the working role does not have', () => {
  expect(sources.length).toBeGreaterThan(200);
  const found = sources.flatMap((file) =>
    asksForTooMuch(readFileSync(path.join(ROOT, file), 'utf8')).map((statement) => `${file}: ${statement}`),
  );
  expect(found, 'have the owner do it, by a function as in 0020-consent-chain.ts').toEqual([]);
});

it.each([
  'sql`delete from consent_evidence where at < now()`',
  'sql`with gone as (select 1) update consent_events set source = null`',
  "db.updateTable('consent_texts').set({ text })",
  "db\n    .deleteFrom('desk_audit')",
  'sql`insert into consent_texts (version) values (1) on conflict (version) do update set text = excluded.text`',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in a source.
  'sql`analyze ${sql.table(table)}`',
  'sql`create temporary table found as select 1`',
  'sql`alter table deliveries set (fillfactor = 50)`',
])('F13: such a statement is found: %s', (statement) => {
  expect(asksForTooMuch(statement)).not.toEqual([]);
});
