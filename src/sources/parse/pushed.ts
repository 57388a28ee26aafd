import type { Comparison } from '../../comparisons/model.ts';
import { slugFor } from '../../comparisons/names.ts';
import type { Fault } from '../../platform/errors.ts';
import { AppError } from '../../platform/errors.ts';
import { checkComparison } from '../faults.ts';

/**
 * Reads one comparison as JSON, as docs/sources.md describes it. Without a URL of its own it gets our page's URL.
 *
 * @throws AppError `comparison-invalid` with the faults.
 */
export function readSent(text: string, { site }: { site: string }): Comparison {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid([{ field: '', reason: 'not JSON' }]);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid([{ field: '', reason: 'not one comparison: send a JSON object' }]);
  }
  const given: Record<string, unknown> = { ...value };
  const names = namesOf(given.tools);
  if (given.slug === undefined && names) given.slug = slugFor(...names);
  if (given.url === undefined && typeof given.slug === 'string')
    given.url = `${site}/comparisons/${encodeURIComponent(given.slug)}`;
  const { comparison, faults } = checkComparison(given);
  // Optional fields are not reported as missing; without names the slug cannot be made.
  if (comparison === null)
    throw invalid(faults.filter(({ field }) => !LEFT_OUT.has(field) || field in value));
  return comparison;
}

const LEFT_OUT = new Set(['slug', 'url']);

function namesOf(tools: unknown): [string, string] | undefined {
  if (!Array.isArray(tools)) return undefined;
  const [a, b] = tools.map((tool: { name?: unknown } | null) => tool?.name);
  return typeof a === 'string' && typeof b === 'string' ? [a, b] : undefined;
}

function invalid(faults: Fault[]): AppError {
  return new AppError('comparison-invalid', 'A push that is no comparison.', { context: { faults } });
}
