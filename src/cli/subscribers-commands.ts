import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { audit } from '../desk/audit/audit.ts';
import type { SubscriberStatus } from '../platform/db/schema.ts';
import { AppError } from '../platform/errors.ts';
import { PRIVATE_FILE } from '../platform/private-folder.ts';
import { type Address, parseAddress } from '../subscribers/address.ts';
import { eraseSubscriber } from '../subscribers/erase/own-data-store.ts';
import { exportSubscribers } from '../subscribers/import-export/export.ts';
import { type Columns, rowReader } from '../subscribers/import-export/formats.ts';
import { type ImportReport, importSubscribers } from '../subscribers/import-export/import.ts';
import { causeOf, type Known } from '../subscribers/import-export/merge-rules.ts';
import { restoreSubscriber } from '../subscribers/people-store.ts';
import type { ConsentText } from '../subscribers/sign-up/consent.ts';
import { addSignUp, wasInvitedRecently } from '../subscribers/sign-up/sign-up-store.ts';
import {
  addSubscribers,
  countSubscribers,
  findSubscriberByAddress,
  knownSubscribers,
} from '../subscribers/subscriber-store.ts';
import { describeCause, type SuppressionCause } from '../subscribers/suppression.ts';
import { answerWaiting } from '../workflow/answer-mail-requests.ts';
import { cleanOutbox } from '../workflow/clean-outbox.ts';
import { sealConsents } from '../workflow/week.ts';
import { openApp } from './open-app.ts';
import { type Context, meter, say, sayJson } from './output.ts';

/** The commands about subscribers. */

interface ImportCommand {
  consent?: string;
  map?: Columns;
  rejected?: string;
  dryRun?: boolean;
  json?: boolean;
}

/** @returns the exit code: 1 when rows were rejected. */
export async function subscribersImport(
  context: Context,
  file: string,
  options: ImportCommand,
): Promise<number> {
  const isPipe = file === '-';
  // A dry run writes only the files that were asked for.
  const rejectedFile =
    options.rejected ?? (options.dryRun ? undefined : `${isPipe ? 'stdin' : file}.rejected.csv`);
  if (rejectedFile !== undefined && !isPipe && path.resolve(rejectedFile) === path.resolve(file)) {
    throw new AppError('rejected-unwritable', 'The rejected rows would go where the list is.', {
      help: 'Name another file with --rejected.',
    });
  }
  await using app = await openApp(context);
  using bar = meter('importing', options.json ?? false);
  const report = await importSubscribers(app.db, isPipe ? process.stdin : file, {
    ...options,
    keys: app.keys,
    source: 'import',
    rejectedFile,
    signal: context.signal,
    onProgress: ({ rows, bytes, size }) => bar.show(bytes, size, `${rows} rows`),
  });
  bar[Symbol.dispose]();
  if (!options.dryRun) await sealConsents(app);
  if (options.json) sayJson({ ...report, subscribers: await countSubscribers(app.db) });
  else for (const line of reportLines(report, options)) say(line);
  return report.rejected > 0 ? 1 : 0;
}

function reportLines(report: ImportReport, { dryRun, consent }: ImportCommand): string[] {
  const { rows, added, known, activated, left, erased, rejected, unused, withoutConsent } = report;
  const states = Object.entries(added).filter(([, count]) => count > 0);
  const sum = states.reduce((total, [, count]) => total + count, 0);
  const inStates =
    states.length > 0 ? ` (${states.map(([name, count]) => `${count} ${name}`).join(', ')})` : '';
  const counts = [
    `${sum} added${inStates}`,
    `${known} known already`,
    ...(activated > 0 ? [`${activated} active now by this list`] : []),
    ...(left > 0 ? [`${left} taken off the list`] : []),
    ...(erased > 0 ? [`${erased} who asked not to be mailed`] : []),
    `${rejected} rejected`,
  ];
  return [
    `Read as ${report.format === 'plain' || report.format === 'mapped' ? 'a list of ours' : `an export of ${report.format}`}${
      unused.length > 0 ? `; nothing is taken from ${unused.join(', ')}` : ''
    }`,
    `${dryRun ? 'Would be, of ' : ''}${rows} rows: ${counts.join(', ')}`,
    ...describeSuppressed(report),
    ...report.reasons.map(
      ({ reason, rows: times, firstLine }) => `  ${times} × ${reason} (first on line ${firstLine})`,
    ),
    ...(report.rejectedFile === null ? [] : [`  to mend and import again: ${report.rejectedFile}`]),
    ...describeLinks(report),
    ...(withoutConsent > 0 && !consent
      ? [
          `${withoutConsent} are pending and get nothing: nothing says when they confirmed.`,
          '  If they agreed elsewhere, import the list again with --consent "what they agreed to, where and when".',
        ]
      : []),
  ];
}

