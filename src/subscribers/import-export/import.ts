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
import { createLinkReader } from './carried-links.ts';
import { type Columns, hasUnsubscribed, type RowReader, rowReader } from './formats.ts';
import { causeOf, type Known, mergeResult, stateOf, withConsent } from './merge-rules.ts';
import { Rejections } from './rejections.ts';

export interface ImportOptions {
  /** For the consent log: where the list comes from. */
  source: string;
  /**
   * The consent that covers the people of this list, in words. Without it, only people with their own confirmation time
   * become active.
   */
  consent?: string | undefined;
  /** Columns by name, where the header is not clear. */
  map?: Columns | undefined;
  /** Verify the links that the list carries; without keys, no links are accepted. */
  keys?: Keys | undefined;
  /** Only report what the import would do. */
  dryRun?: boolean | undefined;
  /** File for rejected rows; undefined: they are only counted. */
  rejectedFile?: string | undefined;
  /** Stops the import between two chunks; finished chunks stay imported. */
  signal?: AbortSignal | undefined;
  /** Called after every chunk: bytes read, and the size of the file (undefined for a pipe). */
  onProgress?: ((progress: { rows: number; bytes: number; size: number | undefined }) => void) | undefined;
}

/** Every row is counted in exactly one of `added`, `activated`, `left`, `known`, `erased` and `rejected`. */
export interface ImportReport {
  /** Name of the detected format. */
  format: string;
  /** Columns that were not read. */
  unused: string[];
  rows: number;
  /** New people, by their status after the import. */
  added: Record<SubscriberStatus, number>;
  /** Of the people added as pending: the list says active, but there is no consent. */
  withoutConsent: number;
  /** People who were pending because an earlier list brought no consent; this list brings it. */
  activated: number;
  /** Known people who, by this list, unsubscribed, bounced or complained. */
  left: number;
  /** People already in the database or earlier in the list; nothing was changed. */
  known: number;
  /** People who asked to be forgotten or never to be mailed; that stays so. */
  erased: number;
  /**
   * Number of people whose links were accepted, and of people whose links were not, because the list was made under
   * another `SECRET_KEY` or was changed. Undefined when the list carries no links.
   */
  links?: { kept: number; refused: number };
  /** Of `known` and `erased`: why they are never mailed, although the list says `active`. */
  suppressed?: Partial<Record<SuppressionCause, number>>;
  rejected: number;
  /** Why rows were rejected, the most frequent reason first. */
  reasons: { reason: string; rows: number; firstLine: number }[];
  /** null when no file was written. */
  rejectedFile: string | null;
}

/** Rows in one statement: memory use does not grow with the list. */
const CHUNK = 1_000;

/**
 * Imports the people of a CSV file. The header tells which service wrote it, see {@link rowReader}.
 *
 * - Nobody becomes active without consent (I4): their own confirmation time, or `consent`.
 * - A known person stays unchanged, with two exceptions: an unsubscribe, bounce or complaint in the list counts (I7),
 *   and a person who is pending only because an earlier list brought no consent becomes active when this list brings
 *   it.
 * - A person who asked to be forgotten, or never to be mailed, is not added again.
 *
 * A chunk is one transaction: run an interrupted import again to finish it.
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
    ? createDryRun(db)
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
  const readLinks = options.keys === undefined ? () => undefined : createLinkReader(options.keys);
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
      // A person whom the list names twice: write the first row before the second, so that the database merges them in
      // order.
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

/**
 * Makes the dry run of {@link addSubscribers}: it reports the same, chunk after chunk, and remembers the people it
 * would have changed.
 */
function createDryRun(db: Connection): (rows: NewSubscriber[]) => Promise<Added> {
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
  /** The last line of the file that belongs to the row. */
  line: number;
  /** Bytes read so far. */
  bytes: number;
}

/** @throws AppError `import-unreadable` only for faults of the list itself. */
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
      // A row that is too short or too long is one rejected row, not an unreadable file.
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

/** Reads the first bytes and leaves them in the stream. */
async function firstBytes(input: Readable): Promise<Buffer | null> {
  await once(input, 'readable');
  const head: Buffer | null = input.read();
  if (head !== null) input.unshift(head);
  return head;
}

/** Spreadsheets in many countries write semicolons. The header shows it, because no column name contains one. */
function delimiterOf(head: string): string {
  const [line = ''] = head.split(/[\r\n]/, 1);
  return line.includes(',') ? ',' : (/[;\t]/.exec(line)?.[0] ?? ',');
}

/** Identifies the list in the consent log, by size and hash; a pipe has no description. */
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
