import { describe, expect, it } from 'vitest';
import { eventsOf } from '../../src/app/app.ts';
import {
  examineDns,
  examineRole,
  examineSettings,
  type Finding,
  type Records,
} from '../../src/app/doctor.ts';
import { loadConfig } from '../../src/config/config.ts';

/** A complete installation, as for a list of real people. */
const WELL = {
  DATABASE_URL: 'postgres://db/verdict',
  SECRET_KEY: 'k'.repeat(32),
  PUBLIC_URL: 'https://verdicts.test',
  RESEND_API_KEY: 're_123',
  RESEND_WEBHOOK_SECRET: 'whsec_YWJj',
  MAIL_FROM: 'Verdicts <digest@mail.verdicts.test>',
  MAIL_FROM_TRANSACTIONAL: 'Verdicts <hello@mail.verdicts.test>',
  MAIL_REPLY_TO: 'desk@verdicts.test',
  POSTAL_ADDRESS: '1 Street',
  EDITORS: 'chief@verdicts.test:publisher',
  SOURCES: 'folder:samples/comparisons',
};

function findings(env: Record<string, string>): Finding[] {
  const { config } = loadConfig({ ...WELL, ...env });
  return examineSettings(config, eventsOf(config));
}

const amiss = (all: Finding[]) =>
  all.filter(({ level }) => level !== 'ok').map(({ level, about }) => `${level} ${about}`);

describe('the settings of an installation', () => {
  it('have no finding when they are complete', () => {
    expect(amiss(findings({}))).toEqual([]);
  });

  it.each([
    [{ RESEND_API_KEY: '' }, 'warn RESEND_API_KEY'],
    [{ RESEND_BASE_URL: 'http://127.0.0.1:4010' }, 'warn RESEND_BASE_URL'],
    [{ POSTAL_ADDRESS: '' }, 'block POSTAL_ADDRESS'],
    [{ PUBLIC_URL: 'http://localhost:3000' }, 'block PUBLIC_URL'],
    [{ PUBLIC_URL: 'http://127.0.0.1:3000/weekly' }, 'block PUBLIC_URL'],
    [{ PUBLIC_URL: 'http://verdicts.test' }, 'block PUBLIC_URL'],
    [{ MAIL_FROM_TRANSACTIONAL: WELL.MAIL_FROM }, 'warn MAIL_FROM_TRANSACTIONAL'],
    [{ RESEND_WEBHOOK_SECRET: '' }, 'warn RESEND_WEBHOOK_SECRET'],
    [{ EDITORS: '', OPERATORS: 'ops@verdicts.test' }, 'warn EDITORS'],
    [{ EDITORS: 'desk@verdicts.test', OPERATORS: 'ops@verdicts.test' }, 'warn EDITORS'],
    [{ SOURCES: '' }, 'warn SOURCES'],
    [{ DATABASE_URL: '' }, 'warn DATABASE_URL'],
  ])('%j: %s', (env, expected) => {
    const all = findings(env);
    expect(amiss(all)).toEqual([expected]);
    for (const { level, help } of all) expect(help === '').toBe(level === 'ok');
  });

  it('Y6: warns when nobody would be mailed, and counts who is', () => {
    const about = (env: Record<string, string>) => {
      const { config } = loadConfig({ SECRET_KEY: 'k'.repeat(32), ...env });
      return examineSettings(config, 'none').find((each) => each.about === 'OPERATORS');
    };
    expect(about({ EDITORS: 'desk@verdicts.test' })?.level).toBe('warn');
    expect(about({ EDITORS: 'chief@verdicts.test:publisher' })?.message).toMatch(/^One address is mailed/);
  });

  it('may be those of a laptop as long as no mail leaves it', () => {
    expect(amiss(findings({ RESEND_API_KEY: '', PUBLIC_URL: 'http://localhost:3000' }))).toEqual([
      'warn RESEND_API_KEY',
    ]);
  });
});

describe('the role of the database', () => {
  const sound = { role: 'worker', isSuperuser: false, isOwner: false, makesIn: [], changes: [] };
  it.each([
    [{}, 'ok', 'The role "worker" works and changes no table.'],
    [{ isSuperuser: true, isOwner: true }, 'warn', 'is a superuser; it owns the tables'],
    [{ isOwner: true, makesIn: ['public'] }, 'warn', 'owns the tables'],
    [{ makesIn: ['public', 'the database'] }, 'warn', 'may make tables in public and the database'],
    [{ changes: ['consent_events'] }, 'warn', 'may change rows of consent_events'],
  ])('F13: with %j: %s', (powers, level, message) => {
    const finding = examineRole({ ...sound, ...powers });
    expect(finding.level).toBe(level);
    expect(finding.message).toContain(message);
    expect(finding.help.includes('MIGRATE_DATABASE_URL')).toBe(level === 'warn');
  });
});

describe('the records of a domain', () => {
  const zone: Record<string, string[]> = {
    'txt send.mail.verdicts.test': ['v=spf1 include:amazonses.com ~all'],
    'txt resend._domainkey.mail.verdicts.test': ['p=MIGfMA0GCSqGSIb3'],
    'txt _dmarc.verdicts.test': ['v=DMARC1; p=none'],
    'mx verdicts.test': ['mx.verdicts.test'],
  };
  const records = (more: Record<string, string[]> = {}): Records => {
    const all = { ...zone, ...more };
    return {
      txt: async (name) => all[`txt ${name}`] ?? [],
      mx: async (name) => all[`mx ${name}`] ?? [],
    };
  };
  const { config } = loadConfig(WELL);

  it('have no finding, with the policy of the parent domain', async () => {
    expect(amiss(await examineDns(config, records()))).toEqual([]);
  });

  it.each([
    ['txt send.mail.verdicts.test', [], 'block send.mail.verdicts.test'],
    ['txt resend._domainkey.mail.verdicts.test', ['p='], 'block resend._domainkey.mail.verdicts.test'],
    ['txt _dmarc.verdicts.test', ['other'], 'block _dmarc.mail.verdicts.test'],
    // RFC 7505: a domain that takes no mail.
    ['mx verdicts.test', [''], 'warn verdicts.test'],
  ])('with %s = %j: %s', async (name, values, expected) => {
    expect(amiss(await examineDns(config, records({ [name]: values })))).toEqual([expected]);
  });

  it('are reported as unknown when the resolver fails', async () => {
    const down = () => Promise.reject(Object.assign(new Error('x'), { code: 'ESERVFAIL' }));
    const all = await examineDns(config, { txt: down, mx: down });
    expect(all.map(({ level }) => level)).toEqual(['warn', 'warn', 'warn', 'warn']);
    expect(all[0]?.message).toContain('ESERVFAIL');
  });
});