/** Says what happens to links in earlier mail when the list is one of our own exports. */
function describeLinks({ links, unused }: ImportReport): string[] {
  if (links === undefined) {
    // These columns are in an export of an older version, without link data.
    if (!unused.includes('consent_method') || !unused.includes('created_at')) return [];
    return [
      'Links in mail sent before do not work here: the list does not tell of them.',
      '  Export it with this version, where it comes from, and import that, too: it adds the links, and nobody twice.',
    ];
  }
  if (links.refused === 0)
    return [`Links in mail sent before work here: those of ${links.kept} people came along.`];
  return [
    `Links in mail sent before do not work here for ${links.refused} people: another SECRET_KEY signed them, or the list was changed.`,
    '  Set SECRET_KEY to the new key and the old one, with a comma between, and import the list again: nobody comes in twice.',
  ];
}

/** Lists people who are in the imported list but stay suppressed, and why. */
function describeSuppressed({ suppressed = {} }: ImportReport): string[] {
  const causes = Object.entries(suppressed) as [SuppressionCause, number][];
  return causes.map(([cause, people]) => {
    const lift = cause === 'bounced' ? '; subscribers restore lifts that, one by one' : '';
    return `  ${people} ${people === 1 ? 'stays' : 'stay'} off the list: ${describeCause(cause)}${lift}`;
  });
}

interface ExportCommand {
  out?: string;
  status?: SubscriberStatus[];
  json?: boolean;
}

const EVERYBODY: SubscriberStatus[] = ['active', 'pending', 'unsubscribed', 'suppressed'];

/** The list goes to stdout or a file; messages go to stderr, so that they cannot get into the list. */
export async function subscribersExport(context: Context, options: ExportCommand): Promise<void> {
  await using app = await openApp(context);
  const pages = exportSubscribers(
    app.db,
    options.json ? 'json' : 'csv',
    options.status ?? EVERYBODY,
    app.keys,
  );
  let people = 0;
  const write = async (to: Writable) => {
    for await (const page of pages) {
      if (context.signal.aborted)
        throw new AppError('interrupted', 'Interrupted; the export is not complete.');
      people += page.people;
      if (!to.write(page.text)) await new Promise((resolve) => to.once('drain', resolve));
    }
  };
  if (options.out === undefined) await write(process.stdout);
  else await writeWhole(options.out, write);
  process.stderr.write(`${people} people${options.out === undefined ? '' : ` are in ${options.out}`}\n`);
}

/** Writes a file that is always complete under its name. Only its owner may read it, because it holds addresses. */
async function writeWhole(file: string, write: (to: Writable) => Promise<void>): Promise<void> {
  const temporary = `${file}.part`;
  // A leftover file of an interrupted export, or of somebody else, would keep its own mode.
  await rm(temporary, { force: true });
  const stream = createWriteStream(temporary, { flags: 'wx', mode: PRIVATE_FILE });
  try {
    const done = finished(stream);
    await Promise.race([write(stream), done]);
    stream.end();
    await done;
    await rename(temporary, file);
  } catch (cause) {
    stream.destroy();
    await rm(temporary, { force: true });
    if (cause instanceof AppError) throw cause;
    throw new AppError('export-unwritable', `${file} could not be written.`, {
      help: `${(cause as Error).message}.`,
      cause,
    });
  }
}

interface AddCommand {
  consent: string;
  topics?: string;
  confirmedAt?: string;
  json?: boolean;
}

/**
 * Adds one person. With the time of their confirmation they are subscribed at once; otherwise they get the same
 * confirm mail as everyone who signs up.
 * @throws AppError `subscriber-invalid`, `subscriber-gone`.
 */
export async function subscribersAdd(context: Context, email: string, options: AddCommand): Promise<void> {
  const reader = rowReader(['email', 'topics', 'confirmed_at'], {}, new Date());
  const person = reader.read([email, (options.topics ?? '').replaceAll(',', ';'), options.confirmedAt ?? '']);
  if ('fault' in person) throw new AppError('subscriber-invalid', `Not added: ${person.fault}.`);

  await using app = await openApp(context);
  const { db } = app;
  const before = (await knownSubscribers(db, [person])).get(person.key);
  const status = typeof before === 'object' ? before.status : before;
  const asks = person.confirmedAt === null;
  assertMayBeAdded(before, asks);
  if (asks) {
    const nobody = { ip: null, userAgent: null };
    const { topics, timezone } = person;
    const asked = {
      address: person,
      topics,
      timezone,
      source: 'command',
      isSuspicious: false,
      evidence: nobody,
    };
    await addSignUp(db, asked, describeConsent(options.consent), true);
    await answerWaiting(app);
  } else {
    const details = { basis: options.consent };
    await addSubscribers(db, [person], 'command', { method: 'admin', details });
  }
  const after = (await knownSubscribers(db, [person])).get(person.key);
  const now = typeof after === 'object' ? after.status : 'unknown';
  const asked = asks && status !== 'active' && (await wasInvitedRecently(db, person.key));
  if (options.json) sayJson({ status: now, asked });
  else if (status === 'active') say('Is a reader already; nothing was changed.');
  else if (asks && !asked)
    say('Not asked: this inbox has had as many confirm mails as it may have now. Try again tomorrow.');
  else if (asks)
    say('Asked: the confirm mail goes out as soon as a worker runs, and they are pending until they answer.');
  else if (now === 'active') say('Added as a reader.');
  else say('Was asked by mail before, so their own answer counts: they are pending.');
}

