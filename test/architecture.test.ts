import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

/**
 * The rules of `.dependency-cruiser.mjs` bite: a small tree with one wrong arrow a file is cruised with the real
 * rules. Whether the real tree obeys them is for `npm run arrows`.
 */

/** Imports that are wrong, and the rule each breaks. */
const WRONG: Record<string, { code: string; breaks: string }> = {
  'src/comparisons/upward.ts': { code: "import '../sending/submit.ts';", breaks: 'feature-order' },
  'src/issues/even-as-a-type.ts': {
    code: "import type { A } from '../render/react.ts'; export type B = A;",
    breaks: 'feature-order',
  },
  'src/platform/knowing.ts': { code: "import '../issues/slot.ts';", breaks: 'feature-order' },
  'src/sources/configured.ts': { code: "import '../config/config.ts';", breaks: 'feature-order' },
  'src/api/sideways.ts': { code: "import '../desk/desk-routes.ts';", breaks: 'feature-order' },
  'src/desk/working.ts': { code: "import '../../jobs/all-jobs.ts';", breaks: 'feature-order' },
  'src/workflow/composed.ts': { code: "import '../app/app.ts';", breaks: 'feature-order' },
  'src/app/commanding.ts': { code: "import '../cli/program.ts';", breaks: 'feature-order' },
  'src/cli/restarting.ts': { code: "import '../main.ts';", breaks: 'feature-order' },
  'src/sending/queueing.ts': {
    code: "import '../platform/queue/job-queue.ts';",
    breaks: 'rules-take-arguments',
  },
  'src/issues/serving.ts': { code: "import '../platform/http/resource.ts';", breaks: 'rules-take-arguments' },
  'jobs/kysely.ts': { code: "import 'kysely';", breaks: 'sql-in-stores' },
  'src/sending/sql.ts': {
    code: "import type { Kysely } from 'kysely'; export type B = Kysely;",
    breaks: 'sql-in-stores',
  },
  'src/sending/resending.ts': { code: "import 'resend';", breaks: 'vendor-in-one-folder' },
  'src/api/verifying.ts': { code: "import 'standardwebhooks';", breaks: 'vendor-in-one-folder' },
  'src/desk/queues.ts': { code: "import 'bullmq';", breaks: 'vendor-in-one-folder' },
  'src/issues/pglite.ts': { code: "import '@electric-sql/pglite/contrib';", breaks: 'vendor-in-one-folder' },
  'src/desk/boarding.ts': { code: "import '@bull-board/fastify';", breaks: 'vendor-in-one-folder' },
  'emails/parts.ts': { code: "import 'react-email';", breaks: 'vendor-in-one-folder' },
  'emails/running.ts': { code: "import '../src/issues/slot.ts';", breaks: 'emails-import-types-only' },
  'src/sources/impatient.ts': { code: "import './parse/page.ts';", breaks: 'read-in-the-thread' },
  'src/cli/tested.ts': { code: "import '../../test/helpers/fake.ts';", breaks: 'test-is-for-tests' },
  'src/desk/queues/hurrying.ts': { code: "import './board.ts';", breaks: 'loaded-when-asked-for' },
  // A circle is reported once, at its first file: the other half is in RIGHT.
  'src/issues/afterthought.ts': { code: "import './thought.ts';", breaks: 'no-circles' },
  'src/cli/lost.ts': { code: "import './nowhere.ts';", breaks: 'declared-dependencies' },
  'src/cli/tooled.ts': { code: "import 'vitest';", breaks: 'declared-dependencies' },
  'src/cli/sponging.ts': { code: "import 'undeclared';", breaks: 'declared-dependencies' },
};

