import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { findPublicComparison, type StoredComparison } from '../comparison-store.ts';
import { slugSchema } from '../model.ts';
import type { Publish } from '../visibility-store.ts';

/**
 * Finds the comparison that a public URL names.
 * @throws AppError `comparison-taken-down`, `page-unknown`.
 */
export async function publicComparison(
  db: Connection,
  given: string,
  publish: Publish,
): Promise<StoredComparison> {
  const slug = readSlug(given);
  const found = slug === undefined ? undefined : await fromDatabase(findPublicComparison(db, slug, publish));
  if (found === undefined) throw new AppError('page-unknown', 'No such comparison.');
  if (found === 'hidden') throw new AppError('comparison-taken-down', 'A comparison that was taken down.');
  return found;
}

/** @throws AppError `page-unknown` for an impossible slug. */
export function readSlug(given: string | string[] | undefined): string | undefined {
  if (given === undefined) return undefined;
  const slug = slugSchema.safeParse(typeof given === 'string' ? given.normalize('NFC') : given);
  if (!slug.success) throw new AppError('page-unknown', 'No such comparison.');
  return slug.data;
}
