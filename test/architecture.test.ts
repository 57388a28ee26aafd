import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

/**
 * The rules of `.dependency-cruiser.mjs` bite: a small tree with one wrong arrow a file is cruised with the real
 * rules. Whether the real tree obeys them is for `npm run arrows`.
 */

/** Imports that are wrong, and the rules they break. */
const WRONG: Record<string, { code: string; breaks: string[] }> = {
  'src/comparisons/upward.ts': {
    code: "import '../delivery/index.ts';",
    breaks: ['arrow-comparisons'],
  },
  'src/issues/even-as-a-type.ts': {
    code: "import type { A } from '../render/index.ts'; export type B = A;",
    breaks: ['arrow-issues'],
  },
  'src/subscribers/sideways.ts': { code: "import '../issues/index.ts';", breaks: ['arrow-subscribers'] },
  'src/delivery/queueing.ts': {
    code: "import type { A } from '../queue/index.ts'; export type B = A;",
    breaks: ['arrow-delivery'],
  },
  'src/render/serving.ts': { code: "import '../http/index.ts';", breaks: ['arrow-render'] },
  'src/sources/configured.ts': { code: "import '../config/index.ts';", breaks: ['arrow-sources'] },
  'src/http/configured.ts': {
    code: "import type { A } from '../config/index.ts'; export type B = A;",
    breaks: ['arrow-http'],
  },
  'src/config/opening.ts': { code: "import '../db/index.ts';", breaks: ['arrow-config'] },
  'src/issues/composed.ts': { code: "import '../app.ts';", breaks: ['arrow-issues'] },
  'src/db/knowing.ts': { code: "import '../delivery/index.ts';", breaks: ['arrow-db'] },
  'src/http/working.ts': {
    code: "import '../../jobs/send.ts';",
    breaks: ['arrow-http', 'jobs-are-registered-by-the-top'],
  },
  'src/http/opening.ts': { code: "import '../db/index.ts';", breaks: ['adapters-as-types'] },
  'src/delivery/mailing.ts': { code: "import '../mailer/index.ts';", breaks: ['adapters-as-types'] },
  'src/delivery/resending.ts': {
    code: "import type { A } from '../mailer/resend.ts'; export type B = A;",
    breaks: ['arrow-delivery', 'through-the-door'],
  },
  'src/render/burglar.ts': { code: "import '../issues/content.ts';", breaks: ['through-the-door'] },
  'src/burglar.ts': { code: "import './issues/content.ts';", breaks: ['through-the-door-from-outside'] },
  // A cycle is reported once, at its first file: the other half is in RIGHT.
  'src/issues/afterthought.ts': { code: "import './thought.ts';", breaks: ['no-circular'] },
  'src/platform/errors.ts': { code: "import './config/index.ts';", breaks: ['leaves-import-nothing'] },
  'src/restarting.ts': { code: "import './main.ts';", breaks: ['main-is-the-top'] },
  'src/styled.ts': { code: "import '../emails/theme.ts';", breaks: ['emails-are-for-rendering'] },
  'src/tested.ts': { code: "import '../test/helpers/fake.ts';", breaks: ['not-from-test'] },
  'src/lost.ts': { code: "import './nowhere.ts';", breaks: ['resolvable'] },
  'src/tooled.ts': { code: "import 'vitest';", breaks: ['no-dev-dependencies'] },
  'src/sponging.ts': { code: "import 'undeclared';", breaks: ['declared-dependencies'] },
  'jobs/serving.ts': { code: "import '../src/http/index.ts';", breaks: ['jobs-stay-in-the-back'] },
  'emails/running.ts': { code: "import '../src/issues/index.ts';", breaks: ['emails-import-types-only'] },
  'emails/frozen.ts': {
    code: "import '@react-email/components';",
    breaks: ['not-@react-email/components'],
  },
  'emails/parts.ts': { code: "import 'react-email';", breaks: ['vendor-react-email'] },
  'jobs/kysely.ts': { code: "import 'kysely';", breaks: ['vendor-kysely'] },
  'src/delivery/sql.ts': {
    code: "import type { Kysely } from 'kysely'; export type B = Kysely;",
    breaks: ['vendor-kysely'],
  },
  'src/issues/compose.ts': { code: "import 'luxon';", breaks: ['vendor-luxon'] },
  'src/http/limiting.ts': {
    code: "import 'rate-limiter-flexible';",
    breaks: ['vendor-rate-limiter-flexible'],
  },
  'src/http/guessing.ts': {
    code: "import 'fastest-levenshtein';",
    breaks: ['vendor-fastest-levenshtein'],
  },
  'src/http/queues.ts': { code: "import 'bullmq';", breaks: ['vendor-bullmq'] },
  'jobs/redis.ts': { code: "import 'ioredis';", breaks: ['vendor-ioredis'] },
  'src/issues/pglite.ts': {
    code: "import '@electric-sql/pglite/contrib';",
    breaks: ['vendor-@electric-sql/pglite'],
  },
  'src/http/boarding.ts': {
    code: "import '@bull-board/api'; import '@bull-board/fastify';",
    breaks: ['vendor-@bull-board/api', 'vendor-@bull-board/fastify'],
  },
  'src/http/desk/hurrying.ts': { code: "import './board.ts';", breaks: ['loaded-when-asked-for'] },
  'src/delivery/counting.ts': { code: "import 'prom-client';", breaks: ['vendor-prom-client'] },
  'src/desk/keys.ts': {
    code: "import '@simplewebauthn/server';",
    breaks: ['vendor-@simplewebauthn/server'],
  },
  'src/issues/serving.ts': { code: "import 'fastify';", breaks: ['vendor-fastify'] },
};

