import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import type { Connection } from '../../platform/db/database.ts';
import type { SubscriberStatus } from '../../platform/db/schema.ts';
import { AppError } from '../../platform/errors.ts';
import {
  type Added,
  addSubscribers,
  knownSubscribers,
  type NewSubscriber,
  nothingAdded,
} from '../subscriber-store.ts';
import type { SuppressionCause } from '../suppression.ts';
import type { Keys } from '../tokens.ts';
import { linkReader } from './carried-links.ts';
import { type Columns, hasUnsubscribed, type RowReader, rowReader } from './formats.ts';
import { causeOf, type Known, mergeResult, stateOf, withConsent } from './merge-rules.ts';
import { Rejections } from './rejections.ts';

export interface ImportOptions {
  /** For the consent log: where these people come from. */
  source: string;
  /**
   * What gives the right to mail the people of this list, in words. Without it only those become active who
   * bring the time at which they confirmed.
   */
  consent?: string | undefined;
  /** Columns by name, where the header does not tell. */
  map?: Columns | undefined;
  /** Verify what the list says of links in mail sent before; without them no list is believed. */
  keys?: Keys | undefined;
  /** Only tell what would be done. */
  dryRun?: boolean | undefined;
  /** Where bad rows go, if there are any; undefined: nowhere, they are only counted. */
  rejectedFile?: string | undefined;
  /** Ends the import between two chunks; what is in stays in. */
  signal?: AbortSignal | undefined;
  /** After every chunk: bytes read, of a size that is not known for a pipe. */
  onProgress?: ((progress: { rows: number; bytes: number; size: number | undefined }) => void) | undefined;
}

/** Every row is counted once: in `added`, `activated`, `left`, `known`, `erased` or `rejected`. */
export interface ImportReport {
  /** What the list was taken for. */
  format: string;
  /** Columns nothing was taken from. */
  unused: string[];
  rows: number;
  /** Were not in the database, by the state they are in now. */
  added: Record<SubscriberStatus, number>;
  /** Of those added as pending: active by this list, but for a consent. */
  withoutConsent: number;
  /** Were pending because an earlier list brought no consent; this one does. */
  activated: number;
  /** Were in the database; this list says that they left, bounced or complained. */
  left: number;
  /** In the database, or further up in the list; nothing was changed. */
  known: number;
  /** Asked to be forgotten, or never to be mailed, and stay so. */
  erased: number;
  /**
   * People whose links in mail sent before came along, and people whose links did not, because the list was made under
   * another `SECRET_KEY` or changed since. Undefined for a list that says nothing of links.
   */
  links?: { kept: number; refused: number };
  /** Of `known` and `erased`: why they are never mailed, although the list says that they may be. */
  suppressed?: Partial<Record<SuppressionCause, number>>;
  rejected: number;
  /** Why rows were rejected, the most frequent reason first. */
  reasons: { reason: string; rows: number; firstLine: number }[];
  /** null where nothing was written. */
  rejectedFile: string | null;
}

/** Rows in one statement: memory stays flat however long the list is. */
const CHUNK = 1_000;

/**
 * Brings the people of a CSV onto the known. Its header tells which service wrote it, see {@link rowReader}.
 *
 * - Nobody is active without consent (I4): their own time of confirmation, or what `consent` says.
 * - Who is known stays as they are, so that no list revives anybody, but for two cases: a list that says that
 *   somebody left is believed (I7), and who is pending only because an earlier list brought no consent
 *   becomes active when this one does.
 * - Who asked to be forgotten, or never to be mailed, is not brought back.
 *
 * A chunk is one transaction: an import that was interrupted is finished by running it again.
 * @param list a file, or a stream of CSV.
 * @throws AppError `import-unreadable`, `import-columns`, `interrupted`.
 */
export async function importSubscribers(
  db: Connection,
  list: string | Readable,
  options: ImportOptions,
): Promise<ImportReport> {
  const now = new Date();
  const { size, ...file } = await describeList(list);
  const details = { ...(options.consent ? { basis: options.consent } : {}), ...file, imported_at: now };
  const add = options.dryRun
    ? pretender(db)
    : (rows: NewSubscriber[]) => addSubscribers(db, rows, options.source, { details });

  const report: ImportReport = {
    format: 'plain',
    unused: [],
    rows: 0,
    added: { pending: 0, active: 0, unsubscribed: 0, suppressed: 0 },
    withoutConsent: 0,
    activated: 0,
    left: 0,
    known: 0,
    erased: 0,
    rejected: 0,
    reasons: [],
    rejectedFile: null,
  };
  const readLinks = options.keys === undefined ? () => undefined : linkReader(options.keys);
  const chunk = new Map<string, NewSubscriber>();
  const flush = async () => {
    if (chunk.size > 0) count(report, await add([...chunk.values()]), chunk.size);
    chunk.clear();
  };

  await using rejections = new Rejections(options.rejectedFile);
  let reader: RowReader | undefined;
  for await (const { cells, line, bytes } of records(list)) {
    if (reader === undefined) {
      reader = rowReader(cells, options.map ?? {}, now);
      Object.assign(report, { format: reader.format, unused: reader.unused });
      rejections.header = cells;
      continue;
    }
    report.rows += 1;
    const row = reader.read(cells);
    if ('fault' in row) {
      await rejections.add(cells, line, row.fault);
    } else {
      const { signedLinks, ...facts } = row;
      const links = signedLinks === undefined ? undefined : readLinks(row.key, signedLinks);
      if (signedLinks !== undefined) {
        report.links ??= { kept: 0, refused: 0 };
        report.links[links === undefined ? 'refused' : 'kept'] += 1;
      }
      const person = { ...withConsent(facts, options.consent, now), links };
      const above = chunk.get(person.key);
      // Who is named twice is told apart by the database, one after the other.
      if (above !== undefined && mergeResult(stateOf(above), person) !== 'known') await flush();
      if (chunk.has(person.key)) report.known += 1;
      else chunk.set(person.key, person);
    }
    if (report.rows % CHUNK === 0) {
      await flush();
      options.onProgress?.({ rows: report.rows, bytes, size });
      if (options.signal?.aborted) throw interrupted(report.rows);
    }
  }
  await flush();
  options.onProgress?.({ rows: report.rows, bytes: size ?? 0, size });
  return { ...report, ...rejections.summary };
}

