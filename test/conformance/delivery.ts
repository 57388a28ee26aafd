import type { Place } from '../helpers/homes.ts';
import { describeAnswers } from './delivery-answers.ts';
import { describeClaims } from './delivery-claims.ts';
import { describeEnds } from './delivery-ends.ts';
import { describeInterrupted } from './delivery-interrupted.ts';
import { describeReplays } from './delivery-replays.ts';
import { describeUnreachable } from './delivery-unreachable.ts';
import { describeVariants } from './delivery-variants.ts';

/** How a batch is claimed, submitted and recorded, and how an issue ends, whatever goes wrong: on either home. */
export function describeDelivery(name: string, newPlace: () => Promise<Place>): void {
  describeClaims(name, newPlace);
  describeReplays(name, newPlace);
  describeAnswers(name, newPlace);
  describeUnreachable(name, newPlace);
  describeInterrupted(name, newPlace);
  describeVariants(name, newPlace);
  describeEnds(name, newPlace);
}
