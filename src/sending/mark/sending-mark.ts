import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { changeIssue, listIssues } from '../../issues/issue-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import type { JobQueue } from '../../platform/queue/job-queue.ts';
import {
  acceptPresent,
  advanceMark,
  issueOfBatch,
  type Mark,
  readMark,
  renewInstallation,
  storeAhead,
} from './mark-store.ts';

/**
 * Notices that the database was restored from a backup (I14). Every second of sending raises a number in the database,
 * and then outside of it: in Redis, and in a folder of DATA_DIR beside the database. A number outside that is higher
 * than the one inside says that the database is older than what was mailed. A mark outside that is missing says
 * nothing: Redis may be emptied, and DATA_DIR moved. See docs/adr/0028.
 */
export interface SendingMark {
  /** Compares inside and outside; when the database is behind, pauses every issue that would go out. */
  check(): Promise<Restored | null>;
  /** As {@link check}, without looking outside again. */
  restored(): Promise<Restored | null>;
  /**
   * Marks that something of the issue is mailed now. It is committed and written outside before it returns.
   * @returns why nothing may be mailed; null when it may.
   */
  advance(of: { batchId: string } | { issueId: string }): Promise<string | null>;
  /** @throws AppError `database-restored`. */
  assertPresent(): Promise<void>;
  /** A person takes the database as it is for the truth. @returns how many batches became `uncertain`. */
  accept(): Promise<number>;
  /**
   * A person says that this database is a copy that lives beside the original. Every issue that would go out is paused,
   * and the copy gets an id of its own, which its processes use from their next start.
   */
  becomeCopy(): Promise<void>;
}

/** What is known about a database that is older than what was mailed. */
export interface Restored {
  noticedAt: Date;
  /** When something was mailed last, and of which issues since the backup; the newest first. */
  mailedAt: Date;
  issues: { slug: string; at: Date }[];
}

/** Within this time one mark stands for all requests of a process. */
const EVERY_MS = 1_000;

const FOLDER = 'sending-mark';

export async function openSendingMark(
  db: Connection,
  { dataDir, shared }: { dataDir: string; shared: JobQueue['shared'] },
  onUnwritable: (error: unknown) => void,
): Promise<SendingMark> {
  const { installation } = await readMark(db);
  const outside = [folderOf(path.join(dataDir, FOLDER), installation)];
  if (shared !== null) {
    const key = `sending-mark:${installation}`;
    outside.push({
      read: async () => parse(await shared.read(key)),
      write: (mark) => shared.raise(key, mark.epoch, JSON.stringify(mark)),
    });
  }

  const readOutside = async (): Promise<Mark | null> => {
    const found = await Promise.all(outside.map(({ read }) => read().catch(() => null)));
    return found.reduce((most, mark) => (mark && mark.epoch > (most?.epoch ?? -1) ? mark : most), null);
  };
  const writeOutside = async (mark: Mark) => {
    const done = await Promise.allSettled(outside.map(({ write }) => write(mark)));
    const failed = done.find((each) => each.status === 'rejected');
    if (failed !== undefined && done.every((each) => each.status === 'rejected')) onUnwritable(failed.reason);
  };
  const restored = async (): Promise<Restored | null> => {
    const { epoch, ahead, noticedAt } = await readMark(db);
    if (ahead === null || noticedAt === null) return null;
    const issues = Object.entries(ahead.issues)
      .filter(([, mailed]) => mailed.epoch > epoch)
      .map(([slug, { at }]) => ({ slug, at: new Date(at) }))
      .toSorted((a, b) => b.at.getTime() - a.at.getTime());
    return { noticedAt, mailedAt: new Date(ahead.at), issues };
  };
  const pauseAll = async (reason: string) => {
    const running = await listIssues(db, { status: ['approved', 'preparing', 'sending'] });
    for (const { id } of running) await changeIssue(db, id, { type: 'pause', reason });
  };
  const check = async (): Promise<Restored | null> => {
    const mark = await readOutside();
    if (mark !== null && mark.epoch > (await readMark(db)).epoch) await storeAhead(db, mark);
    const found = await restored();
    if (found !== null) await pauseAll(describeRestored(found));
    return found;
  };

  let last: { at: number; result: Promise<string | null> } | undefined;
  const advanceNow = async (of: Parameters<SendingMark['advance']>[0]): Promise<string | null> => {
    const issueId = 'issueId' in of ? of.issueId : await issueOfBatch(db, of.batchId);
    // A batch that is gone is nobody's to submit.
    if (issueId === undefined) return null;
    const mark = await advanceMark(db, issueId, (await readOutside())?.epoch ?? 0);
    if (mark !== undefined) {
      await writeOutside(mark);
      return null;
    }
    const found = await check();
    return found === null ? null : describeRestored(found);
  };

  return {
    check,
    restored,
    advance(of) {
      if (last === undefined || performance.now() - last.at >= EVERY_MS || 'issueId' in of)
        last = { at: performance.now(), result: advanceNow(of) };
      const { result } = last;
      result.catch(() => {
        last = undefined;
      });
      return result;
    },
    async assertPresent() {
      const found = await check();
      if (found === null) return;
      throw new AppError('database-restored', describeRestored(found), { help: WHAT_TO_DO });
    },
    async accept() {
      await check();
      last = undefined;
      const accepted = await acceptPresent(db);
      if (accepted === undefined) return 0;
      await writeOutside(accepted.mark);
      return accepted.uncertain;
    },
    async becomeCopy() {
      await pauseAll('This database is a copy; the original sends this issue.');
      await renewInstallation(db);
    },
  };
}

export const WHAT_TO_DO =
  'Nothing goes out until a person has decided: `verdict reconcile-restore` says what is known.';

/** One line for people. */
export function describeRestored({ mailedAt, issues }: Restored): string {
  const mailed = issues.map(({ slug, at }) => `issue ${slug} (until ${at.toISOString()})`).join(', ');
  return `This database is older than what was mailed: it was restored from a backup. Since that backup mail went out, last at ${mailedAt.toISOString()}${mailed === '' ? '' : `, of ${mailed}`}.`;
}

interface Place {
  read(): Promise<Mark | null>;
  write(mark: Mark): Promise<void>;
}

/**
 * A file for each mark, named by its epoch, so that a backup which is copied over the folder leaves the newest there.
 */
function folderOf(folder: string, installation: string): Place {
  const epochOf = (name: string) =>
    name.startsWith(`${installation}.`) ? Number(name.slice(installation.length + 1)) : Number.NaN;
  const epochs = async () =>
    (await readdir(folder).catch(() => [])).map(epochOf).filter((epoch) => Number.isSafeInteger(epoch));
  const fileOf = (epoch: number) => path.join(folder, `${installation}.${epoch}`);
  return {
    async read() {
      const newest = Math.max(-1, ...(await epochs()));
      return newest < 0 ? null : parse(await readFile(fileOf(newest), 'utf8'));
    },
    async write(mark) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const draft = path.join(folder, `.draft-${installation}-${mark.epoch}`);
      await writeFile(draft, JSON.stringify(mark), { mode: 0o600, flush: true });
      await rename(draft, fileOf(mark.epoch));
      for (const epoch of await epochs()) if (epoch < mark.epoch) await rm(fileOf(epoch), { force: true });
    },
  };
}

function parse(text: string | null): Mark | null {
  return text === null ? null : (JSON.parse(text) as Mark);
}
