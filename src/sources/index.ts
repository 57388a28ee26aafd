import { AppError } from '../errors.ts';
import { gatherFolder } from './folder.ts';
import { Collection, type Gathered, type SourceReport } from './gathered.ts';

export { checkComparison, type Fault, listFaults } from './faults.ts';
export { gatherFolder } from './folder.ts';
export type { Gathered, SourceReport } from './gathered.ts';
export { type PageOptions, readPage } from './page.ts';
export { type GatherRecord, lastGather, recordGather } from './store.ts';

/** Where comparisons come from. */
export interface Source {
  kind: 'folder';
  path: string;
}

/**
 * A source as the settings write it: "folder:PATH".
 *
 * @throws AppError `source-unknown` for anything else.
 */
export function parseSource(text: string): Source {
  const [, kind, place] = /^\s*([a-z]+):(.*)$/su.exec(text) ?? [];
  const path = place?.trim();
  if (kind === 'folder' && path) return { kind, path };
  throw new AppError('source-unknown', `"${text.trim()}" is not a source of comparisons.`, {
    help: 'Write folder:PATH, for instance folder:samples/comparisons.',
  });
}

export function formatSource(source: Source): string {
  return `${source.kind}:${source.path}`;
}

/**
 * Reads all sources, in order. The same comparison from two sources is taken from the first. A source that
 * cannot be read is reported and does not keep the others from being gathered.
 *
 * @throws AppError of the first source, when not one of them could be read.
 */
export async function gather(sources: readonly Source[]): Promise<Gathered & { sources: SourceReport[] }> {
  const all = new Collection();
  const reports: SourceReport[] = [];
  for (const source of sources) {
    const report: SourceReport = { source: formatSource(source), comparisons: 0, rejected: 0, fault: null };
    reports.push(report);
    const before = { comparisons: all.comparisons.length, rejected: all.rejected.length };
    try {
      const { comparisons, rejected } = await gatherFolder(source.path);
      for (const { name, reason } of rejected) all.reject(name, reason);
      for (const comparison of comparisons) all.add(comparison.slug, comparison, report.source);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      report.fault = error;
    }
    report.comparisons = all.comparisons.length - before.comparisons;
    report.rejected = all.rejected.length - before.rejected;
  }
  const faults = reports.map((report) => report.fault);
  if (faults[0] && faults.every((fault) => fault !== null)) throw faults[0];
  return { comparisons: all.comparisons, rejected: all.rejected, sources: reports };
}
