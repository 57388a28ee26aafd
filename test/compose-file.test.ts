import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DCLinter } from 'dclint';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { loadConfig } from '../src/config/config.ts';
import { settingsSchema } from '../src/config/settings.ts';
import { runCommand } from './helpers/command.ts';

/**
 * `docker-compose.yml` and `Dockerfile` are read, not run: tests must pass where there is no Docker. The Compose
 * file is validated against the JSON schema of the Compose specification (dclint carries it), then against what
 * this project promises its operator.
 */

const root = resolve(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

const healthcheck = z.object({
  test: z.array(z.string()).min(1).optional(),
  disable: z.boolean().optional(),
});
const service = z.object({
  image: z.string(),
  init: z.boolean().optional(),
  restart: z.string(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: healthcheck.optional(),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  stop_grace_period: z.string(),
  read_only: z.boolean().default(false),
  tmpfs: z.array(z.string()).default([]),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  networks: z.array(z.string()),
  env_file: z.undefined({ error: 'would give every secret to it' }).optional(),
  build: z.object({ args: z.record(z.string(), z.string()) }).optional(),
});
const composeText = read('docker-compose.yml');
const compose = z
  .object({
    services: z.object({
      postgres: service,
      redis: service.extend({ environment: service.shape.environment.default({}) }),
      migrate: service,
      web: service,
      worker: service,
    }),
    volumes: z.record(z.string(), z.unknown()),
    networks: z.record(z.string(), z.object({ internal: z.boolean() }).nullable()),
  })
  .parse(parse(composeText, { merge: true }));
const { services } = compose;
const ours = { migrate: services.migrate, web: services.web, worker: services.worker };

const dockerfile = read('Dockerfile')
  .replaceAll(/\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
/** The arguments of an instruction in the last stage, which is the image. */
const instructions = (name: string) =>
  dockerfile
    .slice(dockerfile.findLastIndex((line) => line.startsWith('FROM ')))
    .filter((line) => line.startsWith(`${name} `))
    .map((line) => line.slice(name.length + 1));

const results = z.array(z.object({ messages: z.array(z.object({ rule: z.string(), message: z.string() })) }));

/** What the schema and the rules worth having find in a Compose file, as `rule: message`. */
function lint(file: string): string[] {
  const linter = new DCLinter({
    rules: {
      'no-unbound-port-interfaces': 2,
      'no-version-field': 2,
      'require-project-name-field': 2,
      'require-quotes-in-ports': 2,
      'service-image-require-explicit-tag': 2,
      'no-duplicate-exported-ports': 2,
      'no-quotes-in-volumes': 2,
      // One image is built once and runs in every role, so it has a name.
      'no-build-and-image': 0,
      // Order is for the reader here, not for the alphabet.
      'service-keys-order': 0,
      'service-dependencies-alphabetical-order': 0,
      'services-alphabetical-order': 0,
      'top-level-properties-order': 0,
    },
    quiet: false,
    debug: false,
    exclude: [],
  });
  return results
    .parse(linter.lintFiles([file], false))
    .flatMap(({ messages }) => messages.map(({ rule, message }) => `${rule}: ${message}`));
}

describe('docker-compose.yml', () => {
  const dir = mkdtempSync(join(tmpdir(), 'compose-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('is valid by the schema of the Compose specification', () => {
    expect(lint(join(root, 'docker-compose.yml'))).toEqual([]);
  });

  it.each([
    ['a key that does not exist', 'stop_grace_period: 45s', 'stop_grace: 45s'],
    ['a condition that does not exist', 'condition: service_healthy', 'condition: service_ready'],
    ['a health check that is not one', 'start_period: 30s', 'start_period: [30s]'],
  ])('would not be with %s', (_, from, to) => {
    const broken = join(dir, 'docker-compose.yml');
    writeFileSync(broken, composeText.replaceAll(from, to));
    expect(lint(broken).join()).toContain('invalid-schema');
  });

  it('runs one image in every role, with an init and time to finish', () => {
    for (const role of Object.values(ours)) {
      expect(role.image).toBe(services.web.image);
      expect(role.init).toBe(true);
      expect(role.volumes).toContain('data:/data');
      expect(role.stop_grace_period).toMatch(/^[1-9]\d+s$/);
    }
    expect(Object.keys(compose.volumes).sort()).toEqual(['data', 'postgres', 'redis']);
  });

  it('has a Redis that keeps what BullMQ gives it', () => {
    const flags = services.redis.command?.join(' ');
    expect(flags).toContain('--appendonly yes');
    expect(flags).toContain('--maxmemory-policy noeviction');
  });

  it('starts a role when the database is migrated and the services are healthy', () => {
    for (const role of [services.web, services.worker]) {
      expect(role.depends_on).toEqual({
        migrate: { condition: 'service_completed_successfully' },
        postgres: { condition: 'service_healthy' },
        redis: { condition: 'service_healthy' },
      });
    }
    expect(services.migrate.restart).toBe('no');
  });

  it('checks the health of everything that stays up', () => {
    expect(instructions('HEALTHCHECK').join()).toContain('/healthz');
    for (const [name, { image, healthcheck }] of Object.entries(services)) {
      if (name === 'migrate') expect(healthcheck?.disable).toBe(true);
      else if (image === services.web.image) expect(healthcheck, 'the image has its own').toBeUndefined();
      else expect(healthcheck?.test?.length, name).toBeGreaterThan(0);
    }
  });

  it('publishes nothing but the web role, and that on loopback', () => {
    const published = Object.entries(services).flatMap(([name, { ports }]) =>
      ports.map((port) => `${name} ${port}`),
    );
    expect(published).toHaveLength(1);
    expect(published[0]).toMatch(/^web 127\.0\.0\.1:/);
  });

  it('refuses to start without its secrets, and says what to set', () => {
    for (const name of [
      'SECRET_KEY',
      'POSTGRES_PASSWORD',
      'POSTGRES_OWNER_PASSWORD',
      'POSTGRES_WORKER_PASSWORD',
    ]) {
      const uses = composeText.match(new RegExp(`\\$\\{${name}[^}]*\\}`, 'g')) ?? [];
      expect(uses.length).toBeGreaterThan(0);
      for (const use of uses) expect(use).toMatch(new RegExp(`^\\$\\{${name}:\\?set ${name} in \\.env`));
    }
  });

  it('names no setting that .env.example does not explain', () => {
    const explained = new Set(
      [...read('.env.example').matchAll(/^#? ?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name),
    );
    const interpolated = [...composeText.matchAll(/\$\{([A-Z][A-Z0-9_]*)/g)].map(([, name]) => name);
    const given = Object.values(ours).flatMap(({ environment }) => Object.keys(environment));
    expect([...new Set([...interpolated, ...given])].filter((name) => !explained.has(name))).toEqual([]);
  });

  /** Secrets that only the processes that use them may have; the type of `Secrets` says so for most. */
  const SECRETS = [
    'DATABASE_URL',
    'MIGRATE_DATABASE_URL',
    'REDIS_URL',
    'SECRET_KEY',
    'API_TOKEN',
    'METRICS_TOKEN',
    'RESEND_API_KEY',
    'RESEND_WEBHOOK_SECRET',
    'TURNSTILE_SECRET_KEY',
    'HEARTBEAT_URL',
  ];

  it('F20: gives each container the secrets that it uses, and no other', () => {
    const { secrets } = loadConfig({ SECRET_KEY: 'k'.repeat(32) });
    expect(SECRETS, 'a new secret needs a place in the Compose file').toHaveLength(
      Object.keys(secrets).length + 1,
    );
    const given = (role: keyof typeof ours) =>
      Object.keys(ours[role].environment)
        .filter((name) => SECRETS.includes(name))
        .sort();
    const both = ['DATABASE_URL', 'METRICS_TOKEN', 'REDIS_URL', 'SECRET_KEY'];
    expect(given('web')).toEqual(
      [...both, 'API_TOKEN', 'RESEND_WEBHOOK_SECRET', 'TURNSTILE_SECRET_KEY'].sort(),
    );
    expect(given('worker')).toEqual([...both, 'HEARTBEAT_URL', 'RESEND_API_KEY'].sort());
    expect(given('migrate')).toEqual(['DATABASE_URL', 'MIGRATE_DATABASE_URL', 'REDIS_URL']);
    expect(new URL(ours.migrate.environment.DATABASE_URL ?? '').password).toBe('');
  });

  it('F20: keeps the passwords of the owner and of the superuser from what serves readers', () => {
    for (const role of ['web', 'worker'] as const) {
      const text = JSON.stringify(ours[role]);
      expect(text).not.toMatch(/POSTGRES_(?:OWNER_)?PASSWORD/);
      expect(ours[role].environment.DATABASE_URL).toMatch(/^postgres:\/\/verdict_worker:/);
    }
    expect(JSON.stringify(ours.migrate)).not.toMatch(/POSTGRES_(?:WORKER_)?PASSWORD/);
    expect(JSON.stringify(services.redis)).not.toMatch(/PASSWORD|SECRET|TOKEN/);
  });

  it('F20: gives every setting that is no secret to those who serve and those who work', () => {
    const forWebAlone = ['TURNSTILE_SITE_KEY', 'TURNSTILE_URL'];
    for (const role of ['web', 'worker'] as const) {
      const missing = Object.keys(settingsSchema.shape).filter(
        (name) =>
          !(name in ours[role].environment) &&
          !SECRETS.includes(name) &&
          !(role === 'worker' && forWebAlone.includes(name)),
      );
      expect(missing, `settings of ${role} that x-settings of docker-compose.yml lacks`).toEqual([]);
    }
  });

  it('F20: lets no container of ours write, gain or keep a power that it does not use', () => {
    for (const [name, role] of Object.entries(ours)) {
      expect(role.read_only, name).toBe(true);
      expect(role.cap_drop, name).toEqual(['ALL']);
      expect(role.security_opt, name).toContain('no-new-privileges:true');
      expect(role.volumes, name).toEqual(['data:/data']);
      expect(role.tmpfs.join(), name).toMatch(/^\/tmp:.*noexec,nosuid,nodev$/);
    }
    for (const service of Object.values(services))
      expect(service.security_opt).toContain('no-new-privileges:true');
  });

  it('F20: keeps the database and the queue on a network that leads nowhere', () => {
    expect(compose.networks.services?.internal).toBe(true);
    for (const name of ['postgres', 'redis', 'migrate'] as const)
      expect(services[name].networks).toEqual(['services']);
  });

  it('F20: makes the two roles of the database, by files that are there', () => {
    const { volumes, environment } = services.postgres;
    for (const volume of volumes.filter((each) => each.startsWith('./')))
      expect(existsSync(join(root, volume.split(':')[0] ?? '')), volume).toBe(true);
    expect(volumes.join()).toContain(':/docker-entrypoint-initdb.d/roles.sh:ro');
    const script = read('deploy/postgres/roles.sh');
    for (const name of ['POSTGRES_OWNER_PASSWORD', 'POSTGRES_WORKER_PASSWORD']) {
      expect(environment[name]).toBeDefined();
      expect(script).toContain(name);
      expect(read('deploy/postgres/roles.sql')).toContain(name);
    }
    const [, target = ''] = /\.\/deploy\/postgres\/roles\.sql:([^:]+):ro/.exec(volumes.join()) ?? [];
    expect(script).toContain(target);
  });

  it('F20: lets every image be pinned by its digest', () => {
    for (const [name, { image }] of Object.entries(services))
      if (!(name in ours)) expect(image).toMatch(/^\$\{[A-Z]+_IMAGE:-/);
    for (const role of Object.values(ours)) expect(role.build?.args.NODE_IMAGE).toMatch(/^\$\{NODE_IMAGE:-/);
  });

  it('runs commands that the command line has', async () => {
    const help = (command: readonly string[]) => runCommand([...command, '--help'], {});
    const commands = Object.values(ours).map(({ command }) => command ?? []);
    expect(commands).toEqual([['migrate'], ['serve', '--role', 'web'], ['serve', '--role', 'worker']]);
    const [migrate, web, worker] = await Promise.all(commands.map(help));
    expect(migrate?.stdout).toMatch(/Usage: .*\bmigrate\b/);
    expect(web?.stdout).toMatch(/--role\b[\s\S]*\bweb\b/);
    expect(worker?.stdout).toMatch(/--role\b[\s\S]*\bworker\b/);
  }, 60_000);
});

describe('Dockerfile', () => {
  it('F20: builds on one image, which an argument may pin', () => {
    const stages = dockerfile.filter((line) => line.startsWith('FROM '));
    expect(stages).toHaveLength(3);
    for (const stage of stages) expect(stage).toMatch(/^FROM \$\{NODE_IMAGE\}/);
    expect(dockerfile[0]).toBe('ARG NODE_IMAGE=node:24-slim');
  });

  it('F20: runs no script of a package while it is built', () => {
    const installs = dockerfile.filter((line) => /\bnpm (?:ci|install)\b/.test(line));
    expect(installs).toHaveLength(2);
    for (const line of installs) expect(line).toContain('--ignore-scripts');
  });

  it('F20: has no package that wants a script, but those that were looked at', () => {
    const { packages } = z
      .object({ packages: z.record(z.string(), z.object({ hasInstallScript: z.boolean().optional() })) })
      .parse(JSON.parse(read('package-lock.json')));
    const withScript = Object.entries(packages).flatMap(([name, each]) =>
      each.hasInstallScript ? [name] : [],
    );
    // esbuild only replaces a script that starts its program by that program, and nothing of ours starts it;
    // msgpackr-extract only looks whether the program that came with it runs, and msgpackr does without.
    expect(withScript.sort()).toEqual(['node_modules/esbuild', 'node_modules/msgpackr-extract']);
  });

  it('runs as a user who is not root', () => {
    expect(instructions('USER')).toEqual(['node']);
  });

  it('starts what the build makes, as `serve` unless told otherwise', () => {
    expect(instructions('ENTRYPOINT')).toEqual(['["node", "dist/src/main.js"]']);
    expect(instructions('CMD')).toEqual(['["serve"]']);
    const { scripts } = z
      .object({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(read('package.json')));
    // What the source finds beside itself has to be beside the compiled source too.
    expect(scripts.build).toMatch(/tsc -p tsconfig\.build\.json.*templates.*samples.*dist/);
  });

  it('copies only what exists and .dockerignore lets through', () => {
    const sources = dockerfile
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1));
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    expect(sources.filter((source) => !existsSync(join(root, source)))).toEqual([]);
    expect(sources.filter((source) => !allowed.includes(source))).toEqual([]);
  });
});
