import { describe, inject } from 'vitest';
import { describeAfterwards } from '../conformance/desk-afterwards.ts';
import { describeChecks } from '../conformance/desk-checks.ts';
import { describeDeeds } from '../conformance/desk-deeds.ts';
import { describePeople } from '../conformance/desk-people.ts';
import { describeWatching } from '../conformance/desk-watch.ts';
import { onServer } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  for (const describePages of [
    describeDeeds,
    describeWatching,
    describePeople,
    describeAfterwards,
    describeChecks,
  ])
    describePages('PostgreSQL', onServer(databaseUrl));
});
