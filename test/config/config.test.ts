import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Config, loadConfig, loadDatabaseSettings } from '../../src/config/config.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { AppError, explain } from '../../src/platform/errors.ts';
import { temporaryFolder } from '../helpers/locations.ts';
import { ROOT, start } from '../helpers/processes.ts';

let folder: ReturnType<typeof temporaryFolder>;
let dataDir: string;
beforeEach(() => {
  folder = temporaryFolder();
  dataDir = path.join(folder.path, 'data');
});
afterEach(() => folder[Symbol.dispose]());

const KEY = 'k'.repeat(32);
const load = (env: Record<string, string | undefined> = {}) =>
  loadConfig({ DATA_DIR: dataDir, SECRET_KEY: KEY, ...env });

/** Returns the error message for these settings. */
function complaint(env: Record<string, string>): string {
  try {
    load(env);
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).code).toBe('config-invalid');
    return explain(error);
  }
  throw new Error(`no complaint about ${JSON.stringify(env)}`);
}

/** Name → default (as it would be typed) and explanation, in the order of the schema. */
const documented = Object.entries(
  z.toJSONSchema(settingsSchema, { io: 'input', unrepresentable: 'any' }).properties ?? {},
).map(([name, property]) => {
  const { default: value = '', description = '' } = property as { default?: unknown; description?: string };
  return { name, value: String(value), description };
});

