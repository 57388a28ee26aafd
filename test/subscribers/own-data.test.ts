import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../helpers/processes.ts';
import { declaredTables } from '../helpers/schema-columns.ts';

/** Columns of a subscriber that say nothing about the person, and why. */
const NOT_PERSONAL: Record<string, string> = {
  id: 'our own key',
  email_key: 'follows from the address',
  token_version: 'part of the links that the person has',
};

it('a person who asks for their data gets every column that is about them', () => {
  const statement = readFileSync(path.join(ROOT, 'src/subscribers/erase/own-data-store.ts'), 'utf8');
  const columns = Object.keys(declaredTables().subscribers ?? {});
  expect(columns.length).toBeGreaterThan(8);
  const missing = columns.filter((column) => !(column in NOT_PERSONAL) && !statement.includes(`s.${column}`));
  expect(missing, 'export these in exportSubscriber, or say in NOT_PERSONAL why not').toEqual([]);
});
