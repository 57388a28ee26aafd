import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { Lifetime } from '../src/platform/lifetime.ts';
import { findPostgres, findRedis, startPostgres, startRedis } from '../test/helpers/services.ts';
import { contend, start } from './child.ts';

/** Where the program runs: on PostgreSQL and Redis, or without any service. */
export type Backend = 'services' | 'embedded';

/** Settings that give a contender a location of its own, removed when disposed. */
export interface Location extends AsyncDisposable {
  env: Record<string, string>;
}

/**
 * The environment of the contenders: temporary services, the local provider, and databases with readers. A list is
 * imported once and copied for every contender, so that each gets the same database.
 */
export interface Stage extends AsyncDisposable {
  /** `services` only when PostgreSQL and Redis are installed. */
  backends: Backend[];
  /** Base URL of the local provider. */
  provider: string;
  /** A copy of the database with this many readers and one issue in review. */
  location(backend: Backend, readers: number): Promise<Location>;
}

export async function openStage(): Promise<Stage> {
  const lifetime = new Lifetime();
  try {
    const child = start('./provider');
    lifetime.defer(() => child.kill());
    const [provider] = await once(child, 'message');

    const folder = mkdtempSync(path.join(tmpdir(), 'wv-bench-'));
    lifetime.defer(() => rmSync(folder, { recursive: true, force: true }));
    const services = await openServices(lifetime);

    /** Seeded databases, by backend and size. */
    const originals = new Map<string, Promise<Original>>();
    return {
      backends: services === null ? ['embedded'] : ['services', 'embedded'],
      provider,
      async location(where, readers) {
        const key = `${where} ${readers}`;
        const make =
          where === 'services' && services !== null ? services.seed : (count: number) => seed(folder, count);
        const original = originals.get(key) ?? make(readers);
        originals.set(key, original);
        return (await original).copy();
      },
      [Symbol.asyncDispose]: () => lifetime[Symbol.asyncDispose](),
    };
  } catch (error) {
    await lifetime[Symbol.asyncDispose]();
    throw error;
  }
}

interface Original {
  copy(): Promise<Location>;
}

/** The embedded backend is a directory. */
async function seed(folder: string, readers: number): Promise<Original> {
  const dataDir = path.join(folder, `embedded-${readers}`);
  await contend('seed', { env: { DATA_DIR: dataDir }, readers });
  return {
    async copy() {
      const copied = mkdtempSync(path.join(folder, 'e'));
      cpSync(dataDir, copied, { recursive: true });
      return {
        env: { DATA_DIR: copied },
        [Symbol.asyncDispose]: async () => rmSync(copied, { recursive: true, force: true }),
      };
    },
  };
}

/** The services backend is a separate database and an emptied Redis; null when one of the two is missing. */
async function openServices(lifetime: Lifetime) {
  const [postgresBin, redisServer] = [findPostgres(), findRedis()];
  if (postgresBin === null || redisServer === null) return null;
  const postgres = await startPostgres(postgresBin);
  lifetime.defer(() => postgres.stop());
  const redis = await startRedis(redisServer);
  lifetime.defer(() => redis.stop());
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  lifetime.defer(() => admin.end());
  const queue = new Redis(redis.url);
  lifetime.defer(() => queue.quit());

  const database = async (template: string) => {
    const name = `bench_${randomBytes(6).toString('hex')}`;
    await admin.query(`create database ${name} template ${template}`);
    return { name, url: Object.assign(new URL(postgres.url), { pathname: `/${name}` }).href };
  };
  return {
    async seed(readers: number): Promise<Original> {
      const original = await database('template1');
      await contend('seed', { env: { DATABASE_URL: original.url, REDIS_URL: redis.url }, readers });
      return {
        async copy() {
          await queue.flushall();
          const { name, url } = await database(original.name);
          await admin.query('checkpoint');
          return {
            env: { DATABASE_URL: url, REDIS_URL: redis.url },
            [Symbol.asyncDispose]: async () => {
              await admin.query(`drop database ${name} with (force)`);
            },
          };
        },
      };
    },
  };
}
