/**
 * The arrows of ARCHITECTURE.md as rules; `npm run arrows` fails on a wrong one, and
 * `test/architecture.test.ts` proves that each of them bites.
 *
 *   main → app | jobs | http → delivery → render → issues → sources → comparisons
 *                              delivery → subscribers
 *                         http → desk → issues | subscribers
 *
 * To add a module, add a line to MODULES. To add a dependency that only one place should know, add a line to
 * VENDORS.
 */

/** What a module under `src/` may import, besides itself and the LEAVES. What is not listed is forbidden. */
const MODULES = {
  comparisons: [],
  transactional: [],
  subscribers: ['transactional'],
  sources: ['comparisons'],
  issues: ['sources', 'comparisons'],
  render: ['issues', 'comparisons', 'transactional'],
  delivery: ['render', 'issues', 'sources', 'comparisons', 'subscribers', 'transactional'],
  desk: ['issues', 'subscribers', 'transactional'],
  config: ['desk', 'issues', 'sources'],
  mailer: [],
  queue: [],
  db: [],
  http: [
    'desk',
    'delivery',
    'render',
    'issues',
    'sources',
    'comparisons',
    'subscribers',
    'transactional',
    'queue',
  ],
};

/** The domain: it takes what it needs as arguments, so it names adapters only as types. */
const DOMAIN = [
  'comparisons',
  'transactional',
  'subscribers',
  'sources',
  'issues',
  'render',
  'delivery',
  'desk',
];

/** Small files that everybody may import, because they import nothing of ours. */
const LEAVES = ['errors', 'failpoint', 'lifetime', 'private-folder', 'url'];

/** Doors that may be named by type (`import type`) from below: the shape of a connection, of a mailer. */
const TYPE_DOORS = { from: [...DOMAIN, 'queue', 'http'], to: ['db', 'mailer'] };

/**
 * Each vendor's package is named in one file (`file`), or at least in one place (`place`), so that changing or
 * replacing it is a change in that place.
 */
const VENDORS = {
  resend: { file: 'src/mailer/[^/]+\\.ts' },
  nodemailer: { file: 'src/mailer/[^/]+\\.ts' },
  bullmq: { place: 'src/queue/[^/]+\\.ts' },
  ioredis: { file: 'src/queue/[^/]+\\.ts' },
  'rate-limiter-flexible': { file: 'src/queue/[^/]+\\.ts' },
  'fastest-levenshtein': { file: 'src/subscribers/.+\\.ts' },
  pg: { file: 'src/db/[^/]+\\.ts' },
  '@electric-sql/pglite': { file: 'src/db/[^/]+\\.ts' },
  // SQL lives in the stores; the composition root builds the one instance.
  kysely: { place: '(?:src/db/.+|src/.+/store|src/app)\\.ts' },
  mjml: { file: 'src/render/[^/]+\\.ts' },
  'react-email': { place: '(?:emails/primitives|src/render/react)\\.tsx?' },
  luxon: { file: 'src/issues/slot\\.ts' },
  fastify: { place: 'src/http/.+\\.tsx?' },
  '@bull-board/api': { file: 'src/http/desk/board\\.ts' },
  '@bull-board/fastify': { file: 'src/http/desk/board\\.ts' },
  'prom-client': { file: 'src/http/metrics\\.ts' },
  // Loaded when a passkey is first used.
  '@simplewebauthn/server': { file: 'src/desk/passkeys/webauthn\\.ts' },
  commander: { place: 'src/(?:main|cli/.+)\\.ts' },
};

/** React Email 5 components: frozen, see docs/adr/0003. */
const FORBIDDEN_PACKAGES = ['@react-email/components'];

const any = (names) => `(?:${names.join('|')})`;
const escaped = (name) => name.replace(/[/\-.]/g, '\\$&');
/** Resolved, hoisted, nested or not installed: all the ways a package's path can look. */
const packagePath = (name) => `(?:^|/node_modules/|^node_modules/)${escaped(name)}(?:/|$)`;
const CODE = '^(?:src|jobs|emails)/';

const arrows = Object.entries(MODULES).map(([module, below]) => ({
  name: `arrow-${module}`,
  comment: `src/${module} may import ${below.length > 0 ? below.map((name) => `src/${name}`).join(', ') : 'no other module'}.`,
  severity: 'error',
  from: { path: `^src/${module}/` },
  to: {
    path: '^(?:src|jobs)/',
    pathNot: [
      `^src/${any([module, ...below])}/`,
      `^src/${any(LEAVES)}\\.ts$`,
      // Whether this is a type is the next rule's business.
      ...(TYPE_DOORS.from.includes(module) ? [`^src/${any(TYPE_DOORS.to)}/index\\.ts$`] : []),
    ],
  },
}));

