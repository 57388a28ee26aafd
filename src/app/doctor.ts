import { Resolver } from 'node:dns/promises';
import type { Config } from '../config/config.ts';
import type { EnvAmbiguity } from '../config/env-file.ts';
import { RESEND_URL } from '../config/settings.ts';
import { describeClock, isClockRight } from '../platform/db/database-time.ts';
import { describePooler, type Pooler } from '../platform/db/pooler.ts';
import type { Powers } from '../platform/db/roles.ts';
import { examineFolder, isReadByOthers } from '../platform/private-folder.ts';
import { describeNeighbour, type Neighbour, whatToDoAbout } from '../platform/queue/neighbours.ts';
import { openOutboxFiles } from '../providers/outbox/outbox-files.ts';
import { describeRestored, type Restored, WHAT_TO_DO } from '../sending/mark/sending-mark.ts';
import type { ConsentFault, SealFound, VerifiedLog } from '../subscribers/consent-log/consent-log-store.ts';
import type { App } from './app.ts';

/**
 * Checks whether an installation is set up to mail people, and says what to correct. The settings are already valid
 * one by one; these checks ask whether they fit together, and whether DNS and the machine agree with them.
 */
export interface Finding {
  /** `block`: mail cannot be sent, or readers would be harmed; `warn`: mail can be sent, but should not be. */
  level: 'ok' | 'warn' | 'block';
  /** The setting or the record it is about. */
  about: string;
  message: string;
  /** What to do; empty for `ok`. */
  help: string;
}

/** Reads TXT and MX records like `node:dns`; an unknown name gives an empty list. */
export interface Records {
  txt(name: string): Promise<string[]>;
  mx(name: string): Promise<string[]>;
}

/** Asks the machine's own resolver, at most 3 seconds for each question. */
export function dnsRecords(): Records {
  const resolver = new Resolver({ timeout: 1_500, tries: 2 });
  const known = <T>(answer: Promise<T[]>) =>
    answer.catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOTFOUND' || error.code === 'ENODATA') return [];
      throw error;
    });
  return {
    txt: async (name) => (await known(resolver.resolveTxt(name))).map((parts) => parts.join('')),
    mx: async (name) => (await known(resolver.resolveMx(name))).map(({ exchange }) => exchange),
  };
}

const LOOPBACK = /^https?:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?(?:\/|$)/u;

const domainOf = (mailbox: string) => /@([^>\s]+)>?$/u.exec(mailbox)?.[1]?.toLowerCase() ?? '';

/** Lines of `.env` that another parser, or a person, may read differently. */
export function examineEnvFile(ambiguities: readonly EnvAmbiguity[]): Finding[] {
  return ambiguities.map(({ name, message }) => ({
    level: 'warn',
    about: name,
    message: `In .env: ${message}`,
    help: 'docs/operating.md tells how the file is read.',
  }));
}

/** How much the outbox stores; empty when there is none. */
export async function examineOutbox({ dataDir, outbox }: Config): Promise<Finding[]> {
  const { mails, bytes } = await openOutboxFiles(dataDir).measure();
  if (bytes === 0) return [];
  const size = `${mails.toLocaleString('en')} ${mails === 1 ? 'mail' : 'mails'} in ${(bytes / 1e6).toLocaleString('en', { maximumFractionDigits: 1 })} MB`;
  const message = `The outbox holds ${size}; each goes after ${outbox.days} days.`;
  return [{ level: 'ok', about: 'OUTBOX_DAYS', message, help: '' }];
}

