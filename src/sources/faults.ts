import { type Comparison, comparisonSchema, UNSEEN } from '../comparisons/model.ts';
import type { Fault } from '../platform/errors.ts';

/** Faults as people read them: "tools.1.entryPrice: missing; url: not an http or https address". */
export function listFaults(faults: readonly Fault[]): string {
  return faults.map(({ field, reason }) => (field ? `${field}: ${reason}` : reason)).join('; ');
}

/** As many as a person fixes at once; a hostile page can have a million faults. */
const MAX_FAULTS = 20;

/** Characters of a reason, which may quote the page. */
const MAX_REASON = 300;

/** Limits the number and length of faults for storing and showing, whatever the page contains. */
export function bounded(faults: readonly Fault[]): Fault[] {
  const shown = faults
    .slice(0, MAX_FAULTS)
    .map(({ field, reason }) => ({ field: shortened(field), reason: shortened(reason) }));
  const more = faults.length - shown.length;
  return more > 0 ? [...shown, { field: '', reason: `and ${more.toLocaleString('en')} more` }] : shown;
}

export function shortened(text: string): string {
  const printable = text.slice(0, 2 * MAX_REASON).replace(UNSEEN, '');
  return printable.length > MAX_REASON ? `${printable.slice(0, MAX_REASON).toWellFormed()}…` : printable;
}

/** Characters of all texts of a comparison: ten times a long one, which still gives a normal page. */
const MAX_WORDS = 30_000;

/** The last step of every source: a comparison of the model, or the invalid fields. */
export function checkComparison(
  value: unknown,
): { comparison: Comparison; faults: [] } | { comparison: null; faults: Fault[] } {
  const crowded = crowdedIn(value);
  if (crowded !== null) return { comparison: null, faults: [crowded] };
  const parsed = comparisonSchema.safeParse(value);
  if (parsed.success) {
    const words = JSON.stringify(parsed.data.tools).length;
    if (words <= MAX_WORDS) return { comparison: parsed.data, faults: [] };
    const [has, may] = [words, MAX_WORDS].map((count) => count.toLocaleString('en'));
    const reason = `has ${has} characters, more than the ${may} that a comparison may have`;
    return { comparison: null, faults: [{ field: 'tools', reason }] };
  }
  const faults = parsed.error.issues.map((issue) => ({
    field: issue.path.join('.'),
    reason: isMissing(value, issue.path) ? 'missing' : lowerFirst(issue.message),
  }));
  return { comparison: null, faults: bounded(faults) };
}

/** More reviews than any real page; they are not checked one by one, because each may have several faults. */
const MAX_REVIEWS = 100;

function crowdedIn(value: unknown): Fault | null {
  const tools: unknown = typeof value === 'object' && value !== null && 'tools' in value ? value.tools : null;
  if (!Array.isArray(tools)) return null;
  if (tools.length > MAX_REVIEWS) return { field: 'tools', reason: 'more than two' };
  const side = tools.findIndex(
    (tool: { reviews?: unknown } | null) => Array.isArray(tool?.reviews) && tool.reviews.length > MAX_REVIEWS,
  );
  return side === -1 ? null : { field: `tools.${side}.reviews`, reason: `more than ${MAX_REVIEWS}` };
}

function isMissing(value: unknown, path: readonly PropertyKey[]): boolean {
  let at: unknown = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return false;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return at === undefined || at === null || (typeof at === 'string' && at.trim() === '');
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
