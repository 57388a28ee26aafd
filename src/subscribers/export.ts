import { stringify } from 'csv-stringify/sync';
import type { Connection, SubscriberStatus } from '../db/index.ts';
import { guarded } from './cells.ts';
import { type Listed, listSubscribers } from './store.ts';

/** What an import reads comes first; the rest is for people. */
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
] as const satisfies (keyof Listed)[];

/** Everybody in these states, as text that is made while it is read; its pages count the people in them. */
export async function* exportSubscribers(
  db: Connection,
  format: 'csv' | 'json',
  statuses: readonly SubscriberStatus[],
): AsyncGenerator<{ text: string; people: number }> {
  const write = format === 'csv' ? csv() : json();
  yield { text: write.head, people: 0 };
  for await (const page of listSubscribers(db, statuses))
    yield { text: write.page(page), people: page.length };
  yield { text: write.foot, people: 0 };
}

interface Writer {
  head: string;
  page(people: Listed[]): string;
  foot: string;
}

function csv(): Writer {
  const rowOf = (person: Listed) => COLUMNS.map((column) => guarded(cellOf(person[column])));
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
