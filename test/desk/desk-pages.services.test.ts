import { describe, inject } from 'vitest';
import { describeActions } from '../conformance/desk-actions.ts';
import { describeAfterwards } from '../conformance/desk-afterwards.ts';
import { describeChecks } from '../conformance/desk-checks.ts';
import { describePeople } from '../conformance/desk-people.ts';
import { describeWatching } from '../conformance/desk-watch.ts';
import { onServer } from '../helpers/desk.ts';

const databaseUrl = inject('databaseUrl');

describe.skipIf(!databaseUrl)('with services', () => {
  for (const describePages of [
    describeActions,
    describeWatching,
    describePeople,
    describeAfterwards,
    describeChecks,
  ])
    describePages('PostgreSQL', onServer(databaseUrl));
});
