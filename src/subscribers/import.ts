import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import { z } from 'zod';
import type { Connection } from '../db/index.ts';
import { AppError } from '../errors.ts';
import { parseAddress } from './address.ts';
import { addSubscribers, type NewSubscriber } from './store.ts';

export interface ImportReport {
  /** Rows read. */
  rows: number;
  added: number;
  /** Already on the books, and left as they are. */
  known: number;
  rejected: { line: number; reason: string }[];
}

/** Rows in one statement: memory stays flat however long the file is. */
const CHUNK = 1_000;

/** A cell that may be missing or empty; no database holds a NUL, and no reader types a tab. */
const cell = z
  .string()
  .regex(/^\P{Cc}*$/u, 'contains an invisible character')
  .default('');

const rowSchema = z.object({
  email: z.string(),
  status: cell
    .transform((value) => value || 'active')
    .pipe(z.enum(['active', 'pending', 'unsubscribed', 'suppressed'])),
  topics: cell.transform((value) =>
    [...new Set(value.split(';').map((topic) => topic.trim()))].filter(Boolean).sort(),
  ),
  timezone: cell.transform((value) => value || null),
  confirmed_at: cell
    .transform((value) => value || null)
    .pipe(
      z.iso
        .datetime({ offset: true, error: 'is not a date and time like 2026-11-01T09:00:00Z' })
        .transform((value) => new Date(value))
        .nullable(),
    ),
});

/**
 * Reads a CSV of subscribers with the columns email, status, topics (separated by `;`), timezone and
 * confirmed_at, of which only email is required. A row without consent (no `confirmed_at`) is taken
 * as pending, never as active: nobody is mailed who did not confirm (I4).
 * @throws AppError `import-unreadable`.
 */
export async function importSubscribers(db: Connection, file: string, source: string): Promise<ImportReport> {
  const report: ImportReport = { rows: 0, added: 0, known: 0, rejected: [] };
  const chunk = new Map<string, NewSubscriber>();
  const flush = async () => {
    const added = await addSubscribers(db, [...chunk.values()], source);
    report.added += added;
    report.known += chunk.size - added;
    chunk.clear();
  };

  const parser = parse({
    columns: (names: string[]) => columnsOf(names, file),
    delimiter: await delimiterOf(file),
    bom: true,
    info: true,
    skip_empty_lines: true,
    // A row that is too short or too long is one bad row, not a bad file.
    relax_column_count: true,
    trim: true,
  });
  const input = createReadStream(file);
  input.on('error', (error) => parser.destroy(error));
  try {
    for await (const { record, info } of input.pipe(parser) as AsyncIterable<{
      record: unknown;
      info: { lines: number };
    }>) {
      report.rows += 1;
      const read = readRow(record);
      if ('reason' in read) report.rejected.push({ line: info.lines, reason: read.reason });
      else if (chunk.has(read.key)) report.known += 1;
      else chunk.set(read.key, read);
      if (chunk.size === CHUNK) await flush();
    }
    if (chunk.size > 0) await flush();
  } catch (error) {
    // Only what the file is to blame for; a database fault speaks for itself.
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (!/^(CSV_|E[A-Z]+$)/.test(code)) throw error;
    throw new AppError('import-unreadable', `${file} cannot be read as CSV.`, {
      help: `${message}.`,
      cause: error,
    });
  }
  return report;
}

function columnsOf(names: string[], file: string): string[] {
  const columns = names.map((name) => name.trim().toLowerCase());
  if (columns.includes('email')) return columns;
  throw new AppError('import-columns', `${file} has no column called email.`, {
    help: `Its first line must name the columns; it reads: ${names.join(', ').slice(0, 200)}.`,
  });
}

/** A spreadsheet in many countries writes semicolons; the header tells, for no column is called so. */
async function delimiterOf(file: string): Promise<string> {
  let header = '';
  try {
    for await (const chunk of createReadStream(file, { encoding: 'utf8', end: 4_095 })) header += chunk;
  } catch {
    // The parser meets the same fault, and reports it.
  }
  const [line = ''] = header.split(/[\r\n]/, 1);
  return line.includes(',') ? ',' : (/[;\t]/.exec(line)?.[0] ?? ',');
}

function readRow(record: unknown): NewSubscriber | { reason: string } {
  const row = rowSchema.safeParse(record);
  if (!row.success) {
    return {
      reason: row.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
    };
  }
  const address = parseAddress(row.data.email);
  if ('reason' in address) return { reason: `email ${address.reason}` };
  const { status, topics, timezone, confirmed_at: confirmedAt } = row.data;
  return {
    ...address,
    status: status === 'active' && confirmedAt === null ? 'pending' : status,
    topics,
    timezone,
    confirmedAt: status === 'pending' ? null : confirmedAt,
  };
}
