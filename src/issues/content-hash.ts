import { createHash } from 'node:crypto';

/**
 * Fingerprint of frozen content (I5): sha256, 64 hex digits, of JSON with sorted keys, so that a trip
 * through a `jsonb` column, which forgets the order of keys, changes nothing. Fields that are undefined
 * count as absent, as in JSON.
 */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}
