import { cpSync } from 'node:fs';
import path from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { types } from '../../src/platform/db/pool.ts';
import { temporaryFolder } from '../helpers/locations.ts';
import { type Extracted, extractStatements, type Kind, type Statement } from '../helpers/sql-statements.ts';

/**
 * Every `sql` template of the program, prepared on a database with the newest schema. Not checked: whether a column
 * that the row type calls not null is never null, because PostgreSQL does not report it.
 */
describe('SQL in the stores', () => {
  let database: PGlite;
  let extracted: Extracted;
  /** A value of each type, as PostgreSQL writes it, by the type's oid. */
  let samples: Map<number, { name: string; text: string }>;
  const folder = temporaryFolder();

  beforeAll(async () => {
    extracted = extractStatements(
      (file) => file.startsWith('src/') && !file.startsWith('src/platform/db/migrations/'),
    );
    const files = path.join(folder.path, 'db');
    cpSync(path.join(inject('madeDatabase'), 'db'), files, { recursive: true });
    database = await PGlite.create(files);
    samples = await readSamples(database);
  });

  afterAll(async () => {
    await database?.close();
    folder[Symbol.dispose]();
  });

  it('has the columns that its row types declare', async () => {
    const faults: string[] = [];
    for (const statement of extracted.statements) faults.push(...(await faultsOf(statement)));
    expect([...new Set(faults)]).toEqual([]);
    expect(extracted.statements.length).toBeGreaterThan(200);
  });

  it('is found completely: this test reads every template', () => {
    expect(extracted.unresolved).toEqual([]);
  });

  it.each([
    // `readChange` joins subscribers, and reads the address of confirmations.
    { table: 'subscribers', column: 'email_key', except: 'readChange' },
    { table: 'deliveries', column: 'provider_id' },
    { table: 'issues', column: 'frozen_to' },
    { table: 'confirmations', column: 'used_at' },
  ])(
    'every statement that uses $column of $table is named when the column is renamed',
    async ({ table, column, except }) => {
      const uses = ({ text, inside }: Statement) =>
        inside !== except &&
        new RegExp(`\\b${table}\\b`).test(text) &&
        new RegExp(`\\b${column}\\b`).test(text);
      const faulty = new Set<string>();
      await database.exec(`alter table ${table} rename column ${column} to renamed`);
      try {
        for (const statement of extracted.statements)
          for (const fault of await faultsOf(statement))
            if (fault.includes(column)) faulty.add(`${statement.place} (${statement.inside})`);
      } finally {
        await database.exec(`alter table ${table} rename column renamed to ${column}`);
      }
      const expected = new Set(
        extracted.statements.filter(uses).map((each) => `${each.place} (${each.inside})`),
      );
      expect([...faulty].sort()).toEqual([...expected].sort());
      expect(faulty.size).toBeGreaterThan(1);
    },
  );

  it.each<[string, Record<string, Kind[]>, string[]]>([
    ['select id, email from subscribers', { id: ['string'] }, ['the row type has no column "email"']],
    [
      'select id from subscribers',
      { id: ['string'], key: ['string'] },
      ['the statement has no column "key"'],
    ],
    [
      'select count(*) as count from subscribers',
      { count: ['string'] },
      ['column "count" is number (int8), the row type says string'],
    ],
    ['select created_at as at from subscribers', { at: ['Date', 'null'] }, []],
    [
      'select topics from subscribers',
      { topics: ['number[]'] },
      ['column "topics" is string[] (_text), the row type says number[]'],
    ],
    ['select details from confirmations', { details: ['any'] }, []],
    ['select nothing from subscribers', {}, ['column "nothing" does not exist']],
  ])('%s, declared as %j, has these faults: %j', async (text, columns, expected) => {
    const faults = await faultsOf({ place: 'a-store.ts:1', inside: 'find', text, columns });
    expect(faults).toEqual(expected.map((each) => `a-store.ts:1 (find): ${each}`));
  });

  async function faultsOf({ place, inside, text, columns }: Statement): Promise<string[]> {
    const faults = await database.describeQuery(text).then(
      ({ resultFields }) => (columns === null ? [] : differences(resultFields, columns)),
      (error: Error) => [error.message],
    );
    return faults.map((fault) => `${place} (${inside}): ${fault}`);
  }

  function differences(
    fields: readonly { name: string; dataTypeID: number }[],
    columns: Record<string, Kind[]>,
  ): string[] {
    const names = new Set(fields.map(({ name }) => name));
    return [
      ...fields.flatMap(({ name, dataTypeID }) => {
        const claimed = columns[name]?.filter((kind) => kind !== 'null');
        if (claimed === undefined) return [`the row type has no column "${name}"`];
        const actual = kindOfType(dataTypeID);
        if (actual === 'any' || claimed.includes('any') || claimed.join() === actual) return [];
        const type = samples.get(dataTypeID)?.name;
        return [`column "${name}" is ${actual} (${type}), the row type says ${columns[name]?.join(' | ')}`];
      }),
      ...Object.keys(columns)
        .filter((name) => !names.has(name))
        .map((name) => `the statement has no column "${name}"`),
    ];
  }

  /** The JavaScript type that our parsers give for this type. */
  function kindOfType(oid: number): Kind {
    const sample = samples.get(oid);
    if (sample === undefined) throw new Error(`no sample for the type ${oid}`);
    if (/^jsonb?$/.test(sample.name)) return 'any';
    return kindOfValue(types.getTypeParser(oid, 'text')(sample.text));
  }
});

function kindOfValue(value: unknown): Kind {
  if (Array.isArray(value)) return `${kindOfValue(value[0])}[]`;
  if (value instanceof Date) return 'Date';
  if (Buffer.isBuffer(value)) return 'Buffer';
  const kind = typeof value;
  return kind === 'string' || kind === 'number' || kind === 'boolean' ? kind : 'any';
}

const BY_CATEGORY: Record<string, string> = { B: 't', N: '1', D: '2026-01-06 09:00:00+00' };

async function readSamples(database: PGlite): Promise<Map<number, { name: string; text: string }>> {
  const { rows } = await database.query<{
    oid: number;
    name: string;
    category: string;
    element: string | null;
  }>(`
    select t.oid::int as oid, t.typname as name, t.typcategory as category, e.typcategory as element
    from pg_type t left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
  `);
  return new Map(
    rows.map(({ oid, name, category, element }) => {
      const text = BY_CATEGORY[element ?? category] ?? (name === 'bytea' ? '\\x00' : 'a');
      return [oid, { name, text: element === null ? text : `{"${text}"}` }];
    }),
  );
}
