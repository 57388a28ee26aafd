import { openResend } from '../../src/providers/resend/resend.ts';
import { contender, type Spent, stopwatch } from '../child.ts';
import { SETTINGS, sampleBatch, sampleVariant } from '../issue.ts';

export interface Input {
  provider: string;
  emails: number;
}

/** The adapter alone: prepared batches are assembled and posted, and their answers parsed. */
await contender(async ({ provider, emails }: Input): Promise<Spent> => {
  const { rendered } = await sampleVariant();
  const batch = sampleBatch(rendered);
  await using mailer = openResend({ apiKey: SETTINGS.RESEND_API_KEY, baseUrl: provider });
  let left = emails / 100;
  const submit = async () => {
    while (left-- > 0) {
      const outcome = await mailer.submit(batch);
      if (outcome.kind !== 'accepted') throw new Error(outcome.kind);
    }
  };
  const read = stopwatch();
  await Promise.all(Array.from({ length: 4 }, submit));
  return read();
});
