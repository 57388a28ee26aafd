import {
  findPublicComparison,
  type Publish,
  type StoredComparison,
  slugSchema,
} from '../comparisons/index.ts';
import type { Connection } from '../db/index.ts';
import { AppError } from '../errors.ts';
import { fromDatabase } from './problems.ts';

/**
 * The comparison that a stranger's address names.
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

/** @throws AppError `page-unknown` for what no comparison can be called. */
export function readSlug(given: string | string[] | undefined): string | undefined {
  if (given === undefined) return undefined;
  const slug = slugSchema.safeParse(typeof given === 'string' ? given.normalize('NFC') : given);
  if (!slug.success) throw new AppError('page-unknown', 'No such comparison.');
  return slug.data;
}