/** Imports that are right, and break nothing. */
const RIGHT: Record<string, string> = {
  'src/main.ts':
    "import './app.ts'; import '../jobs/index.ts'; import './http/index.ts'; import 'commander';",
  'src/app/app.ts':
    "import './config/index.ts'; import './db/index.ts'; import './mailer/index.ts'; import 'kysely';",
  'src/config/config.ts':
    "import '../issues/index.ts'; import '../sources/index.ts'; import '../lifetime.ts';",
  'src/platform/lifetime.ts': 'export {};',
  'src/comparisons/index.ts': 'export {};',
  'src/sources/gather.ts': "import '../comparisons/index.ts';",
  'src/issues/index.ts': "import '../sources/index.ts'; import './content.ts'; import './slot.ts';",
  'src/issues/content.ts': 'export {};',
  'src/issues/slot.ts': "import 'luxon';",
  'src/issues/thought.ts': "import './afterthought.ts';",
  'src/issues/issue-store.ts': "import type { A } from '../db/index.ts'; import 'kysely'; export type B = A;",
  'src/render/render-variant.ts': "import '../issues/index.ts'; import './react.ts'; export type A = 1;",
  'src/render/react.ts': "import 'react-email'; import '../../emails/primitives.ts';",
  'src/subscribers/index.ts': "import '../lifetime.ts';",
  'src/delivery/index.ts':
    "import '../render/index.ts'; import '../subscribers/index.ts'; import type { A } from '../mailer/index.ts'; export type B = A;",
  'src/mailer/index.ts': "import './resend.ts'; import './outbox.ts'; export type A = 1;",
  'src/providers/resend/resend.ts': "import 'resend'; export type A = 1;",
  'src/providers/outbox/outbox.ts': "import 'nodemailer';",
  'src/platform/db/database.ts': "import 'pg'; import 'kysely'; export type A = 1;",
  'src/platform/queue/job-queue.ts': "import 'bullmq'; import './redis.ts'; export type A = 1;",
  'src/platform/queue/redis.ts': "import 'ioredis';",
  'src/platform/queue/limiter.ts': "import 'rate-limiter-flexible'; import './redis.ts';",
  'src/subscribers/sign-up/reputation.ts': "import 'fastest-levenshtein';",
  'src/app/server.ts':
    "import 'fastify'; import '../delivery/index.ts'; import '../../emails/theme.ts'; import type { A } from '../db/index.ts'; export type B = A;",
  'src/desk/queues/board.ts':
    "import '@bull-board/api/contrib'; import '@bull-board/fastify'; export type A = 1;",
  'src/desk/queues/queue-routes.ts':
    "import type { A } from './board.ts'; export type B = A; export const later = () => import('./board.ts');",
  'src/desk/auth/webauthn.ts': "import '@simplewebauthn/server';",
  'jobs/all-jobs.ts': "import './send.ts';",
  'jobs/send.ts': "import '../src/delivery/index.ts'; import '../src/queue/index.ts';",
  'emails/theme.ts': 'export {};',
  'emails/primitives.ts': "import 'react-email'; import './theme.ts';",
  'emails/digest.ts':
    "import type { A } from '../src/render/index.ts'; import './primitives.ts'; export type B = A;",
  'test/helpers/fake.ts': "import '../../src/issues/slot.ts'; import 'vitest'; import 'pg';",
};