const vendors = Object.entries(VENDORS).flatMap(([name, { file, place }]) => [
  {
    name: `vendor-${name}`,
    comment: `${name} may only be named in ${file ?? place}.`,
    severity: 'error',
    from: { path: CODE, pathNot: `^${file ?? place}$` },
    to: { path: packagePath(name) },
  },
  ...(file
    ? [
        {
          name: `vendor-${name}-in-one-file`,
          comment: `${name} is named in more than one file.`,
          severity: 'error',
          module: { path: packagePath(name), numberOfDependentsMoreThan: 1 },
          from: { path: CODE },
        },
      ]
    : []),
]);

export default {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Two files that need each other are one file, or have a third one inside.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'through-the-door',
      comment: 'A module is entered from outside through its index.ts.',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/[^/]+/', pathNot: ['^src/$1/', '^src/[^/]+/index\\.ts$'] },
    },
    {
      name: 'through-the-door-from-outside',
      comment: 'A module is entered from outside through its index.ts.',
      severity: 'error',
      from: { path: '^(?:src/[^/]+$|jobs/|emails/|bench/)' },
      to: { path: '^src/[^/]+/', pathNot: '^src/[^/]+/index\\.ts$' },
    },
    ...arrows,
    {
      name: 'adapters-as-types',
      comment: `Only the type of ${TYPE_DOORS.to.join(' or ')} may be named here: the thing itself comes as an argument.`,
      severity: 'error',
      from: { path: `^src/${any(TYPE_DOORS.from)}/` },
      to: { path: `^src/${any(TYPE_DOORS.to)}/`, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'leaves-import-nothing',
      comment: 'What everybody imports must not import anybody.',
      severity: 'error',
      from: { path: `^src/${any(LEAVES)}\\.ts$` },
      to: { path: '^(?:src|jobs|emails)/', pathNot: `^src/${any(LEAVES)}\\.ts$` },
    },
    {
      name: 'main-is-the-top',
      comment:
        'The process imports everything; nothing imports the process. Tests call its commands by one helper.',
      severity: 'error',
      from: { pathNot: '^(?:src/(?:main\\.ts|cli/)|test/helpers/command\\.ts)' },
      to: { path: '^src/(?:main\\.ts|cli/)' },
    },
    {
      name: 'jobs-are-registered-by-the-top',
      comment: 'Processors belong to the worker; who enqueues imports the contracts of src/queue.',
      severity: 'error',
      from: { pathNot: '^(?:jobs/|src/(?:main|app)\\.ts|src/cli/|test/|bench/)' },
      to: { path: '^jobs/' },
    },
    {
      name: 'jobs-stay-in-the-back',
      comment: 'A job knows neither the web server nor the adapters.',
      severity: 'error',
      from: { path: '^jobs/' },
      to: { path: '^src/(?:http|db|mailer)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'emails-import-types-only',
      comment: 'An email is a function of its content: it may name our types, never run our code.',
      severity: 'error',
      from: { path: '^emails/' },
      to: { path: '^(?:src|jobs)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'emails-are-for-rendering',
      comment: 'Templates are rendered in src/render; public pages share their theme.',
      severity: 'error',
      from: { path: '^(?:src|jobs)/', pathNot: '^src/(?:render|http)/' },
      to: { path: '^emails/' },
    },
    {
      name: 'loaded-when-asked-for',
      comment:
        'The board of the queues is heavy: it is imported when somebody opens it, and never at the start.',
      severity: 'error',
      from: {},
      to: {
        path: '^src/http/desk/board\\.ts$',
        dependencyTypesNot: ['dynamic-import', 'type-only'],
      },
    },
    {
      name: 'not-from-test',
      comment: 'Nothing but a test imports from test/; only the bench starts the same throw-away services.',
      severity: 'error',
      from: { pathNot: '^(?:test|bench)/' },
      to: { path: '^test/' },
    },
    {
      name: 'bench-is-no-test',
      comment: 'The bench shares with the tests how services are started, and nothing else.',
      severity: 'error',
      from: { path: '^bench/' },
      to: { path: '^test/', pathNot: '^test/helpers/services\\.ts$' },
    },
    {
      name: 'no-dev-dependencies',
      comment: 'What runs in production is in "dependencies".',
      severity: 'error',
      from: { path: CODE },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'declared-dependencies',
      comment: 'What is imported is in package.json, not there by somebody else’s grace.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    ...FORBIDDEN_PACKAGES.map((name) => ({
      name: `not-${name}`,
      comment: `${name} is not used here: see docs/adr/0003.`,
      severity: 'error',
      from: {},
      to: { path: packagePath(name) },
    })),
    ...vendors,
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
