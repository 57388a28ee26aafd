import { stringify } from 'csv-stringify/sync';
import type { Connection } from '../../platform/db/database.ts';
import type { SubscriberStatus } from '../../platform/db/schema.ts';
import { type Listed, listSubscribers } from '../subscriber-store.ts';
import type { Keys } from '../tokens.ts';
import { createLinkWriter } from './carried-links.ts';
import { escapeFormula } from './cells.ts';

/** The columns that an import reads come first; the others are for people. */
const COLUMNS = [
  'email',
  'status',
  'topics',
  'timezone',
  'confirmed_at',
  'paused_until',
  'left_at',
  'left_reason',
  'consent_at',
  'consent_method',
  'consent_source',
  'created_at',
  'links',
] as const satisfies (keyof Listed)[];

/** A person, with their links signed. */
type Exported = Omit<Listed, 'key' | 'links'> & { links: string };

/**
 * Exports everybody in these states, as text that is produced while it is read. Each page reports its number of people.
 * @param keys sign the links of each person, so that links in mail sent earlier keep working where the list is
 *   imported: only an installation with one of these keys accepts them.
 */
export async function* exportSubscribers(
  db: Connection,
  format: 'csv' | 'json',
  statuses: readonly SubscriberStatus[],
  keys: Keys,
): AsyncGenerator<{ text: string; people: number }> {
  const write = format === 'csv' ? csv() : json();
  const linksOf = createLinkWriter(keys);
  yield { text: write.head, people: 0 };
  for await (const page of listSubscribers(db, statuses)) {
    const people = page.map(({ key, ...person }) => ({ ...person, links: linksOf(key, person.links) }));
    yield { text: write.page(people), people: people.length };
  }
  yield { text: write.foot, people: 0 };
}

interface Writer {
  head: string;
  page(people: Exported[]): string;
  foot: string;
}

function csv(): Writer {
  const rowOf = (person: Exported) => COLUMNS.map((column) => escapeFormula(cellOf(person[column])));
  return {
    head: stringify([COLUMNS]),
    page: (people) => stringify(people.map(rowOf)),
    foot: '',
  };
}

function cellOf(value: string | string[] | Date | null): string {
  if (value instanceof Date) return value.toISOString();
  return Array.isArray(value) ? value.join(';') : (value ?? '');
}

function json(): Writer {
  let isFirst = true;
  return {
    head: '[',
    page(people) {
      const text = people.map((person) => `\n${JSON.stringify(person)}`).join(',');
      const joined = isFirst ? text : `,${text}`;
      isFirst = false;
      return joined;
    },
    foot: '\n]\n',
  };
}