describe('settings', () => {
  it('are all optional', () => {
    const { config, secrets } = load();
    expect(config).toEqual({
      dataDir,
      database: 'embedded',
      queue: 'database',
      publicUrl: 'http://localhost:3000',
      host: '127.0.0.1',
      port: 3000,
      mail: {
        from: 'Weekly AI Tool Verdicts <digest@verdicts.example>',
        fromTransactional: 'Weekly AI Tool Verdicts <hello@verdicts.example>',
        replyTo: 'Weekly AI Tool Verdicts <digest@verdicts.example>',
        postalAddress: '',
      },
      databaseTimeouts: { connectMs: 10_000, lockMs: 30_000, statementMs: 300_000 },
      resend: { baseUrl: 'https://api.resend.com', rate: 10 },
      mailer: 'outbox',
      takesEvents: false,
      newsletterName: 'Weekly AI Tool Verdicts',
      schedule: { weekday: 2, hour: 9, minute: 0, zone: 'UTC' },
      reviewLeadMs: 24 * 3_600_000,
      approval: 'required',
      template: 'react:digest',
      minComparisons: 1,
      cards: 4,
      publish: 'gathered',
      sources: [],
      allowPrivateSources: false,
      editors: [],
      operators: [],
      passkeys: 'optional',
      embedOrigins: [],
      privacy: null,
      turnstile: null,
      trustProxy: false,
      hsts: null,
      metrics: { readers: 'off', port: 9464 },
      outbox: { access: 'link', days: 30 },
      retention: { eventDays: 90, gatherDays: 90, evidenceMonths: 12 },
      docs: true,
      logLevel: 'info',
    } satisfies Config);
    expect(secrets).toEqual({
      databaseUrl: undefined,
      redisUrl: undefined,
      secretKeys: [KEY],
      apiToken: undefined,
      metricsToken: undefined,
      resendApiKey: undefined,
      resendWebhookSecrets: [],
      turnstileSecretKey: undefined,
      heartbeatUrl: undefined,
    });
  });

  it('count as not set when they are empty', () => {
    const empty = Object.fromEntries(documented.map(({ name }) => [name, '']));
    expect(load({ ...empty, DATA_DIR: dataDir, SECRET_KEY: KEY })).toEqual(load());
  });

  it('are parsed to their types', () => {
    const { config, secrets } = load({
      DATABASE_URL: 'postgresql://verdict:pass@db/verdict',
      REDIS_URL: 'rediss://cache:6380/2',
      SECRET_KEY: ` ${'a'.repeat(32)} , ${'b'.repeat(40)} ,`,
      PUBLIC_URL: 'https://verdicts.example/weekly//',
      PORT: '0',
      MAIL_FROM: 'digest@verdicts.example',
      MAIL_REPLY_TO: 'The desk <desk@verdicts.example>',
      POSTAL_ADDRESS: '1 Street\n  12345 Town\r\nCountry ',
      SCHEDULE: 'friday 7:05',
      TIMEZONE: 'Asia/Tokyo',
      REVIEW_LEAD: '90m',
      APPROVAL: 'auto',
      ISSUE_TEMPLATE: 'mjml:digest',
      ISSUE_MIN_COMPARISONS: '3',
      CARDS: '6',
      SOURCES: 'folder:samples/comparisons, folder:elsewhere',
      RESEND_API_KEY: 're_123',
      RESEND_BASE_URL: 'http://127.0.0.1:4010/',
      RESEND_WEBHOOK_SECRET: 'whsec_YWJj,whsec_ZGVm',
      RESEND_RATE: '2.5',
      MAIL_FROM_TRANSACTIONAL: 'Hello <hello@verdicts.example>',
      EDITORS: 'Chief@example.org:publisher, desk@example.org',
      OPERATORS: 'Ops@example.org, ops@example.org, night@example.org',
      HEARTBEAT_URL: 'https://beats.example/ping/1234',
      EMBED_ORIGINS: 'https://site.example/, http://localhost:8080',
      PRIVACY_URL: 'https://site.example/privacy',
      PRIVACY_VERSION: '2026-11',
      TURNSTILE_SITE_KEY: 'site',
      TURNSTILE_SECRET_KEY: 'secret',
      TRUST_PROXY: '10.0.0.0/8, loopback',
      LOG_LEVEL: 'silent',
    });
    expect(config).toMatchObject({
      database: 'postgres',
      queue: 'redis',
      publicUrl: 'https://verdicts.example/weekly',
      port: 0,
      mail: {
        from: 'digest@verdicts.example',
        fromTransactional: 'Hello <hello@verdicts.example>',
        replyTo: 'The desk <desk@verdicts.example>',
        postalAddress: '1 Street, 12345 Town, Country',
      },
      resend: { baseUrl: 'http://127.0.0.1:4010', rate: 2.5 },
      editors: [
        { email: 'chief@example.org', role: 'publisher' },
        { email: 'desk@example.org', role: 'editor' },
      ],
      operators: ['ops@example.org', 'night@example.org'],
      embedOrigins: ['https://site.example', 'http://localhost:8080'],
      privacy: { url: 'https://site.example/privacy', version: '2026-11' },
      turnstile: { url: 'https://challenges.cloudflare.com/turnstile/v0/siteverify', siteKey: 'site' },
      trustProxy: ['10.0.0.0/8', 'loopback'],
      schedule: { weekday: 5, hour: 7, minute: 5, zone: 'Asia/Tokyo' },
      reviewLeadMs: 90 * 60_000,
      minComparisons: 3,
      cards: 6,
    });
    expect(config.sources).toHaveLength(2);
    expect(secrets).toMatchObject({
      secretKeys: ['a'.repeat(32), 'b'.repeat(40)],
      resendApiKey: 're_123',
      resendWebhookSecrets: ['whsec_YWJj', 'whsec_ZGVm'],
      turnstileSecretKey: 'secret',
      heartbeatUrl: 'https://beats.example/ping/1234',
    });
    expect(load({ TRUST_PROXY: '2' }).config.trustProxy).toBe(2);
  });

  it('the publishers are the operators unless others are named', () => {
    const EDITORS = 'chief@example.org:publisher, desk@example.org, vice@example.org:publisher';
    expect(load({ EDITORS }).config.operators).toEqual(['chief@example.org', 'vice@example.org']);
    expect(load({ EDITORS, OPERATORS: 'ops@example.org' }).config.operators).toEqual(['ops@example.org']);
    expect(complaint({ OPERATORS: 'Ops <ops@example.org>' })).toMatch(/OPERATORS: .* is no address/);
    expect(complaint({ HEARTBEAT_URL: 'ftp://beats.example' })).toMatch(/HEARTBEAT_URL: must be an absolute/);
  });

  it('that belong together are required together', () => {
    expect(complaint({ TURNSTILE_SITE_KEY: 'site' })).toMatch(/TURNSTILE_SECRET_KEY: is missing/);
    expect(complaint({ TURNSTILE_SECRET_KEY: 'secret' })).toMatch(/TURNSTILE_SITE_KEY: is missing/);
    expect(complaint({ METRICS: 'token' })).toMatch(/METRICS_TOKEN: is required/);
    expect(complaint({ METRICS: 'local', METRICS_TOKEN: KEY })).toMatch(/METRICS: must be token/);
    expect(load({ METRICS: 'token', METRICS_TOKEN: KEY }).secrets.metricsToken).toBe(KEY);
    expect(complaint({ PRIVACY_VERSION: '2026-11' })).toMatch(/PRIVACY_URL: is missing/);
    const trailing = { RESEND_API_KEY: 're_123', RESEND_BASE_URL: 'https://api.resend.com/' };
    expect(complaint(trailing)).toMatch(/MAIL_FROM: /);
    expect(complaint({ RESEND_API_KEY: 're_123' })).toMatch(/MAIL_FROM: .*; MAIL_FROM_TRANSACTIONAL: /);
    const mail = { MAIL_FROM: 'digest@verdicts.test', MAIL_FROM_TRANSACTIONAL: 'hello@verdicts.test' };
    expect(load({ RESEND_API_KEY: 're_123', ...mail }).secrets.resendApiKey).toBe('re_123');
  });

  it('F20: a process without the key knows where mail goes, and a process with the key can be kept from mailing', () => {
    const mail = { MAIL_FROM: 'digest@verdicts.test', MAIL_FROM_TRANSACTIONAL: 'hello@verdicts.test' };
    const mailSettings = (env: Record<string, string>) => {
      const { mailer, takesEvents } = load({ ...mail, ...env }).config;
      return [mailer, takesEvents];
    };
    expect(mailSettings({})).toEqual(['outbox', false]);
    expect(mailSettings({ RESEND_API_KEY: 're_1', RESEND_WEBHOOK_SECRET: 'whsec_YWJj' })).toEqual([
      'resend',
      true,
    ]);
    expect(mailSettings({ MAILER: 'resend', MAIL_EVENTS: 'taken' })).toEqual(['resend', true]);
    expect(mailSettings({ RESEND_API_KEY: 're_1', MAILER: 'outbox' })).toEqual(['outbox', false]);
    expect(complaint({ MAILER: 'resend' })).toMatch(/MAIL_FROM: is required with MAILER=resend/);
  });

  it('F20: HSTS is refused without https', () => {
    expect(complaint({ HSTS: 'on' })).toMatch(/HSTS: .* it needs https in PUBLIC_URL/);
    expect(load({ HSTS: 'on', PUBLIC_URL: 'https://verdicts.test' }).config.hsts).toEqual({
      ...{ maxAge: 31_536_000, includeSubDomains: false, preload: false },
    });
  });

  it('that are unknown are ignored', () => {
    expect(load({ PATH: '/bin', NODE_OPTIONS: '--x' })).toEqual(load());
  });
});

