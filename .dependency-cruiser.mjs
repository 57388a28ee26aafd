/**
 * What may import what. `npm run arrows` fails on a wrong arrow, and `test/architecture.test.ts` proves that each of
 * these rules bites.
 *
 * A feature imports the platform and the features above its own line in FEATURES, never one below. To add a feature, add
 * a line; to let another folder use a vendor, change VENDORS.
 */

/** From the bottom to the top. What stands on one line imports only what stands before it. */
const FEATURES = [
  'platform',
  'notices',
  'providers',
  'transactional',
  'subscribers',
  'comparisons',
  'sources',
  'issues',
  'render',
  'archive',
  'sending',
  'config',
  // These three are neighbours: none of them imports another.
  'workflow|api|desk',
  'app',
  'cli',
];

/** Where a package may be named: one folder, so that replacing it is a change in that folder. */
const VENDORS = {
  'resend|standardwebhooks': 'src/providers/resend/',
  nodemailer: 'src/providers/outbox/',
  'bullmq|ioredis|rate-limiter-flexible': 'src/platform/queue/',
  'pg|@electric-sql/pglite': 'src/platform/db/',
  mjml: 'src/render/',
  'react-email': '(?:src/render/|emails/primitives)',
  luxon: 'src/issues/',
  '@bull-board/api|@bull-board/fastify': 'src/desk/queues/',
  '@simplewebauthn/server': 'src/desk/auth/',
  'prom-client': 'src/platform/http/',
  commander: 'src/(?:main|cli/)',
  'fastest-levenshtein': 'src/subscribers/',
  feedsmith: 'src/(?:sources|archive)/',
};

/** The readers of what comes from outside: nothing runs them but the thread. */
const IN_THREAD = '^src/sources/(?:parse/|listing/(?:feed|sitemap|allowed-entries)\\.ts$)';

const OURS = '^(?:src|jobs|emails)/';
const packagePath = (names) =>
  `(?:^|/node_modules/|^node_modules/)(?:${names.replace(/[/.]/g, '\\$&')})(?:/|$)`;
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

export default {
  forbidden: [
    ...FEATURES.map((feature, at) =>
      rule(
        'feature-order',
        `src/${feature} is imported by what comes after it in FEATURES, and by nothing before it.`,
        { path: `^src/(${feature})/` },
        {
          path: `^(?:src/(?:${[feature, ...FEATURES.slice(at + 1)].join('|')}|main\\.ts)|jobs)(?:/|$)`,
          pathNot: feature === 'app' || feature === 'cli' ? '^(?:src/$1/|jobs/)' : '^src/$1/',
        },
      ),
    ),
    rule(
      'rules-take-arguments',
      'A rule of the domain knows no queue and no server: routes, pages and stores do, and hand it what it needs.',
      {
        path: '^src/(?:transactional|subscribers|comparisons|sources|issues|render|archive|sending)/',
        pathNot: '(?:-routes|-page|-form|-store)\\.tsx?$|/pages/|/step-up/|/reader-link\\.ts$',
      },
      { path: '^src/platform/(?:queue|http)/', dependencyTypesNot: ['type-only'] },
    ),
    rule(
      'sql-in-stores',
      'SQL stands in a store, and the driver behind it in src/platform/db.',
      { path: OURS, pathNot: '^src/(?:platform/db/.+|.+-store)\\.ts$' },
      { path: packagePath('kysely') },
    ),
    ...Object.entries(VENDORS).map(([names, folder]) =>
      rule(
        'vendor-in-one-folder',
        `${names.replaceAll('|', ', ')}: only in ${folder}`,
        { path: OURS, pathNot: `^${folder}` },
        { path: packagePath(names) },
      ),
    ),
    rule(
      'emails-import-types-only',
      'An email is a function of its content: it may name our types, never run our code. The golden issue is content.',
      { path: '^emails/', pathNot: '^emails/golden-issue\\.ts$' },
      { path: '^(?:src|jobs)/', dependencyTypesNot: ['type-only'] },
    ),
    rule(
      'test-is-for-tests',
      'Nothing but a test imports from test/; only the bench starts the same throw-away services.',
      { pathNot: '^(?:test|bench)/' },
      { path: '^test/' },
    ),
    rule(
      'read-in-the-thread',
      'What takes apart what comes from outside runs in a thread: ask it by read() of thread.ts (docs/adr/0016).',
      { path: '^(?:src|jobs)/', pathNot: `^src/sources/thread/|${IN_THREAD}` },
      {
        path: `^src/sources/thread/readers\\.ts$|${IN_THREAD}`,
        // Shapes of values, which take no time.
        pathNot: '^src/sources/parse/values\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    ),
    rule(
      'loaded-when-asked-for',
      'The board of the queues is heavy: it is imported when somebody opens it, and never at the start.',
      {},
      { path: '^src/desk/queues/board\\.ts$', dependencyTypesNot: ['dynamic-import', 'type-only'] },
    ),
    rule(
      'no-circles',
      'Two files that need each other are one file, or have a third one inside.',
      {},
      { circular: true },
    ),
    rule(
      'declared-dependencies',
      'What is imported is there, and in package.json; what runs in production is in "dependencies".',
      { path: OURS },
      {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown'],
        dependencyTypesNot: ['type-only'],
      },
    ),
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    // Type-only imports are arrows too.
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
