import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { type App, createApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { findIssue } from '../../src/issues/issue-store.ts';
import { issueProgress } from '../../src/sending/progress.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import { approve, draft, gatherAll, send, slotToCompose } from '../../src/workflow/week.ts';
import { createMigratedDatabase } from '../helpers/locations.ts';

import { acceptedRecipients } from '../helpers/outbox.ts';
import { type Process, startCommand } from '../helpers/processes.ts';

const databaseUrl = inject('databaseUrl');
const redisUrl = inject('redisUrl');
const READERS = 1_500;

describe.skipIf(!databaseUrl || !redisUrl)('two workers and a web process', () => {
  let dataDir: string;
  let app: App;
  let env: Record<string, string>;
  let drop: () => Promise<void>;
  const processes: Process[] = [];

  beforeEach(async () => {
    dataDir = await mkdtemp(path.join(os.tmpdir(), 'wv-workers-'));
    const database = await createMigratedDatabase(databaseUrl);
    drop = database.drop;
    env = {
      DATA_DIR: dataDir,
      DATABASE_URL: database.url,
      REDIS_URL: `${redisUrl}/14`,
      SECRET_KEY: 'k'.repeat(40),
      POSTAL_ADDRESS: '1 Example Street, Sampleton',
      SOURCES: 'folder:samples/comparisons',
      LOG_LEVEL: 'error',
    };
    const { config, secrets } = loadConfig(env);
    app = await createApp(config, secrets);
  });

  afterEach(async () => {
    for (const each of processes.splice(0)) await each[Symbol.asyncDispose]();
    await app[Symbol.asyncDispose]();
    await drop();
    await rm(dataDir, { recursive: true, force: true });
  });

  function serve(role: 'web' | 'worker'): Process {
    const command = startCommand(['serve', '--role', role], role === 'web' ? { ...env, PORT: '0' } : env);
    processes.push(command);
    return command;
  }

  async function whenSubmitted(issueId: string, count: number): Promise<void> {
    while ((await issueProgress(app.db, issueId)).submitted < count) await sleep(20);
  }

  test('faults 1, 2, 16: send one issue once, though one of them is killed in the middle and the others are stopped', async () => {
    const confirmedAt = new Date('2026-11-01T00:00:00Z');
    const readers = Array.from({ length: READERS }, (_, index) => {
      const email = `reader-${index}@example.org`;
      return { email, key: email, status: 'active' as const, topics: [], timezone: null, confirmedAt };
    });
    await addSubscribers(app.db, readers, 'test');
    await gatherAll(app);
    const issue = await approve(app, await draft(app, await slotToCompose(app)));

    const web = serve('web');
    const [first, second] = [serve('worker'), serve('worker')];
    await send(app, issue);
    await whenSubmitted(issue.id, 300);
    await first[Symbol.asyncDispose]();

    // What happens within a minute: the dead worker's lease expires, and reconcile runs.
    await app.db
      .updateTable('batches')
      .set({ lease_until: new Date(0) })
      .where('status', '=', 'submitting')
      .execute();
    await app.queue.enqueue('reconcile', {});
    await whenSubmitted(issue.id, READERS);
    while ((await findIssue(app.db, { id: issue.id }))?.status !== 'sent') await sleep(20);

    const recipients = await acceptedRecipients(dataDir, issue.slug);
    expect(new Set(recipients).size, 'nobody doubled').toBe(recipients.length);
    expect(recipients, 'nobody lost').toHaveLength(READERS);

    for (const each of [web, second]) {
      each.kill('SIGTERM');
      expect(await each.ended).toMatchObject({ code: 0, stderr: '' });
    }
  });
});