function count(report: ImportReport, { added, suppressed, ...changed }: Added, rows: number): void {
  for (const [cause, people] of Object.entries(suppressed) as [SuppressionCause, number][]) {
    if (people === 0) continue;
    report.suppressed ??= {};
    report.suppressed[cause] = (report.suppressed[cause] ?? 0) + people;
  }
  for (const status of Object.keys(added) as SubscriberStatus[]) report.added[status] += added[status];
  for (const name of ['withoutConsent', 'activated', 'left', 'erased'] as const)
    report[name] += changed[name];
  const sum = Object.values(added).reduce((total, each) => total + each, 0);
  report.known += rows - sum - changed.activated - changed.left - changed.erased;
}

/** Tells what {@link addSubscribers} would do, chunk after chunk; remembers whom it would have changed. */
function pretender(db: Connection): (rows: NewSubscriber[]) => Promise<Added> {
  const changed = new Map<string, Known>();
  return async (rows) => {
    const known = await knownSubscribers(db, rows);
    const total = nothingAdded();
    for (const row of rows) {
      const before = changed.get(row.key) ?? known.get(row.key);
      const outcome = mergeResult(before, row);
      const cause = hasUnsubscribed(row.status) ? null : causeOf(before);
      if (cause !== null) total.suppressed[cause] += 1;
      if (outcome === 'known') continue;
      if (outcome === 'added') total.added[row.status] += 1;
      else total[outcome] += 1;
      if (outcome === 'added' && row.lacksConsent) total.withoutConsent += 1;
      if (outcome !== 'erased') changed.set(row.key, stateOf(row));
    }
    return total;
  };
}

interface Line {
  cells: string[];
  /** The last line of the file that the row is on. */
  line: number;
  /** Read so far. */
  bytes: number;
}

/** @throws AppError `import-unreadable`: what the list is to blame for, and nothing else. */
async function* records(list: string | Readable): AsyncGenerator<Line> {
  const input: Readable = typeof list === 'string' ? createReadStream(list) : list;
  try {
    const head = await firstBytes(input);
    if (head === null) return;
    let bytes = 0;
    input.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    const parser = parse({
      delimiter: delimiterOf(head.toString('latin1')),
      bom: true,
      info: true,
      skip_empty_lines: true,
      // A row that is too short or too long is one bad row, not a bad file.
      relax_column_count: true,
      trim: true,
    });
    input.on('error', (error) => parser.destroy(error));
    for await (const { record, info } of input.pipe(parser) as AsyncIterable<{
      record: string[];
      info: { lines: number };
    }>) {
      yield { cells: record, line: info.lines, bytes };
    }
  } catch (error) {
    throw unreadable(list, error);
  } finally {
    input.destroy();
  }
}

/** Looks at what is there without taking it. */
async function firstBytes(input: Readable): Promise<Buffer | null> {
  await once(input, 'readable');
  const head: Buffer | null = input.read();
  if (head !== null) input.unshift(head);
  return head;
}

/** A spreadsheet in many countries writes semicolons; the header tells, for no column is called so. */
function delimiterOf(head: string): string {
  const [line = ''] = head.split(/[\r\n]/, 1);
  return line.includes(',') ? ',' : (/[;\t]/.exec(line)?.[0] ?? ',');
}

/** What the consent log says of the list, so that it can be told from any other; nothing of a pipe. */
async function describeList(
  list: string | Readable,
): Promise<{ file?: string; sha256?: string; size: number | undefined }> {
  if (typeof list !== 'string') return { size: undefined };
  try {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(list)) hash.update(chunk);
    return { file: path.basename(list), sha256: hash.digest('hex'), size: (await stat(list)).size };
  } catch (error) {
    throw unreadable(list, error);
  }
}

function unreadable(list: string | Readable, cause: unknown): AppError {
  const name = typeof list === 'string' ? list : 'The list';
  const message = cause instanceof Error ? cause.message : String(cause);
  return new AppError('import-unreadable', `${name} cannot be read as CSV.`, { help: `${message}.`, cause });
}

function interrupted(rows: number): AppError {
  return new AppError('interrupted', `Interrupted after ${rows} rows, which are in.`, {
    help: 'Run the same command again: it takes the rest, and nobody twice.',
  });
}