/** Checks the settings alone. Deterministic. */
export function examineSettings(config: Config, events: App['events']): Finding[] {
  const leaves = events !== 'none';
  const findings: Finding[] = [];
  const find = (level: Finding['level'], about: string, message: string, help = '') =>
    findings.push({ level, about, message, help });

  if (!leaves) {
    find(
      'warn',
      'RESEND_API_KEY',
      'Nothing leaves this machine: mail is kept in the outbox.',
      'Set it when real people should be mailed.',
    );
  } else if (config.resend.baseUrl !== RESEND_URL) {
    find(
      'warn',
      'RESEND_BASE_URL',
      `Mail goes to ${config.resend.baseUrl}.`,
      'Leave it empty in production.',
    );
  } else find('ok', 'RESEND_API_KEY', 'Mail goes out through Resend.');

  if (config.mail.postalAddress === '') {
    find(
      'block',
      'POSTAL_ADDRESS',
      'No issue can be approved without a postal address.',
      'Set it to the address that every issue must print.',
    );
  } else find('ok', 'POSTAL_ADDRESS', `Every issue prints: ${config.mail.postalAddress}.`);

  if (leaves && LOOPBACK.test(config.publicUrl)) {
    find(
      'block',
      'PUBLIC_URL',
      `Links in mail would lead to ${config.publicUrl}, which is every reader’s own machine.`,
      'Set it to the address under which readers reach this installation.',
    );
  } else if (leaves && config.publicUrl.startsWith('http:')) {
    find(
      'block',
      'PUBLIC_URL',
      'One-click unsubscribe needs https (RFC 8058).',
      'Put TLS in front, and write the address with https.',
    );
  } else find('ok', 'PUBLIC_URL', `Links in mail lead to ${config.publicUrl}.`);

  if (domainOf(config.mail.from) !== '' && config.mail.from === config.mail.fromTransactional) {
    find(
      'warn',
      'MAIL_FROM_TRANSACTIONAL',
      'Issues and confirm mails have one sender; complaints about the one hurt the other.',
      'Give confirm mails an address of their own.',
    );
  }
  if (events === 'unseen') {
    find(
      'warn',
      'RESEND_WEBHOOK_SECRET',
      'No events are taken: bounces and complaints are not seen, and a lost answer waits for a person.',
      `Add a webhook at Resend that posts to ${config.publicUrl}/webhooks/resend, and set its secret.`,
    );
  }
  if (config.editors.length === 0) {
    find(
      'warn',
      'EDITORS',
      'Nobody may open the desk.',
      'Set it to chief@example.org:publisher, for instance.',
    );
  } else if (!config.editors.some(({ role }) => role === 'publisher')) {
    find(
      'warn',
      'EDITORS',
      'Nobody at the desk may approve: all are editors.',
      'Make one a publisher: chief@example.org:publisher.',
    );
  }
  if (config.operators.length === 0) {
    find(
      'warn',
      'OPERATORS',
      'Nobody is mailed when an issue is late or something fails.',
      'Set it to ops@example.org, for instance, or name a publisher in EDITORS.',
    );
  } else {
    const count = config.operators.length;
    const addresses = count === 1 ? 'One address is' : `${count} addresses are`;
    find('ok', 'OPERATORS', `${addresses} mailed when something needs a person.`);
  }
  if (config.sources.length === 0) {
    find(
      'warn',
      'SOURCES',
      'There is no source; comparisons come by push only.',
      'See docs/sources.md for folders, feeds and sites.',
    );
  }
  if (config.database === 'embedded' && leaves) {
    find(
      'warn',
      'DATABASE_URL',
      'Real mail goes out from the embedded database, which has one process and no backup of its own.',
      'Use PostgreSQL for a list that matters.',
    );
  }
  return findings;
}

/**
 * Checks whether other users of this machine can read the program's files.
 * @param settingsFile the `.env` that was read, if there is one: it holds secrets.
 * @param user id of the user who runs the program, if it is not the user of this process.
 */
export function examineFiles(
  { dataDir }: Pick<Config, 'dataDir'>,
  settingsFile: string,
  user?: number,
): Finding[] {
  const findings = examineFolder(dataDir, user).map(
    ({ isOpen, message, help }): Finding => ({
      level: isOpen ? 'block' : 'warn',
      about: 'DATA_DIR',
      message,
      help,
    }),
  );
  if (findings.length === 0)
    findings.push({ level: 'ok', about: 'DATA_DIR', message: 'Only its user can look inside.', help: '' });
  if (isReadByOthers(settingsFile)) {
    findings.push({
      level: 'warn',
      about: settingsFile,
      message: 'It holds secrets, and every user of this machine can read it.',
      help: `Run: chmod 600 ${settingsFile}`,
    });
  }
  return findings;
}

