import type { Field } from './field-changes.ts';

/** What people read of a reprint. */
export interface DescribedReprint {
  field: Field;
  way: string;
  /** How many comparisons it is about, of how many there were. */
  comparisons: number;
  archiveSize: number;
  /** One of its changes; a null value is a figure that is not there, or a text too long to show. */
  example: { slug: string; was: string | number | null; now: string | number | null } | null;
}

const FIELDS: Record<Field, string> = {
  price: 'the entry price',
  panel: 'the panel',
  community: 'the community',
  name: 'the name',
  category: 'the category',
  tagline: 'the tagline',
  description: 'the description',
  reviews: 'the reviews',
  address: 'the address',
};

/** "480 of 500 comparisons changed the entry price in the same way: “$20/mo” → “$20 per month”." */
export function describeReprint(reprint: DescribedReprint): string {
  const { comparisons, archiveSize, field, way, example } = reprint;
  const what = `${comparisons} of ${Math.max(archiveSize, comparisons)} comparisons changed ${FIELDS[field]} in the same way`;
  const { was = null, now = null } = example ?? {};
  if (was === null && now === null) return `${what}: ${way}.`;
  return `${what}: ${quoted(was)} → ${quoted(now)}.`;
}

/** The question to the editors. */
export function questionOf(reprint: DescribedReprint): string {
  return `${describeReprint(reprint)} No issue tells it until somebody says whether it is news.`;
}

function quoted(value: string | number | null): string {
  return value === null ? '—' : value === '' ? 'nothing' : `“${value}”`;
}
