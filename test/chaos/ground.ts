import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { changeIssue } from '../../src/issues/issue-store.ts';
import { type Connection, openDatabase } from '../../src/platform/db/database.ts';
import { type JobQueue, openQueue } from '../../src/platform/queue/job-queue.ts';
import { queueOwner } from '../../src/sending/mark/mark-store.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import { signer } from '../../src/subscribers/tokens.ts';
import { approve, draft, gatherAll, slotToCompose } from '../../src/workflow/week.ts';
import { cleanUpFolder } from '../helpers/cleanup.ts';
import { createDatabase } from '../helpers/database.ts';
import type { PROGRAMS } from '../helpers/processes.ts';
import {
  findPostgres,
  findRedis,
  freePort,
  type Service,
  startPostgres,
  startRedis,
} from '../helpers/services.ts';
import type { Fate, LocalResend } from '../resend/index.ts';

/**
 * The environment of the fire tests: services for all of them, and one installation that is prepared once, up to the
 * moment before its issue is frozen, and copied for each test.
 */
export type Store = 'embedded' | 'services';

export interface Reader {
  email: string;
  /** Path and token of the link that every mail to them carries. */
  unsubscribe: string;
}

/** One installation, without running processes. */
export interface Installation extends AsyncDisposable {
  readonly store: Store;
  /** The program of its processes. */
  readonly program: keyof typeof PROGRAMS;
  readonly env: Record<string, string>;
  readonly origin: string;
  readonly issueId: string;
  readonly slug: string;
  readonly readers: readonly Reader[];
  /** Null when the database is inside the installation's own process. */
  readonly services: { postgres: Service; redis: Service } | null;
  /** The database. Embedded: only while no process uses it. */
  open(): Promise<OpenDatabase>;
}

export interface OpenDatabase extends AsyncDisposable {
  db: Connection;
  /** The queues beside them. */
  queue(): Promise<JobQueue>;
}

export interface Ground extends AsyncDisposable {
  /** @param seed of the order in which the provider posts its events. */
  install(resend: LocalResend, seed: number): Promise<Installation>;
}

const SECRET_KEY = 'a-key-for-the-fire-test-only-0123456789';
export const WEBHOOK_SECRET = `whsec_${Buffer.from('the secret of the fire test').toString('base64')}`;

/** Topics that readers chose: everything, something, and a topic without a comparison this week. */
const TOPICS: string[][] = [[], [], [], ['Developer Tools'], ['Meetings', 'Voice & Audio'], ['Beekeeping']];

/** The outcomes of some of every forty readers; the others get no event, which saves most events. */
const HEARD_OF: Record<number, Fate> = {
  9: 'delivered',
  17: 'bounced',
  18: 'soft-bounced',
  19: 'complained',
  20: 'delayed',
  30: 'delivered',
};

/** Derived from the name of an address. */
export const fateOf = (email: string): Fate => {
  const name = email.split('-')[0];
  return Object.values(HEARD_OF).find((fate) => fate.replace('-', '') === name) ?? 'silent';
};

function addresses(count: number): { email: string; topics: string[] }[] {
  return Array.from({ length: count }, (_, index) => ({
    email: `${(HEARD_OF[index % 40] ?? 'reader').replace('-', '')}-${index}@readers.example`,
    topics: TOPICS[index % TOPICS.length] ?? [],
  }));
}

/** Settings of an installation; the schedule is days away, so that no second issue starts. */
function settings(dataDir: string, more: Record<string, string>): Record<string, string> {
  const inThreeDays = new Date(Date.now() + 3 * 86_400_000);
  const day = inThreeDays.toLocaleDateString('en-GB', { weekday: 'short', timeZone: 'UTC' });
  return {
    DATA_DIR: dataDir,
    SECRET_KEY,
    POSTAL_ADDRESS: '1 Example Street, Sampleton',
    SOURCES: 'folder:samples/comparisons',
    SCHEDULE: `${day} 09:00`,
    LOG_LEVEL: 'warn',
    ...more,
  };
}

/** Fills an installation by the same steps as the commands, up to an issue that waits to be frozen. */
async function prepare(env: Record<string, string>, count: number) {
  const { config, secrets } = loadConfig(env);
  await using app = await createApp(config, secrets);
  const confirmedAt = new Date(Date.now() - 30 * 86_400_000);
  const rows = addresses(count).map(({ email, topics }) => ({
    email,
    key: email,
    status: 'active' as const,
    topics,
    timezone: null,
    confirmedAt,
  }));
  await addSubscribers(app.db, rows, 'fire test');
  await gatherAll(app);
  const issue = await approve(app, await draft(app, await slotToCompose(app)));
  await changeIssue(app.db, issue.id, { type: 'prepare' });

  const token = signer(app.keys, 'unsubscribe');
  const people = await app.db.selectFrom('subscribers').select(['id', 'email', 'token_version']).execute();
  const readers = people.map(({ id, email, token_version: version }) => ({
    email,
    unsubscribe: `/unsubscribe/${token({ subscriberId: id, version })}`,
  }));
  return {
    issueId: issue.id,
    slug: issue.slug,
    readers: readers.sort((a, b) => (a.email < b.email ? -1 : 1)),
  };
}

