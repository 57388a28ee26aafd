import { createPostgresBackend, Queue } from 'bullmq';
import type { QueueHome } from '../conformance/queue.ts';
import type { Place } from './homes.ts';

/** Queues in a database of their own, with its pool as the program would use it. */
export async function databaseHome(newPlace: () => Promise<Place>): Promise<QueueHome> {
  const place = await newPlace();
  const database = await place.open(30);
  const pool = database.queuePool();
  return {
    home: { pool },
    raw: (name) =>
      new Queue(name, { connection: pool as never }, createPostgresBackend as never) as unknown as Queue,
    empty: async () => {
      await pool.query('drop schema if exists bullmq cascade');
    },
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}
