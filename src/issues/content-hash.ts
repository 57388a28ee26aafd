import { createHash } from 'node:crypto';

/**
 * Hash of frozen content (I5): sha256, 64 hex digits, of JSON with sorted keys, so that a `jsonb` column, which
 * loses the order of keys, does not change it. Undefined fields are left out, as in JSON.
 */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/** Hash of a plan without its number, which is given when the content is frozen: an approval is for the rest. */
export function planHashOf(plan: { number: number }): string {
  return contentHash({ ...plan, number: null });
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}
