import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/platform/db/database.ts';
import { openQueue } from '../../src/platform/queue/job-queue.ts';
import { temporaryFolder } from './locations.ts';

/**
 * An embedded database, created once for a whole project and copied by `copyDatabase`: creating one takes seconds,
 * copying a tenth of a second. It has the newest schema and the queue's own, and no rows.
 */
declare module 'vitest' {
  interface ProvidedContext {
    /** Its DATA_DIR. */
    madeDatabase: string;
  }
}

/** Vitest calls this before the first test of the project, and what it returns after the last. */
export default async function setup(project: TestProject): Promise<() => void> {
  const folder = temporaryFolder();
  project.provide('madeDatabase', folder.path);
  await using database = await openDatabase({ databaseUrl: undefined, dataDir: folder.path });
  await using _queue = await openQueue({ pool: database.queuePool() }, () => {});
  return () => folder[Symbol.dispose]();
}
