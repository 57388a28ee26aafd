import type { Migration } from 'kysely';
import * as foundation from './0001-foundation.ts';
import * as revisions from './0002-revisions.ts';

/** A static list, so that the build, the tests and both databases see the same set. */
export const migrations: Record<string, Migration> = {
  '0001-foundation': foundation,
  '0002-revisions': revisions,
};
