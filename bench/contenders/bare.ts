import { Agent, request } from 'undici';
import { bodyOf } from '../../src/providers/resend/batch-body.ts';
import { contender, type Spent, stopwatch } from '../child.ts';
import { sampleBatch, sampleVariant } from '../issue.ts';

export interface Input {
  provider: string;
  emails: number;
}

/** Requests in flight; more do not make it faster. */
const LOOPS = 4;

/**
 * The physical limit: a loop that posts the bytes of one batch again and again, without database, queue and assembling.
 */
await contender(async ({ provider, emails }: Input): Promise<Spent> => {
  const { rendered } = await sampleVariant();
  const body = Buffer.concat(Array.from(bodyOf(sampleBatch(rendered)), (chunk) => Buffer.from(chunk)));
  const dispatcher = new Agent({ connections: LOOPS, pipelining: 1 });
  const headers = { 'content-type': 'application/json' };
  let left = emails / 100;
  const post = async () => {
    while (left-- > 0) {
      const answer = await request(`${provider}/emails/batch`, { method: 'POST', headers, body, dispatcher });
      await answer.body.json();
    }
  };
  const read = stopwatch();
  await Promise.all(Array.from({ length: LOOPS }, post));
  const spent = read();
  await dispatcher.close();
  return spent;
});