/** One or more wrong values of every setting that can be wrong. */
const WRONG: Record<string, string[]> = {
  DATABASE_URL: ['nonsense', 'mysql://db/verdict', 'http://db'],
  REDIS_URL: ['cache:6379', 'http://cache'],
  PUBLIC_URL: ['verdicts.example', 'ftp://verdicts.example', 'javascript:alert(1)'],
  PORT: ['http', '-1', '65536', '80.5', '1e9'],
  SECRET_KEY: ['short', `${KEY},short`],
  MAIL_FROM: ['nobody', 'a@b, c@d', 'A <a@b> <c@d>', 'A\r\nBcc: x@y <a@b>', '<a@b>'],
  MAIL_REPLY_TO: ['nobody', 'desk@verdicts.example\nBcc: x@y'],
  NEWSLETTER_NAME: ['two\nlines', 'x'.repeat(81)],
  SCHEDULE: ['whenever', 'Tue', '09:00', 'Tue 24:00', 'Tue 09:60'],
  TIMEZONE: ['Mars/Olympus', '+02:00', 'Europe'],
  REVIEW_LEAD: ['soon', '24', '-1h', '1w'],
  APPROVAL: ['maybe', 'AUTO'],
  ISSUE_TEMPLATE: ['digest', 'react:other'],
  ISSUE_MIN_COMPARISONS: ['0', 'many', '1.5', '1001'],
  CARDS: ['0', 'all', '2.5', '13'],
  PUBLISH: ['always'],
  SOURCES: ['samples/comparisons', 'carrier-pigeon:coop', 'folder:'],
  RESEND_BASE_URL: ['api.resend.com', 'ftp://api.resend.com'],
  RESEND_WEBHOOK_SECRET: ['secret', 'whsec_YWJj,other'],
  RESEND_RATE: ['fast', '0', '-1', '1001'],
  MAIL_FROM_TRANSACTIONAL: ['nobody', 'A\r\nBcc: x@y <a@b>'],
  EDITORS: ['chief', 'chief@example.org:king', 'a@b, c'],
  EMBED_ORIGINS: ['site.example', 'https://site.example/blog', 'https://a.example, javascript:alert(1)'],
  PRIVACY_URL: ['/privacy', 'javascript:alert(1)'],
  TURNSTILE_URL: ['challenges.cloudflare.com'],
  METRICS: ['on', 'LOCAL'],
  METRICS_PORT: ['http', '-1', '65536'],
  OUTBOX: ['on', 'open'],
  OUTBOX_DAYS: ['0', 'many', '1.5'],
  DOCS: ['yes'],
  MAILER: ['smtp'],
  MAIL_EVENTS: ['on'],
  HSTS: ['yes', '31536000', 'max-age=1; other', 'max-age=; preload'],
  RETENTION: ['events', 'events:0d', 'events:90m', 'events:30d', 'letters:9d', 'evidence:1y'],
  TRUST_PROXY: ['true', '10.0.0.0/33', '10.0.0', 'anybody'],
  LOG_LEVEL: ['loud'],
};