const remove = (folder: string) => rm(folder, { recursive: true, force: true, maxRetries: 3 });

async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'wv-fire-'));
  const release = cleanUpFolder(folder);
  return {
    path: folder,
    async [Symbol.asyncDispose]() {
      await remove(folder);
      release();
    },
  };
}

/** The settings of every process of an installation, besides the location of its data. */
async function addressing(resend: LocalResend, seed: number): Promise<Record<string, string>> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  resend.webhooks.configure({
    url: `${origin}/webhooks/resend`,
    secrets: [WEBHOOK_SECRET],
    // Resend's own schedule, a thousand times as fast, and longer at the end.
    schedule: [0, 50, 300, ...Array.from({ length: 300 }, () => 1_000)],
    disorder: { seed, duplicates: 0.1 },
  });
  return {
    PORT: String(port),
    PUBLIC_URL: origin,
    RESEND_API_KEY: resend.apiKey,
    RESEND_BASE_URL: resend.url,
    RESEND_WEBHOOK_SECRET: WEBHOOK_SECRET,
    METRICS: 'token',
    METRICS_TOKEN,
  };
}

/** Reads the metrics of every installation. */
export const METRICS_TOKEN = 'a-token-for-the-metrics-of-the-fire-test';

export interface Plot {
  store: Store;
  program: keyof typeof PROGRAMS;
  /** How many each installation has. */
  readers: number;
}

export function layGround(plot: Plot): Promise<Ground> {
  return plot.store === 'embedded' ? embeddedGround(plot) : servicesGround(plot);
}

async function embeddedGround({ program, readers: count }: Plot): Promise<Ground> {
  const temporary = await temporaryFolder();
  const folder = temporary.path;
  const original = path.join(folder, 'original');
  const prepared = await prepare(settings(original, {}), count);
  return {
    async install(resend, seed) {
      const dataDir = await mkdtemp(path.join(folder, 'run-'));
      await cp(original, dataDir, { recursive: true });
      const env = settings(dataDir, await addressing(resend, seed));
      return {
        store: 'embedded',
        program,
        env,
        origin: env.PUBLIC_URL ?? '',
        ...prepared,
        services: null,
        open: () => openBooks({ dataDir }),
        [Symbol.asyncDispose]: () => remove(dataDir),
      };
    },
    [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose](),
  };
}

async function servicesGround({ program, readers: count }: Plot): Promise<Ground> {
  const bin = findPostgres();
  const redisServer = findRedis();
  if (bin === null || redisServer === null)
    throw new Error(
      'PostgreSQL and Redis are needed: set POSTGRES_BIN and REDIS_SERVER, or use --store embedded.',
    );
  const temporary = await temporaryFolder();
  const folder = temporary.path;
  const postgres = await startPostgres(bin, { synchronous_commit: 'on' });
  const redis = await startRedis(redisServer);
  const original = await createDatabase(postgres.url);
  const prepared = await prepare(
    settings(folder, { DATABASE_URL: original.url, REDIS_URL: redis.url }),
    count,
  );
  return {
    async install(resend, seed) {
      const dataDir = await mkdtemp(path.join(folder, 'run-'));
      const database = await createDatabase(postgres.url, original);
      const env = settings(dataDir, {
        DATABASE_URL: database.url,
        REDIS_URL: redis.url,
        ...(await addressing(resend, seed)),
      });
      return {
        store: 'services',
        program,
        env,
        origin: env.PUBLIC_URL ?? '',
        ...prepared,
        services: { postgres, redis },
        open: () => openBooks({ databaseUrl: database.url, redisUrl: redis.url, dataDir }),
        [Symbol.asyncDispose]: async () => {
          await database.drop();
          // One installation's queue must not affect the next.
          await redis.restart('SIGTERM');
          await remove(dataDir);
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([postgres.stop(), redis.stop()]);
      await temporary[Symbol.asyncDispose]();
    },
  };
}

async function openBooks(where: {
  databaseUrl?: string;
  redisUrl?: string;
  dataDir: string;
}): Promise<OpenDatabase> {
  const { databaseUrl, redisUrl, dataDir } = where;
  const database = await openDatabase({ databaseUrl, dataDir, connections: 3 });
  return {
    db: database.kysely,
    queue: async () =>
      openQueue(
        redisUrl === undefined
          ? { pool: database.queuePool() }
          : { redisUrl, owner: await queueOwner(database.kysely) },
        () => {},
      ),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