/** Checks whether the role of DATABASE_URL has no more rights than it needs. */
export function examineRole({ role, isSuperuser, isOwner, makesIn, changes }: Powers): Finding {
  const about = 'DATABASE_URL';
  const faults = [
    ...(isSuperuser ? ['is a superuser'] : []),
    ...(isOwner ? ['owns the tables, and may switch off what protects them'] : []),
    ...(makesIn.length > 0 && !isSuperuser && !isOwner
      ? [`may make tables in ${makesIn.join(' and ')}`]
      : []),
    ...(changes.length > 0 && !isSuperuser && !isOwner ? [`may change rows of ${changes.join(', ')}`] : []),
  ];
  if (faults.length === 0)
    return { level: 'ok', about, message: `The role "${role}" works and changes no table.`, help: '' };
  return {
    level: 'warn',
    about,
    message: `The role "${role}" ${faults.join('; it ')}: anybody who gets hold of it can rewrite the consent log.`,
    help: 'Give it a role of its own and the owner’s to MIGRATE_DATABASE_URL, see "Two database roles" in docs/operating.md; then run `migrate`.',
  };
}

/** Checks whether the database is older than what was mailed (I14). */
export function examineRestored(restored: Restored | null): Finding[] {
  if (restored === null) return [];
  return [{ level: 'block', about: 'database', message: describeRestored(restored), help: WHAT_TO_DO }];
}

/** What is between this process and PostgreSQL. */
export function examinePooler(pooler: Pooler): Finding[] {
  const message = describePooler(pooler);
  if (message === null) return [];
  return [{ level: pooler === 'session' ? 'ok' : 'warn', about: 'DATABASE_URL', message, help: '' }];
}

/** Checks who else uses this Redis. */
export function examineNeighbours(neighbours: readonly Neighbour[]): Finding[] {
  return neighbours.map((neighbour) => ({
    level: neighbour.kind === 'copy' ? 'block' : 'warn',
    about: 'REDIS_URL',
    message: describeNeighbour(neighbour),
    help: whatToDoAbout(neighbour),
  }));
}

/** Checks the clocks of this machine and of the workers against the database's, which decides. */
export function examineClocks(
  aheadMs: number,
  workers: readonly { worker: string; aheadMs: number }[],
): Finding[] {
  const about = 'clocks';
  const help = 'Set it, and keep the clocks of all machines by NTP.';
  const wrong = workers.map(
    (each): Finding => ({
      level: 'block',
      about,
      message: `The clock of the worker ${each.worker} is ${describeClock(each.aheadMs)} the database's: it takes no scheduled work.`,
      help,
    }),
  );
  if (!isClockRight({ aheadMs })) {
    wrong.push({
      level: 'warn',
      about,
      message: `The clock of this machine is ${describeClock(aheadMs)} the database's: a worker here takes no scheduled work.`,
      help,
    });
  }
  if (wrong.length > 0) return wrong;
  return [{ level: 'ok', about, message: 'The clocks of this machine and of the database agree.', help: '' }];
}

/** Checks whether the consent log is unchanged (I8). */
export function examineConsentLog({ events, head, unsealed, faults }: VerifiedLog): Finding[] {
  const about = 'consent log';
  if (faults.length > 0) {
    return faults.map((fault) => ({
      level: 'block',
      about,
      message: describeConsentFault(fault),
      help: 'Find out who can write to the database, and compare with a backup; see "The consent log" in docs/operating.md.',
    }));
  }
  const sealed =
    head === null ? 'nothing is sealed yet' : `seal ${head.number} is ${head.hash}, ${unsealed} since then`;
  return [{ level: 'ok', about, message: `${events} events are as they were written; ${sealed}.`, help: '' }];
}