/** A vendor that two files of the right folder name. */
const TWICE = {
  'src/mailer/one.ts': "import 'resend';",
  'src/mailer/another.ts': "import type { Resend } from 'resend'; export type B = Resend;",
};

const PACKAGES = [
  '@bull-board/api',
  '@bull-board/fastify',
  '@electric-sql/pglite',
  '@react-email/components',
  '@simplewebauthn/server',
  'bullmq',
  'commander',
  'fastest-levenshtein',
  'fastify',
  'ioredis',
  'kysely',
  'luxon',
  'nodemailer',
  'pg',
  'prom-client',
  'rate-limiter-flexible',
  'react-email',
  'resend',
];

interface Violation {
  from: string;
  to: string;
  rule: { name: string; severity: string };
}

const root = resolve(import.meta.dirname, '..');
const trees: string[] = [];
afterAll(() => {
  for (const tree of trees) rmSync(tree, { recursive: true, force: true });
});

/** Writes the files with stub packages beside them, cruises them with the real rules, and says what is wrong. */
async function cruise(files: Record<string, string>): Promise<Violation[]> {
  const tree = mkdtempSync(join(tmpdir(), 'arrows-'));
  trees.push(tree);
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    writeFileSync(join(tree, file), text);
  };
  for (const [file, code] of Object.entries(files)) write(file, code);
  for (const name of [...PACKAGES, 'vitest', 'undeclared']) {
    const exports = { '.': './index.js', './contrib': './index.js' };
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', exports }));
    write(`node_modules/${name}/index.js`, 'export {};');
  }
  const dependencies = Object.fromEntries(PACKAGES.map((name) => [name, '*']));
  write('package.json', JSON.stringify({ type: 'module', dependencies, devDependencies: { vitest: '*' } }));
  for (const file of ['tsconfig.json', '.dependency-cruiser.mjs']) cpSync(join(root, file), join(tree, file));

  const cli = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const folders = [...new Set(Object.keys(files).map((file) => file.slice(0, file.indexOf('/'))))];
  const report = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      [cli, '--output-type', 'json', ...folders],
      { cwd: tree, maxBuffer: 64_000_000 },
      (error, stdout, stderr) => {
        // It exits with the number of violations, so only silence is a failure.
        if (stdout === '') reject(new Error(stderr, { cause: error }));
        else resolve(stdout);
      },
    );
  });
  return JSON.parse(report).summary.violations;
}

/** `file → rules`, in a stable order. */
function byFile(violations: readonly Violation[]): Record<string, string[]> {
  const files: Record<string, Set<string>> = {};
  for (const { from, rule } of violations) {
    files[from] ??= new Set();
    files[from].add(rule.name);
  }
  return Object.fromEntries(Object.entries(files).map(([file, rules]) => [file, [...rules].sort()]));
}

let violations: Violation[];
beforeAll(async () => {
  const wrong = Object.fromEntries(Object.entries(WRONG).map(([file, { code }]) => [file, code]));
  violations = await cruise({ ...RIGHT, ...wrong });
}, 60_000);

it('names every wrong arrow and the rule it breaks, and no right one', () => {
  const oneVendorRules = (name: string) => !name.endsWith('-in-one-file');
  const expected = Object.entries(WRONG).map(([file, { breaks }]) => [file, [...breaks].sort()]);
  expect(byFile(violations.filter(({ rule }) => oneVendorRules(rule.name)))).toEqual(
    Object.fromEntries(expected),
  );
});

it('treats every wrong arrow as an error, so that the check fails', () => {
  expect(new Set(violations.map(({ rule }) => rule.severity))).toEqual(new Set(['error']));
});

it('finds a vendor that is named in two files of the right folder', async () => {
  const names = (await cruise(TWICE)).map(({ rule }) => rule.name);
  expect(new Set(names)).toEqual(new Set(['vendor-resend-in-one-file']));
});
