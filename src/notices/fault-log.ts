import type { Connection } from '../platform/db/database.ts';
import { diskFull } from '../platform/db/disk-space.ts';
import { type FaultKind, faultOf } from '../platform/faults.ts';
import { recordFault, type StoredFault, tryWriting } from './fault-store.ts';
import { kindOf } from './notice-kinds.ts';
import { notify } from './notice-store.ts';

/** What this process was refused by database and queue, so that people are told though a job cannot tell them. */
export interface FaultLog {
  /** Looks at an error; most say nothing. Never throws, and waits for nothing. */
  note(error: unknown): void;
  /** Tries now whether database and queue take something. @returns what they refuse. */
  probe(): Promise<LiveFault[]>;
}

export interface LiveFault {
  kind: FaultKind;
  message: string;
}

/** How often a fault is stored that is met again and again. */
const STORE_EVERY_MS = 20_000;

/** The most characters of a reason. */
const LONGEST = 200;

export function createFaultLog(options: {
  db: Connection;
  /** Writes something into the queue. */
  probeQueue(): Promise<void>;
  /** The directory of the embedded database; null on a server. */
  embeddedDir: string | null;
}): FaultLog {
  const { db, probeQueue, embeddedDir } = options;
  const storedAt = new Map<FaultKind, number>();
  const store = async (kind: FaultKind, reason: string) => {
    const fault = await recordFault(db, { kind, subject: '', reason });
    if (isWorthTelling(kind, fault))
      await notify(db, { kind, subject: '', message: describeFault(kind, reason), at: fault.since });
  };
  return {
    note(error) {
      const kind = faultOf(error);
      if (kind === null) return;
      if (performance.now() - (storedAt.get(kind) ?? -Infinity) < STORE_EVERY_MS) return;
      storedAt.set(kind, performance.now());
      // A database that stores nothing cannot store this; `probe` says it then.
      store(kind, reasonOf(error)).catch(() => {});
    },
    async probe() {
      const isFull = embeddedDir === null ? undefined : diskFull(embeddedDir, null);
      const tried = await Promise.allSettled([
        isFull === undefined ? tryWriting(db) : Promise.reject(isFull),
        probeQueue(),
      ]);
      return tried.flatMap((result): LiveFault[] => {
        if (result.status === 'fulfilled') return [];
        const kind = faultOf(result.reason);
        return kind === null ? [] : [{ kind, message: describeFault(kind, reasonOf(result.reason)) }];
      });
    },
  };
}

/** Those that come and go on a busy database. */
const OFTEN_BRIEF: ReadonlySet<FaultKind> = new Set([
  'connections-short',
  'statement-timeout',
  'lock-timeout',
]);

/** Whether people are told: what may be over in a moment is told when it is met again. Pure. */
export function isWorthTelling(kind: FaultKind, { since, at }: Pick<StoredFault, 'since' | 'at'>): boolean {
  return !OFTEN_BRIEF.has(kind) || at.getTime() - since.getTime() >= STORE_EVERY_MS / 2;
}

/** "The disk of the database is full (could not extend file …)." */
export function describeFault(kind: FaultKind, reason: string): string {
  return `${kindOf(kind).title([])} (${reason}).`;
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').replace(/\.$/, '').slice(0, LONGEST);
}
