import { describeAddresses } from './subscribe/addresses.ts';
import { describeBodies } from './subscribe/bodies.ts';
import { formForAll } from './subscribe/form.ts';
import { describeGate } from './subscribe/gate.ts';
import { describeLimits } from './subscribe/limits.ts';
import { describeOrigins } from './subscribe/origins.ts';
import { describePages } from './subscribe/pages.ts';
import { describePuzzle } from './subscribe/puzzle.ts';
import { describeSecrecy } from './subscribe/secrecy.ts';

/**
 * What `/subscribe` accepts, what it refuses, and what it never reveals. All tests share one site, which is opened
 * once.
 */

const form = formForAll();
describeAddresses(form);
describeBodies(form);
describePages(form);
describeSecrecy(form);
describeOrigins(form);
describeLimits(form);
describeGate(form);
describePuzzle(form);
