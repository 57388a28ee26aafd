import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { createServer, type ServerOptions } from '../../src/app/server.ts';
import { saveComparisons } from '../../src/comparisons/comparison-store.ts';
import type { Comparison } from '../../src/comparisons/model.ts';
import { composeIssue } from '../../src/issues/compose-issue.ts';
import { changeIssue, findIssue, type Issue } from '../../src/issues/issue-store.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import type { Pool } from '../../src/platform/db/pool.ts';
import { Lifetime } from '../../src/platform/lifetime.ts';
import { openLimiter } from '../../src/platform/queue/limiter.ts';
import { approveIssue, prepareIssue } from '../../src/sending/prepare-issue.ts';
import { parseAddress } from '../../src/subscribers/address.ts';
import type { SignUpParts } from '../../src/subscribers/sign-up/sign-up-form.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import { type Keys, keyId, type Scope, signer } from '../../src/subscribers/tokens.ts';
import { comparison, tool } from './compose.ts';
import { embeddedLocation } from './locations.ts';
import { answerRequests } from './mail-requests.ts';

/** A site with two published issues, on an embedded database of its own in a temporary directory. */
export interface TestSite extends AsyncDisposable {
  db: Connection;
  keys: Keys;
  app: FastifyInstance;
  /** The sign-up parts of its servers. */
  signUp: SignUpParts;
  /** A second server on the same database, closed with the site. */
  serve(overrides: Partial<ServerOptions>): Promise<FastifyInstance>;
  /** Adds a confirmed reader, who was subscribed long ago. */
  subscribe(email: string, topics?: string[]): Promise<string>;
  token(scope: Scope, subscriberId: string, version?: number): string;
  /** Mails that were enqueued, oldest first. */
  enqueued: string[];
  /** Answers the waiting mail requests, like the job. @returns the mails. */
  answer(): Promise<string[]>;
  /** Composes an issue from these and takes it to the first submit. */
  publish(slot: string, comparisons: Comparison[]): Promise<Issue>;
  dir: string;
}

export const SITE = {
  publicUrl: 'https://verdicts.example',
  newsletterName: 'Weekly AI Tool Verdicts',
  postalAddress: 'Verdict House, 1 Ballot Lane, Testtown',
  replyTo: 'The desk <desk@verdicts.example>',
};

/** Opens the outbox of the site. */
export const OUTBOX_TOKEN = 'a-token-of-this-run-and-of-no-other-one';

const KEYS: Keys = ['a key of thirty-two characters..', 'the key before, thirty-two chars'];

/** Sign-up with limits in the database; every domain takes mail. */
export function signUpParts(pool: Pool): SignUpParts {
  return {
    limiter: openLimiter({ redisUrl: undefined, owner: { installation: 'site', database: 'site' }, pool }),
    checkDomain: async () => 'yes',
    challenge: null,
    embedOrigins: ['https://blog.example'],
    privacy: null,
    clock: () => new Date(),
  };
}

export async function openSite(options: { logger?: Logger } = {}): Promise<TestSite> {
  const lifetime = new Lifetime();
  try {
    return await build(lifetime, options.logger ?? false);
  } catch (error) {
    await lifetime[Symbol.asyncDispose]();
    throw error;
  }
}

async function build(lifetime: Lifetime, logger: Logger | false): Promise<TestSite> {
  const location = lifetime.use(await embeddedLocation());
  const dir = location.dataDir;
  const database = lifetime.use(await location.open());
  const db = database.kysely;

  const enqueued: string[] = [];
  const signUp = signUpParts(database.queuePool());

  const serve = async (overrides: Partial<ServerOptions>) => {
    const server = await createServer({
      db,
      keys: KEYS,
      site: SITE,
      outbox: { directory: path.join(dir, 'outbox'), token: OUTBOX_TOKEN },
      enqueueMail: (mailId) => enqueued.push(mailId),
      ready: async () => {},
      signUp,
      logger,
      ...overrides,
    });
    lifetime.defer(() => server.close());
    return server;
  };

  const publish = async (slot: string, comparisons: Comparison[]) => {
    await saveComparisons(db, comparisons);
    const settings = {
      newsletter: { name: SITE.newsletterName, url: SITE.publicUrl, postalAddress: SITE.postalAddress },
      template: 'react:digest',
      minComparisons: 1,
      cards: 4,
    };
    const dueAt = new Date(`${slot}T09:00:00Z`);
    const { id } = await composeIssue(db, { key: slot, label: slot, dueAt }, settings, dueAt);
    await approveIssue(db, id);
    await prepareIssue(db, id, {
      from: 'digest@verdicts.example',
      replyTo: SITE.replyTo,
      newsletterName: SITE.newsletterName,
      publicUrl: SITE.publicUrl,
      keyId: keyId(KEYS[0]),
    });
    return (await findIssue(db, { id })) as Issue;
  };

  const first = await publish('2026-11-17', FIRST_WEEK);
  await changeIssue(db, first.id, { type: 'finish' });
  await publish('2026-11-24', SECOND_WEEK);

  return {
    db,
    dir,
    keys: KEYS,
    signUp,
    enqueued,
    async answer() {
      const { mailIds } = await answerRequests(db, KEYS);
      enqueued.push(...mailIds);
      return mailIds;
    },
    app: await serve({}),
    serve,
    publish,
    subscribe: async (email, topics = []) => {
      const address = parseAddress(email);
      if ('reason' in address) throw new Error(address.reason);
      const confirmedAt = new Date('2020-11-01T00:00:00Z');
      await addSubscribers(
        db,
        [{ ...address, status: 'active', topics, timezone: null, confirmedAt }],
        'test',
      );
      const row = await db
        .selectFrom('subscribers')
        .select('id')
        .where('email_key', '=', address.key)
        .executeTakeFirstOrThrow();
      // They were subscribed before both issues, so that their votes count.
      await db.updateTable('subscribers').set({ created_at: confirmedAt }).where('id', '=', row.id).execute();
      return row.id;
    },
    token: (scope, subscriberId, version = 1) => signer(KEYS, scope)({ subscriberId, version }),
    [Symbol.asyncDispose]: () => lifetime[Symbol.asyncDispose](),
  };
}

const FIRST_WEEK = [
  comparison(
    'kestrel-vs-quillwright',
    tool('Kestrel', 75),
    tool('Quillwright', 25, { entryPrice: '$20/mo' }),
  ),
];

const writing = { category: 'Writing' };
const audio = { category: 'Audio & Music' };

const SECOND_WEEK = [
  comparison(
    'inkwell-vs-ferret',
    tool('Inkwell', 100, writing),
    tool('Ferret', 25, { ...writing, entryPrice: '$12/mo' }),
  ),
  comparison(
    'orca-vs-hedge',
    tool('Orca', 50),
    tool('Hedge & Maze <Pro>', 50, { entryPrice: '€0.40 / 1M tokens' }),
  ),
  comparison('null-vs-void', tool('Null', 0), tool('Void', 25)),
  comparison(
    'reed-vs-データ舟',
    tool('Reed', 100, audio),
    tool('データ舟', 100, { ...audio, entryPrice: '¥1,200/月' }),
  ),
  comparison(
    'moth-vs-lamp',
    tool('Moth', 75, writing),
    tool('Lamplighter Enterprise Edition (EU)', 25, writing),
  ),
  comparison(
    'pike-vs-perch',
    tool('Pike', 25, audio),
    tool('Perch', 100, { ...audio, entryPrice: 'From $9 per seat' }),
  ),
];
