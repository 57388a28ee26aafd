import { hostname } from 'node:os';
import type { Redis } from 'ioredis';
import { QUEUE_NAMES } from './contracts.ts';

/** Several installations may share a Redis. Each has keys of its own, so that none takes the jobs of another. */
export interface QueueOwner {
  /** The id of the installation; a copy of a database has the same. */
  installation: string;
  /** Names one database; a copy has another, and an upgraded server may have. */
  database: string;
}

/** The prefix of versions that had one for all installations. */
export const FORMER_PREFIX = 'weekly-verdict';

/** Begins every key in Redis of an installation's queues and limits. */
export function prefixOf({ installation, database }: QueueOwner): string {
  return `${FORMER_PREFIX}:${installation}:${database}`;
}

/** Somebody on the same Redis whom a person should know about. */
export type Neighbour =
  /** Workers of a version that had one prefix for all installations: of this one, or of another. */
  | { kind: 'older-version' }
  /** A worker on another database that has the id of this installation: one of the two is a copy. */
  | { kind: 'copy'; worker: string };

/** One line for people. */
export function describeNeighbour(neighbour: Neighbour): string {
  if (neighbour.kind === 'copy') {
    return `The worker ${neighbour.worker} uses this Redis with another database that has the id of this installation: one database is a copy of the other.`;
  }
  return 'A worker of an older version uses this Redis. Such versions take each other’s jobs, whichever installation they belong to.';
}

export function whatToDoAbout(neighbour: Neighbour): string {
  return neighbour.kind === 'copy'
    ? 'Stop the processes of the copy, run `verdict reconcile-restore --copy` there, and start them again.'
    : 'Upgrade it, or stop it.';
}

/** A worker writes that it is there every 15 seconds; one that has not for this long is gone. */
const GONE_AFTER_MS = 120_000;

const databasesKey = ({ installation }: QueueOwner) => `${FORMER_PREFIX}:${installation}:databases`;

/** Writes that a worker of this database is there. @param now the time of Redis, in ms. */
export async function announceWorker(redis: Redis, owner: QueueOwner, now: number): Promise<void> {
  const value = JSON.stringify({ worker: `${hostname()}:${process.pid}`, at: now });
  await redis.hset(databasesKey(owner), owner.database, value);
  await redis.pexpire(databasesKey(owner), GONE_AFTER_MS);
}

/** @param now the time of Redis, in ms. */
export async function findNeighbours(redis: Redis, owner: QueueOwner, now: number): Promise<Neighbour[]> {
  const databases = Object.entries(await redis.hgetall(databasesKey(owner)));
  const copies = databases
    .filter(([database]) => database !== owner.database)
    .map(([, value]) => JSON.parse(value) as { worker: string; at: number })
    .filter(({ at }) => now - at < GONE_AFTER_MS)
    .map(({ worker }): Neighbour => ({ kind: 'copy', worker }));
  return (await hasFormerWorkers(redis)) === true ? [{ kind: 'older-version' }, ...copies] : copies;
}

/**
 * Deletes the queues of versions that had one prefix for all installations: what they were to do is derived from rows,
 * and the schedules are made again under the new prefix. While a worker uses them, they are left alone.
 */
export async function deleteFormerQueues(redis: Redis): Promise<void> {
  const metas = QUEUE_NAMES.map((name) => `${FORMER_PREFIX}:${name}:meta`);
  if ((await redis.exists(...metas)) === 0 || (await hasFormerWorkers(redis)) !== false) return;
  for (const name of QUEUE_NAMES) {
    for await (const keys of redis.scanStream({ match: `${FORMER_PREFIX}:${name}:*`, count: 1_000 }))
      if (keys.length > 0) await redis.unlink(...(keys as string[]));
  }
}

/** Whether a worker under the former prefix is connected; null where the server does not list its clients. */
async function hasFormerWorkers(redis: Redis): Promise<boolean | null> {
  const clients = await redis.client('LIST').catch(() => null);
  if (clients === null) return null;
  // BullMQ names the connection of a worker by its prefix and its queue.
  const names = QUEUE_NAMES.map((name) => `${FORMER_PREFIX}:${Buffer.from(name).toString('base64')}`);
  const connected = String(clients).matchAll(/ name=(\S+)/gu);
  return [...connected].some(([, client]) => names.includes(client ?? ''));
}