/** Imports that are right, and break nothing. */
const RIGHT: Record<string, string> = {
  'src/main.ts': "import './cli/program.ts';",
  'src/cli/program.ts': "import '../app/app.ts'; import '../../jobs/all-jobs.ts'; import 'commander';",
  'src/app/app.ts':
    "import '../config/config.ts'; import '../platform/db/database.ts'; import '../desk/desk-routes.ts';",
  'src/config/config.ts': "import '../issues/slot.ts'; import '../platform/lifetime.ts';",
  'src/platform/lifetime.ts': 'export {};',
  'src/platform/db/database.ts':
    "import 'pg'; import '@electric-sql/pglite'; import 'kysely'; export type A = 1;",
  'src/platform/queue/job-queue.ts':
    "import 'bullmq'; import 'ioredis'; import '../lifetime.ts'; export type A = 1;",
  'src/platform/http/resource.ts': 'export {};',
  'src/sources/parse/page.ts': 'export {};',
  'src/sources/patient.ts': "import type { A } from './parse/page.ts'; export type B = A;",
  'src/issues/slot.ts': "import 'luxon'; import '../platform/lifetime.ts';",
  'src/issues/thought.ts': "import './afterthought.ts';",
  'src/issues/issue-store.ts':
    "import type { A } from '../platform/db/database.ts'; import 'kysely'; export type B = A;",
  'src/render/react.ts':
    "import 'react-email'; import '../../emails/primitives.ts'; import '../issues/slot.ts'; export type A = 1;",
  'src/sending/submit.ts':
    "import '../render/react.ts'; import type { A } from '../platform/queue/job-queue.ts'; export type B = A;",
  'src/sending/webhook-routes.ts': "import '../platform/http/resource.ts'; import 'fastify';",
  'src/providers/resend/resend.ts': "import 'resend'; import 'standardwebhooks';",
  'src/desk/desk-routes.ts': "import '../sending/submit.ts'; import './queues/queue-routes.ts';",
  'src/desk/queues/board.ts':
    "import '@bull-board/api/contrib'; import '@bull-board/fastify'; export type A = 1;",
  'src/desk/queues/queue-routes.ts':
    "import type { A } from './board.ts'; export type B = A; export const later = () => import('./board.ts');",
  'jobs/all-jobs.ts': "import './submit-job.ts';",
  'jobs/submit-job.ts': "import '../src/sending/submit.ts'; import '../src/app/app.ts';",
  'emails/theme.ts': 'export {};',
  'emails/primitives.ts': "import 'react-email'; import './theme.ts';",
  'emails/digest.ts':
    "import type { A } from '../src/render/react.ts'; import './primitives.ts'; export type B = A;",
  'test/helpers/fake.ts': "import '../../src/issues/slot.ts'; import 'vitest'; import 'pg';",
};

const PACKAGES = [
  '@bull-board/api',
  '@bull-board/fastify',
  '@electric-sql/pglite',
  'bullmq',
  'commander',
  'fastify',
  'ioredis',
  'kysely',
  'luxon',
  'pg',
  'react-email',
  'resend',
  'standardwebhooks',
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
  const expected = Object.entries(WRONG).map(([file, { breaks }]) => [file, [breaks]]);
  expect(byFile(violations)).toEqual(Object.fromEntries(expected));
});

it('treats every wrong arrow as an error, so that the check fails', () => {
  expect(new Set(violations.map(({ rule }) => rule.severity))).toEqual(new Set(['error']));
});

it('has at most ten rules, and each of them is broken by a test', async () => {
  const { default: config } = await import(pathToFileURL(join(root, '.dependency-cruiser.mjs')).href);
  const names = new Set(config.forbidden.map(({ name }: { name: string }) => name));
  expect(names.size).toBeLessThanOrEqual(10);
  expect(new Set(Object.values(WRONG).map(({ breaks }) => breaks))).toEqual(names);
});

// A connection comes as an argument, so no import tells who talks to the database.
it('has no SQL outside of stores', () => {
  const offenders = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/u.test(file) && !/-store\.ts$|^platform\/db\//u.test(file))
    .filter((file) =>
      /\bsql(?:<[^`]*>)?`|\.(?:selectFrom|insertInto|updateTable|deleteFrom)\(/u.test(
        readFileSync(join(root, 'src', file), 'utf8'),
      ),
    );
  expect(offenders).toEqual([]);
});