describe('a wrong setting', () => {
  it.each(Object.entries(WRONG).flatMap(([name, values]) => values.map((value) => [name, value] as const)))(
    '%s=%j is named, on one line',
    (name, value) => {
      const text = complaint({ [name]: value });
      expect(text).toContain(name);
      expect(text).not.toMatch(/[\r\n]|\.\./);
      const others = Object.keys(WRONG).filter((other) => other !== name);
      expect(others.filter((other) => new RegExp(`(?<![A-Z_])${other}[: ]`).test(text))).toEqual([]);
    },
  );

  it('is listed together with all the others', () => {
    const names = Object.keys(WRONG);
    fc.assert(
      fc.property(
        fc
          .subarray(names, { minLength: 1 })
          .chain((chosen) =>
            fc.record(
              Object.fromEntries(chosen.map((name) => [name, fc.constantFrom(...(WRONG[name] ?? []))])),
            ),
          ),
        (env) => {
          const text = complaint(env as Record<string, string>);
          expect(Object.keys(env).filter((name) => !text.includes(name))).toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('creates nothing', () => {
    expect(() => loadConfig({ DATA_DIR: dataDir, PORT: 'x' })).toThrow(AppError);
    expect(() => statSync(dataDir)).toThrow('ENOENT');
  });
});

describe('secrets', () => {
  const SECRET = {
    DATABASE_URL: 'postgres://verdict:hunter2@db/verdict',
    REDIS_URL: 'redis://:hunter3@cache:6379',
    SECRET_KEY: `${'s'.repeat(32)},${'t'.repeat(32)}`,
  };
  const betrayed = (text: string) =>
    ['hunter2', 'hunter3', 'sss', 'ttt'].filter((word) => text.includes(word));

  it('are not in the part that may be printed', () => {
    const { config, secrets } = load(SECRET);
    expect(betrayed(JSON.stringify(config))).toEqual([]);
    expect(betrayed(JSON.stringify(secrets))).toHaveLength(4);
  });

  it('are not quoted in an error', () => {
    expect(betrayed(complaint({ ...SECRET, PORT: 'x' }))).toEqual([]);
    expect(
      betrayed(
        complaint({
          DATABASE_URL: SECRET.DATABASE_URL.replace('postgres', 'mysql'),
          REDIS_URL: SECRET.REDIS_URL.replace('redis:', 'http:'),
          SECRET_KEY: 'sss,ttt',
        }),
      ),
    ).toEqual([]);
  });

  it('fault 22: must be configured for several processes', () => {
    expect(complaint({ DATABASE_URL: SECRET.DATABASE_URL, SECRET_KEY: '' })).toMatch(
      /SECRET_KEY: is required with/,
    );
    expect(load({ DATABASE_URL: SECRET.DATABASE_URL }).secrets.secretKeys).toEqual([KEY]);
  });
});

describe('the two roles of a database', () => {
  const WORKER = 'postgres://worker:hunter2@db/verdict';
  const OWNER = 'postgres://owner:hunter3@db/verdict';

  it('F13: `migrate` reads them without any other secret', () => {
    expect(loadDatabaseSettings({ DATABASE_URL: WORKER, MIGRATE_DATABASE_URL: OWNER })).toMatchObject({
      databaseUrl: WORKER,
      ownerUrl: OWNER,
      queueIsHere: true,
    });
    expect(loadDatabaseSettings({ DATABASE_URL: WORKER, REDIS_URL: 'redis://r' })).toMatchObject({
      ownerUrl: undefined,
      queueIsHere: false,
    });
  });

  it.each([
    [{ DATABASE_URL: '', MIGRATE_DATABASE_URL: OWNER }, /DATABASE_URL: is missing/],
    [{ DATABASE_URL: WORKER, MIGRATE_DATABASE_URL: WORKER }, /MIGRATE_DATABASE_URL: names the role of/],
    [{ DATABASE_URL: 'postgres://db/verdict', MIGRATE_DATABASE_URL: OWNER }, /DATABASE_URL: names no role/],
    [
      { DATABASE_URL: WORKER, MIGRATE_DATABASE_URL: 'mysql://db' },
      /MIGRATE_DATABASE_URL: must be a postgres/,
    ],
  ])('F13: %j is refused by every command, and no password is shown', (env, message) => {
    for (const read of [loadConfig, loadDatabaseSettings]) {
      let said = '';
      try {
        read({ DATA_DIR: dataDir, SECRET_KEY: KEY, ...env });
      } catch (error) {
        said = explain(error);
      }
      expect(said).toMatch(message);
      expect(said).not.toContain('hunter');
    }
  });
});

describe('the generated secret', () => {
  const keyFile = () => path.join(dataDir, 'secret.key');

  it('is stored, readable by its owner only', () => {
    const first = loadConfig({ DATA_DIR: dataDir }).secrets.secretKeys;
    expect(first[0]?.length).toBeGreaterThanOrEqual(43);
    expect(loadConfig({ DATA_DIR: dataDir }).secrets.secretKeys).toEqual(first);
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600);
    expect(readFileSync(keyFile(), 'utf8').trim()).toBe(first[0]);
    rmSync(keyFile());
    expect(loadConfig({ DATA_DIR: dataDir }).secrets.secretKeys).not.toEqual(first);
  });

  it('is not used when a secret is configured', () => {
    loadConfig({ DATA_DIR: dataDir });
    expect(load().secrets.secretKeys).toEqual([KEY]);
  });

  it('is created despite the leftovers of a killed process', () => {
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(path.join(dataDir, `secret.key.${process.pid}`), 'half');
    const { secretKeys } = loadConfig({ DATA_DIR: dataDir }).secrets;
    expect(secretKeys[0]?.length).toBeGreaterThanOrEqual(43);
  });

  it('is the same for all processes that start at once', async () => {
    const children = Array.from({ length: 3 }, () => start('test/helpers/child-secret.ts', [dataDir]));
    try {
      await Promise.all(children.map((child) => child.says('ready')));
      for (const child of children) child.tell('go');
      const said = await Promise.all(children.map(async (child) => (await child.ended).stdout));
      expect(said[0]).toMatch(/^ready\n[\w-]{43}\n$/);
      expect(new Set(said).size).toBe(1);
    } finally {
      for (const child of children) await child[Symbol.asyncDispose]();
    }
  });
});

describe('.env.example', () => {
  const lines = readFileSync(path.join(ROOT, '.env.example'), 'utf8').split('\n');
  const ends = lines.findIndex((line) => line.includes('docker-compose.yml'));

  it('explains every setting once, in the order of the schema, with its default', () => {
    const explained = lines.slice(0, ends).flatMap((line, index) => {
      const match = /^# ([A-Z_]+)=(.*)$/.exec(line);
      if (match === null) return [];
      let from = index;
      while (lines[from - 1]?.startsWith('# ') && !/^# [A-Z_]+=/.test(lines[from - 1] ?? '')) from -= 1;
      const description = lines
        .slice(from, index)
        .map((each) => each.slice(2))
        .join(' ');
      return [{ name: match[1], value: match[2], description }];
    });
    expect(explained).toEqual(documented);
    for (const { description, name } of documented) expect(description, name).toMatch(/^[A-Za-z].+\.$/);
  });

  it('sets nothing, so that a copy of it changes nothing', () => {
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
  });

  it('names the variables of docker-compose.yml, and no other foreign variable', () => {
    const ours = new Set(documented.map(({ name }) => name));
    const named = lines.flatMap((line) => /^# ([A-Z_]+)=/.exec(line)?.[1] ?? []);
    expect(named.filter((name) => !ours.has(name))).toEqual([
      'POSTGRES_PASSWORD',
      'POSTGRES_OWNER_PASSWORD',
      'POSTGRES_WORKER_PASSWORD',
      'NODE_IMAGE',
      'POSTGRES_IMAGE',
      'REDIS_IMAGE',
    ]);
  });

  it('is valid when every line is enabled', () => {
    const env = Object.fromEntries(
      lines.slice(0, ends).flatMap((line) => {
        const match = /^# ([A-Z_]+)=(.*)$/.exec(line);
        return match ? [[match[1], match[2]]] : [];
      }),
    );
    expect(load({ ...env, DATA_DIR: dataDir, SECRET_KEY: KEY })).toEqual(load());
  });
});