function describeConsentFault(fault: ConsentFault): string {
  switch (fault.kind) {
    case 'event-changed':
      return `Event ${fault.event} is not as it was written: its row was changed in the database.`;
    case 'event-before-the-first':
      return `Event ${fault.event} was never given out by the log: it was added in the database.`;
    case 'events-lost-or-added': {
      const { fromId, toId, rows, found } = fault.seal;
      const what = found < rows ? 'deleted' : 'added';
      return `Of the events ${fromId} to ${toId}, ${rows} were sealed and ${found} are there: some were ${what} in the database.`;
    }
    case 'events-rewritten':
      return `The events ${rangeOf(fault.seal)} are not those that were sealed: some were replaced in the database.`;
    case 'seal-broken':
      return `Seal ${fault.seal.number}, of the events ${rangeOf(fault.seal)}, does not follow from the one before it: seals were changed or deleted in the database.`;
    case 'text-changed':
      return `The text "${fault.text}", to which people agreed, is not as it was written.`;
    case 'text-missing':
      return `People agreed to the text "${fault.text}", which is not there as they saw it.`;
    case 'reader-without-consent':
      return `The reader ${fault.reader} is active, and no event says that they confirmed: it was deleted, or they were added in the database. They are mailed nothing.`;
  }
}

const rangeOf = ({ fromId, toId }: SealFound) => `${fromId} to ${toId}`;

/**
 * Checks the DNS records that receivers require of bulk senders: SPF and DKIM as Resend sets them up, DMARC (RFC
 * 9989), and an MX for replies. When the resolver does not answer, the finding says so.
 */
export async function examineDns(config: Config, records: Records): Promise<Finding[]> {
  const domain = domainOf(config.mail.from);
  const ask = async (
    name: string,
    lookUp: () => Promise<string[]>,
    isGood: (values: string[]) => boolean,
    lack: Omit<Finding, 'about'>,
    well: string,
  ): Promise<Finding> => {
    try {
      const values = await lookUp();
      return isGood(values)
        ? { level: 'ok', about: name, message: well, help: '' }
        : { about: name, ...lack };
    } catch (error) {
      const { code = 'no answer' } = error as NodeJS.ErrnoException;
      const message = `The record could not be looked up (${code}).`;
      return { level: 'warn', about: name, message, help: 'Run it again where names can be resolved.' };
    }
  };
  const begins = (start: string) => (values: string[]) =>
    values.some((value) => value.toLowerCase().startsWith(start));
  const help = `Copy the records that Resend shows for ${domain} to its zone.`;
  const replyDomain = domainOf(config.mail.replyTo);

  return await Promise.all([
    ask(
      `send.${domain}`,
      () => records.txt(`send.${domain}`),
      begins('v=spf1'),
      { level: 'block', message: 'There is no SPF record; receivers refuse bulk mail without one.', help },
      'SPF is published.',
    ),
    ask(
      `resend._domainkey.${domain}`,
      () => records.txt(`resend._domainkey.${domain}`),
      (values) => values.some((value) => /(?:^|;)\s*p=[\w+/]/u.test(value)),
      { level: 'block', message: 'There is no DKIM key; receivers refuse bulk mail without one.', help },
      'DKIM is published.',
    ),
    ask(
      `_dmarc.${domain}`,
      () => policyOf(domain, records),
      begins('v=dmarc1'),
      {
        level: 'block',
        message: 'There is no DMARC policy; Gmail, Yahoo and Outlook ask for one from bulk senders.',
        help: `Publish a TXT record _dmarc.${domain} with v=DMARC1; p=none; rua=mailto:you@${domain}`,
      },
      'DMARC is published.',
    ),
    ask(
      replyDomain,
      () => records.mx(replyDomain),
      (values) => values.some((value) => value !== ''),
      {
        level: 'warn',
        message: 'Nothing takes mail at the address for replies.',
        help: 'Set MAIL_REPLY_TO to an address that a person reads.',
      },
      'Replies reach a mailbox.',
    ),
  ]);
}

/** Returns the DMARC policy of a domain, or of its nearest parent that has one (RFC 9989, tree walk). */
async function policyOf(domain: string, records: Records): Promise<string[]> {
  for (let name = domain; name.includes('.'); name = name.slice(name.indexOf('.') + 1)) {
    const found = await records.txt(`_dmarc.${name}`);
    if (found.length > 0) return found;
  }
  return [];
}
