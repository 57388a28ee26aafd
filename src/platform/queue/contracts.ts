import { z } from 'zod';

/**
 * The jobs that workers process. Code that enqueues imports this file; only workers import the processors in `jobs/`.
 * Payloads carry ids, never content: the database is the truth, a job only wakes a worker, and a duplicate changes nothing.
 * Names never change once released.
 */
interface Contract<Payload extends z.ZodType = z.ZodType> {
  queue: QueueName;
  payload: Payload;
  attempts: number;
  /** First delay of the exponential backoff, in ms. */
  backoffMs: number;
  /** While one such job waits, another is not enqueued; while one runs, at most one more waits. */
  once?: boolean;
}

export const QUEUE_NAMES = ['issues', 'delivery', 'transactional'] as const;
export type QueueName = (typeof QUEUE_NAMES)[number];

const nothing = z.object({});

export const contracts = {
  /** The weekly slot is due: gather, compose, or start the approved issue. */
  slot: { queue: 'issues', payload: nothing, attempts: 3, backoffMs: 5_000 },
  /** Every hour and at boot: read the sources by conditional requests, so that an unchanged one costs nothing. */
  gather: { queue: 'issues', payload: nothing, attempts: 1, backoffMs: 0 },
  /** Every minute and at boot: derive unfinished work from rows. */
  reconcile: { queue: 'issues', payload: nothing, attempts: 1, backoffMs: 0 },
  /** Freeze an approved issue: variants, audience, batches. */
  prepare: { queue: 'issues', payload: z.object({ issueId: z.uuid() }), attempts: 5, backoffMs: 2_000 },
  /** Submit one batch to the provider. */
  submit: { queue: 'delivery', payload: z.object({ batchId: z.uuid() }), attempts: 5, backoffMs: 2_000 },
  /** Answer the pending requests of all forms: decide who gets which mail. */
  sign_up: { queue: 'transactional', payload: nothing, attempts: 5, backoffMs: 2_000 },
  /** Send one transactional email; in a separate queue, so that it never waits for an issue. */
  mail: { queue: 'transactional', payload: z.object({ mailId: z.uuid() }), attempts: 5, backoffMs: 2_000 },
  /** Apply the provider's new events: all of them in one job, never one job an event. */
  events: { queue: 'issues', payload: nothing, attempts: 3, backoffMs: 1_000, once: true },
  /** Every hour, at boot and after an erasure: delete outbox mails that are too old, or of erased people. */
  clean_outbox: { queue: 'issues', payload: nothing, attempts: 3, backoffMs: 5_000, once: true },
  /** Every hour and at boot: delete what is older than RETENTION says. */
  retention: { queue: 'issues', payload: nothing, attempts: 3, backoffMs: 5_000, once: true },
} as const satisfies Record<string, Contract>;

export type JobName = keyof typeof contracts;
export type Payload<Name extends JobName> = z.infer<(typeof contracts)[Name]['payload']>;
