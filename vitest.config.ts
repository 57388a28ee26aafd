import { defineConfig } from 'vitest/config';
import { noBrowser } from './test/helpers/browser.ts';

/**
 * Five projects, told apart by the file's name, run one after the other (`groupOrder`):
 *
 * - `unit`      pure and fast, all cores; its files share what they import;
 * - `mocked`    the same for files that mock a module, which have to import everything anew;
 * - `embedded`  PGlite in the test process, two at a time, because each takes most of 1 GB; its files share what they
 *               import and the compiled PGlite, which take seconds;
 * - `services`  a throw-away PostgreSQL and Redis shared by the whole project: each file has databases of its own in
 *               both, and mostly waits, so two at a time;
 * - `browser`   the system's Chromium, two at a time.
 *
 * `extends: true` is what lets a project see the options of the root.
 */
/** V8's quick compiler for WebAssembly: the better one costs PGlite more than it gains in the minutes of a test run. */
const QUICK_PGLITE = ['--liftoff-only'];

export default defineConfig({
  oxc: { jsx: { development: false } },
  test: {
    pool: 'forks',
    // React as in production: its development build takes four times as long to render an issue.
    env: { NODE_ENV: 'production' },
    setupFiles: ['./test/helpers/seed.ts'],
    reporters: ['default', './test/helpers/totals.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          isolate: false,
          include: ['test/**/*.test.{ts,tsx}'],
          exclude: ['**/node_modules/**', 'test/**/*.{embedded,services,browser,mocked}.test.{ts,tsx}'],
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'mocked',
          include: ['test/**/*.mocked.test.{ts,tsx}'],
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'embedded',
          isolate: false,
          execArgv: QUICK_PGLITE,
          include: ['test/**/*.embedded.test.{ts,tsx}'],
          globalSetup: ['test/helpers/made-database.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'services',
          isolate: false,
          include: ['test/**/*.services.test.{ts,tsx}'],
          globalSetup: ['test/helpers/services.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          isolate: false,
          execArgv: QUICK_PGLITE,
          provide: { servicesMissing: noBrowser ?? '' },
          include: ['test/**/*.browser.test.{ts,tsx}'],
          globalSetup: ['test/helpers/made-database.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
