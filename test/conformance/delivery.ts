import { describe } from 'vitest';
import { type DatabaseLocation, databaseForAll, type WithDatabase } from '../helpers/locations.ts';
import { describeAnswers } from './delivery-answers.ts';
import { describeAudience } from './delivery-audience.ts';
import { describeClaims } from './delivery-claims.ts';
import { describeEnds } from './delivery-ends.ts';
import { describeInterrupted } from './delivery-interrupted.ts';
import { describeRefusals } from './delivery-refusals.ts';
import { describeReplays } from './delivery-replays.ts';
import { describeRetries } from './delivery-retries.ts';
import { describeSender } from './delivery-sender.ts';
import { describeUnreachable } from './delivery-unreachable.ts';
import { describeVariants } from './delivery-variants.ts';

/** How a batch is claimed, submitted and recorded, and how an issue ends despite any fault, on both databases. */
export function describeDelivery(
  name: string,
  newLocation: () => Promise<DatabaseLocation>,
  /** What one of the databases is enough for. */
  describeMore: (withDatabase: WithDatabase) => void = () => {},
): void {
  describe(name, () => {
    const withDatabase = databaseForAll(newLocation);
    describeClaims(withDatabase);
    describeReplays(withDatabase);
    describeRefusals(withDatabase);
    describeRetries(withDatabase);
    describeSender(withDatabase);
    describeAnswers(withDatabase);
    describeUnreachable(withDatabase);
    describeInterrupted(withDatabase);
    describeVariants(withDatabase);
    describeEnds(withDatabase);
    describeAudience(withDatabase);
    describeMore(withDatabase);
  });
}
