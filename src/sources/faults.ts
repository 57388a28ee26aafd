import { type Comparison, comparisonSchema } from '../comparisons/index.ts';

/** One field and what is wrong with it: "tools.1.entryPrice", "missing". */
export interface Fault {
  field: string;
  reason: string;
}

/** Faults as people read them: "tools.1.entryPrice: missing; url: not an http or https address". */
export function listFaults(faults: readonly Fault[]): string {
  return faults.map(({ field, reason }) => (field ? `${field}: ${reason}` : reason)).join('; ');
}

/** Every source ends here: a comparison of the model, or every field that keeps it from being one. */
export function checkComparison(
  value: unknown,
): { comparison: Comparison; faults: [] } | { comparison: null; faults: Fault[] } {
  const parsed = comparisonSchema.safeParse(value);
  if (parsed.success) return { comparison: parsed.data, faults: [] };
  const faults = parsed.error.issues.map((issue) => ({
    field: issue.path.join('.'),
    reason: isMissing(value, issue.path) ? 'missing' : lowerFirst(issue.message),
  }));
  return { comparison: null, faults };
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
