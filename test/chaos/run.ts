import { startResend } from '../resend/index.ts';
import { secretsIn, type Verdict } from './check-issue.ts';
import { trace } from './crew.ts';
import { type Attack, Fire } from './fire.ts';
import { fateOf, type Ground, WEBHOOK_SECRET } from './ground.ts';

/**
 * One issue, sent under fire: its workers are killed, stopped and replaced, its services flushed and restarted, its
 * provider misbehaves, and readers unsubscribe all the time. Then the fire stops, and the issue must finish by itself.
 * The only change that the harness makes to rows is to let time pass: leases expire after seconds instead of a minute.
 */
export interface Report {
  attack: Attack;
  kills: string[];
  /** The other actions, in order. */
  faults: string[];
  crashes: string[];
  left: number;
  /** How uncertain batches were settled: by evidence, or by a person. */
  settlements: string[];
  seconds: number;
  verdict: Verdict;
  isGood: boolean;
}

export async function run(ground: Ground, attack: Attack): Promise<Report> {
  const began = performance.now();
  await using resend = await startResend({
    // So slow that work is always in progress.
    ratePerSecond: 2,
    refusedDomains: [],
    latencyMs: 150,
    record: 'messages',
    fate: fateOf,
  });
  await using installation = await ground.install(resend, attack.seed);
  trace('installed');
  await using fire = new Fire(installation, resend, attack);
  await fire.rage();
  await fire.calm();
  const verdict = await fire.verdict();
  trace('checked');
  const secrets = [resend.apiKey, WEBHOOK_SECRET, installation.env.SECRET_KEY ?? ''];
  for (const found of secretsIn(fire.crew.said, installation.readers, secrets))
    verdict.faults.push(`I9: ${found} was logged`);
  const { lost, doubled, afterLeaving, faults } = verdict;
  return {
    attack,
    kills: fire.crew.kills,
    faults: fire.faults,
    crashes: fire.crew.crashes,
    left: fire.unsubscribers.unsubscribes.length,
    settlements: await fire.settlements(),
    seconds: (performance.now() - began) / 1_000,
    verdict,
    isGood: lost.length + doubled.length + afterLeaving.length + faults.length === 0,
  };
}