/** @throws AppError `subscriber-gone` with the actual reason, and how it can be changed. */
function assertMayBeAdded(before: Known | undefined, asks: boolean): void {
  const cause = causeOf(before);
  const hasLeft = typeof before === 'object' && before.status === 'unsubscribed';
  // A person who unsubscribed, bounced or was erased may be asked by mail; a list or a command cannot decide for
  // them.
  const mayBeAsked = cause === null || cause === 'bounced' || cause === 'erased';
  if (mayBeAsked && (asks || (cause === null && !hasLeft))) return;
  const reason = typeof before === 'object' ? before.reason : null;
  const why =
    cause === null
      ? 'this person left the list, and so asked not to be mailed'
      : describeCause(cause, reason);
  const ask = 'Leave out --confirmed-at to ask them by mail.';
  const help = !mayBeAsked
    ? 'Only they can lift that: they have to ask for it themselves.'
    : cause === 'bounced'
      ? `${ask} Or lift the bounce: verdict subscribers restore ADDRESS --reason TEXT.`
      : ask;
  throw new AppError('subscriber-gone', `Not added: ${why}.`, { help });
}

/**
 * Lifts a suppression by bounce; no other suppression can be lifted.
 * @throws AppError `subscriber-unknown`, `subscriber-kept`.
 */
export async function subscribersRestore(
  context: Context,
  address: string,
  options: { reason: string; json?: boolean },
): Promise<void> {
  const { key } = readAddress(address);
  const reason = options.reason.trim().toWellFormed();
  if (reason === '') {
    throw new AppError('reason-missing', 'Not restored: the reason is empty.', {
      help: 'Say after --reason why mail to this address will arrive now; the consent log keeps it.',
    });
  }
  await using app = await openApp(context);
  const restored = await app.db.transaction().execute(async (tx) => {
    const person = await findSubscriberByAddress(tx, key);
    const outcome = person && (await restoreSubscriber(tx, person.id, { reason }));
    if (outcome?.kind === 'restored') {
      const details = { reader: person?.id, reason, by: 'command' };
      await audit(tx, { who: null, what: 'restored', details });
    }
    return outcome;
  });
  switch (restored?.kind) {
    case undefined:
      throw new AppError('subscriber-unknown', 'Not restored: nobody with this address is in the database.', {
        help: 'Add them: verdict subscribers add ADDRESS --consent TEXT.',
      });
    case 'never-confirmed':
      throw new AppError('subscriber-kept', 'Not restored: this person never confirmed.', {
        help: 'Ask them by mail: verdict subscribers add ADDRESS --consent TEXT.',
      });
    case 'kept':
      throw new AppError(
        'subscriber-kept',
        `Not restored: ${describeCause(restored.cause, restored.reason)}.`,
        {
          help: 'Only a bounce can be lifted.',
        },
      );
    case 'not-suppressed':
      if (options.json) sayJson({ restored: false, status: restored.status });
      else say(`Nothing to lift: this person is ${restored.status}.`);
      return;
    case 'restored':
      if (options.json) sayJson({ restored: true, status: restored.status });
      else if (restored.status === 'active') say('Restored: the next issue goes to this person.');
      else say('The bounce is lifted. This person left before it, so they get no issues.');
  }
}

/** Describes consent that was given in person, as a text of the consent log. */
function describeConsent(text: string): ConsentText {
  const hash = createHash('sha256').update(text).digest('hex');
  return { version: `added.${hash.slice(0, 16)}`, hash, text };
}

/** Erases one person for good. Idempotent. */
export async function subscribersForget(
  context: Context,
  address: string,
  options: { json?: boolean },
): Promise<void> {
  const { key } = readAddress(address);
  await using app = await openApp(context);
  const forgotten = await eraseSubscriber(app.db, { key }, 'admin');
  await cleanOutbox(app);
  if (options.json) sayJson({ forgotten });
  else if (forgotten) say('Forgotten: the address is gone, and no list brings it back.');
  else say('Nobody with this address is in the database, and no list brings it back.');
}

/** @throws AppError `address-invalid`. */
function readAddress(text: string): Address {
  const address = parseAddress(text);
  if ('reason' in address) throw new AppError('address-invalid', `The address ${address.reason}.`);
  return address;
}
