import { z } from 'zod';

/**
 * What can be asked of a worker. Anyone who enqueues imports this file; only workers import the
 * processors in `jobs/`. Payloads carry ids, never content: the database is the truth, a job is a
 * wake-up, and a second one does no harm. Names never change once released.
 */
interface Contract<Payload extends z.ZodType = z.ZodType> {
  queue: QueueName;
  payload: Payload;
  attempts: number;
  /** First delay of the exponential backoff, in ms. */
  backoffMs: number;
  /** Enqueued while one waits, it is not enqueued again; while one runs, one more waits behind it. */
  once?: boolean;
}

export const QUEUE_NAMES = ['issues', 'delivery', 'transactional'] as const;
export type QueueName = (typeof QUEUE_NAMES)[number];

const nothing = z.object({});

export const contracts = {
  /** The weekly slot has come: gather, compose, or start what was approved. */
  slot: { queue: 'issues', payload: nothing, attempts: 3, backoffMs: 5_000 },
  /** Every hour and at boot: look at the sources, on conditions, so that an unchanged one costs nothing. */
  gather: { queue: 'issues', payload: nothing, attempts: 1, backoffMs: 0 },
  /** Every minute and at boot: derive unfinished work from rows. */
  reconcile: { queue: 'issues', payload: nothing, attempts: 1, backoffMs: 0 },
  /** Freeze an approved issue: variants, audience, batches. */
  prepare: { queue: 'issues', payload: z.object({ issueId: z.uuid() }), attempts: 5, backoffMs: 2_000 },
  /** Submit one batch to the provider. */
  submit: { queue: 'delivery', payload: z.object({ batchId: z.uuid() }), attempts: 5, backoffMs: 2_000 },
  /** Answer the requests of all forms that wait: who gets which mail. */
  sign_up: { queue: 'transactional', payload: nothing, attempts: 5, backoffMs: 2_000 },
  /** Send one transactional mail; in a lane of its own, so that it never waits for an issue. */
  mail: { queue: 'transactional', payload: z.object({ mailId: z.uuid() }), attempts: 5, backoffMs: 2_000 },
  /** Apply what the provider told us since: all of it at once, never one job an event. */
  events: { queue: 'issues', payload: nothing, attempts: 3, backoffMs: 1_000, once: true },
  /** Every hour, at boot and after an erasing: end what the outbox keeps for too long, or of people who are gone. */
  clean_outbox: { queue: 'issues', payload: nothing, attempts: 3, backoffMs: 5_000, once: true },
} as const satisfies Record<string, Contract>;

export type JobName = keyof typeof contracts;
export type Payload<Name extends JobName> = z.infer<(typeof contracts)[Name]['payload']>;
