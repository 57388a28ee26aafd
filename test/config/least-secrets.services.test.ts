import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { expectOneLine, runCommand } from '../helpers/command.ts';
import { temporaryFolder } from '../helpers/locations.ts';
import { type Process, ROOT, startCommand } from '../helpers/processes.ts';
import { freePort } from '../helpers/services.ts';
import { newTwoRoles, type TwoRoles } from '../helpers/two-roles.ts';
import { type LocalResend, startResend } from '../resend/index.ts';

/**
 * Web and worker with only the settings and secrets that docker-compose.yml gives to each: this shows missing
 * settings of a container where there is no Docker.
 */

const server = inject('databaseUrl');
const redisServer = inject('redisUrl');

const compose = z
  .object({
    services: z.record(z.string(), z.object({ environment: z.record(z.string(), z.string()).default({}) })),
  })
  .parse(parse(readFileSync(path.join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }));

/** Interpolates a value as Compose does: `${A}`, `${A:-b}`, `${A:+b}`, `${A:?why}`, also nested. */
function interpolate(text: string, env: Record<string, string>): string {
  const innermost = /\$\{([A-Z_]+)(?::([-+?])([^${}]*))?\}/;
  let result = text;
  for (let match = innermost.exec(result); match !== null; match = innermost.exec(result)) {
    const [whole, name = '', operator, word = ''] = match;
    const value = env[name] ?? '';
    if (operator === '?' && value === '') throw new Error(word);
    const stands =
      operator === '+' ? (value === '' ? '' : word) : operator === '-' && value === '' ? word : value;
    result = result.replace(whole, () => stands);
  }
  return result;
}

describe.skipIf(server === '' || redisServer === '')(
  'with the secrets that Compose gives to each process',
  () => {
    const folder = temporaryFolder();
    const processes: Process[] = [];
    let roles: TwoRoles;
    let provider: LocalResend;
    let web: string;
    let environmentOf: (service: string, more?: Record<string, string>) => Record<string, string>;

    beforeAll(async () => {
      roles = await newTwoRoles(server);
      provider = await startResend({ ratePerSecond: Number.POSITIVE_INFINITY });
      const port = await freePort();
      web = `http://127.0.0.1:${port}`;
      const env = {
        POSTGRES_PASSWORD: 'superuser',
        POSTGRES_OWNER_PASSWORD: 'owner',
        POSTGRES_WORKER_PASSWORD: 'worker',
        SECRET_KEY: 'k'.repeat(40),
        RESEND_API_KEY: provider.apiKey,
        RESEND_BASE_URL: provider.url,
        RESEND_WEBHOOK_SECRET: 'whsec_c2VjcmV0c2VjcmV0c2VjcmV0',
        API_TOKEN: 'a'.repeat(32),
        EDITORS: 'chief@verdicts.example:publisher',
        PUBLIC_URL: web,
        LOG_LEVEL: 'warn',
      };
      const url = new URL(roles.workerUrl);
      url.password = '';
      const here: Record<string, Record<string, string>> = {
        migrate: { MIGRATE_DATABASE_URL: roles.ownerUrl, DATABASE_URL: url.href },
        web: { DATABASE_URL: roles.workerUrl, HOST: '127.0.0.1', PORT: String(port) },
        worker: { DATABASE_URL: roles.workerUrl, PORT: '' },
      };
      environmentOf = (service, more = {}) => ({
        ...Object.fromEntries(
          Object.entries(compose.services[service]?.environment ?? {}).map(([name, value]) => [
            name,
            interpolate(value, env),
          ]),
        ),
        DATA_DIR: folder.path,
        REDIS_URL: `${redisServer}/11`,
        ...here[service],
        ...more,
      });
      expect(await runCommand(['migrate'], environmentOf('migrate'))).toMatchObject({ code: 0, stderr: '' });
      const worker = startCommand(['serve', '--role', 'worker'], environmentOf('worker'));
      const served = startCommand(['serve', '--role', 'web'], environmentOf('web'));
      processes.push(worker, served);
      await worker.says('works on Redis');
      expect(await served.says('mail goes to')).toContain('mail goes to Resend, through the workers');
    });
    afterAll(async () => {
      for (const each of processes) await each[Symbol.asyncDispose]();
      await provider?.[Symbol.asyncDispose]();
      await roles?.[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    });

    it('F20: a sign-up at the web server is mailed by the worker', async () => {
      const answer = await fetch(`${web}/subscribe`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ email: 'reader@readers.example' }),
      });
      expect(answer.status).toBe(202);
      await expect.poll(() => provider.copies('reader@readers.example'), { timeout: 60_000 }).toBe(1);
    });

    it('F20: the web server has routes for events and for pushes, and no outbox', async () => {
      const post = (place: string) => fetch(`${web}${place}`, { method: 'POST', body: '{}' });
      expect((await post('/webhooks/resend')).status).toBe(401);
      expect((await post('/api/comparisons')).status).toBe(401);
      expect((await fetch(`${web}/outbox`)).status).toBe(404);
    });

    it('F20: a command that sends mail says, in the web server’s container, where to run it', async () => {
      const result = await runCommand(['serve', '--role', 'worker'], environmentOf('web', { PORT: '' }));
      expect(result.code).toBe(1);
      expectOneLine(result, /This process may not send: it has no RESEND_API_KEY\..*worker/);
    });
  },
);
