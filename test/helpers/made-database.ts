import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/platform/db/database.ts';
import { openQueue } from '../../src/platform/queue/job-queue.ts';
import { temporaryFolder } from './homes.ts';

/**
 * An embedded database, made once for a whole project and copied by `copyDatabase`: to make one takes seconds, to copy
 * one a tenth of a second. It has the newest schema and the queue's own, and nothing in them.
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
