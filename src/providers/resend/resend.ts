import { Resend } from 'resend';
import { Agent, request } from 'undici';
import { z } from 'zod';
import type { ItemOutcome, Mailer, Outcome } from '../port.ts';
import { bodyOf } from './batch-body.ts';
import { classify, type Refusal } from './classify.ts';

export interface ResendOptions {
  apiKey: string;
  /** Without a trailing slash. */
  baseUrl: string;
  /** Called with the account's limit, in requests a second, when an answer reports it. */
  onLimit?: (perSecond: number) => void;
  clock?: () => Date;
  random?: () => number;
}

/** Resend's own address; pages and logs name any other address. */
const RESEND = 'https://api.resend.com';

/** Without a name the edge refuses every request (403, code 1010). */
const USER_AGENT = 'weekly-verdict';

/** Longer than the slowest answer ever observed from Resend. */
const TIMEOUT_MS = 30_000;

/** More connections than any worker has batches in flight. */
const CONNECTIONS = 16;

/**
 * Mail through Resend. Batches are written as bytes to `POST /emails/batch` over keep-alive connections
 * (docs/adr/0010); everything else uses the SDK. Neither retries: {@link classify} interprets an answer, and the caller
 * decides what to do. Resend cannot report the outcome of a key, so there is no `recall`: events or a person settle it.
 */
export function openResend(options: ResendOptions): Mailer & AsyncDisposable {
  const { apiKey, baseUrl, onLimit, clock = () => new Date(), random = Math.random } = options;
  const sdk = new Resend(apiKey, { baseUrl, userAgent: USER_AGENT });
  const agent = new Agent({ connections: CONNECTIONS, pipelining: 1, connectTimeout: 10_000 });
  const refused = (
    status: number | null,
    error: unknown,
    headers: Refusal['headers'] | null,
    size: number,
  ) => {
    const { name } = errorSchema.parse(error);
    const outcome = classify({ status, name, headers: headers ?? {}, size, now: clock() });
    // Jitter, so that clients that were limited together do not all return together.
    if (outcome.kind === 'retryAfter') outcome.ms += Math.ceil((100 + outcome.ms / 10) * random());
    return outcome;
  };
  const reportLimit = (headers: Refusal['headers'] | null) => {
    const perSecond = headers === null ? undefined : limitOf(headers);
    if (perSecond !== undefined) onLimit?.(perSecond);
  };

  return {
    destination: baseUrl === RESEND ? 'Resend' : `Resend at ${baseUrl}`,

    async submit(batch, signal) {
      const size = batch.copies.length;
      const body = bodyOf(batch);
      let hasBegun = false;
      const observed = (function* () {
        hasBegun = true;
        yield* body;
      })();
      try {
        const answer = await request(`${baseUrl}/emails/batch`, {
          dispatcher: agent,
          method: 'POST',
          headers: {
            authorization: `Bearer ${apiKey}`,
            'user-agent': USER_AGENT,
            'content-type': 'application/json',
            'content-length': String(body.length),
            'idempotency-key': batch.key,
            'x-batch-validation': 'permissive',
          },
          body: observed as never,
          signal: within(signal),
        });
        const headers = plain(answer.headers);
        reportLimit(headers);
        const json = parse(await answer.body.text());
        if (answer.statusCode < 200 || answer.statusCode >= 300) {
          return refused(answer.statusCode, json, headers, size);
        }
        return itemsOf(json, size);
      } catch (error) {
        const reason = reasonOf(error);
        // The body is read when a connection stands. Without it nothing can have been accepted, whatever failed:
        // the name, the address, the handshake, the certificate.
        return !hasBegun ? { kind: 'unreachable', reason } : { kind: 'ambiguous', reason, final: false };
      }
    },

    async send({ mailId, kind, from, to, replyTo, subject, html, text, headers }, key, signal) {
      // Follow no redirect, as for batches: mail must not go to a host that somebody else names.
      const options = { idempotencyKey: key, signal: within(signal), redirect: 'manual' as const };
      const answer = await sdk.emails.send(
        {
          from,
          to,
          replyTo,
          subject,
          html,
          text,
          headers,
          tags: [
            { name: 'kind', value: kind },
            { name: 'mail', value: mailId },
          ],
        },
        options,
      );
      reportLimit(answer.headers);
      if (answer.data !== null) return itemsOf({ data: [answer.data] }, 1);
      // `statusCode` is that of the answer; null when no answer could be read.
      return refused(errorSchema.parse(answer.error).statusCode ?? null, answer.error, answer.headers, 1);
    },

    [Symbol.asyncDispose]: () => agent.close(),
  };
}

function within(signal: AbortSignal | undefined): AbortSignal {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  return signal === undefined ? limit : AbortSignal.any([signal, limit]);
}

/** An error body from any server: the page of a proxy has neither field. */
const errorSchema = z
  .object({ name: z.string().optional(), statusCode: z.number().nullable().optional() })
  .catch({});

const answerSchema = z.object({
  data: z.array(z.object({ id: z.string().min(1) })),
  errors: z
    .array(
      z.object({ index: z.number().int(), message: z.string().min(1).catch('refused without a reason') }),
    )
    .nullish(),
});

/**
 * The accepted messages. `data` holds only these, in order; `errors` names the others by their index in the request. An
 * answer whose counts do not match is `ambiguous` and final: the same request would return the same answer.
 */
function itemsOf(json: unknown, size: number): Outcome {
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success) return { kind: 'ambiguous', reason: 'an answer that cannot be read', final: false };
  const { data } = parsed.data;
  const errors = parsed.data.errors ?? [];
  const refused = new Map(errors.map(({ index, message }) => [index, withoutAddresses(message)]));
  const ids = data.map(({ id }) => id);
  const inOrder = [...refused.keys()].every((index) => index >= 0 && index < size);
  if (ids.length + refused.size !== size || refused.size !== errors.length || !inOrder) {
    return {
      kind: 'ambiguous',
      reason: `${ids.length} ids and ${errors.length} errors for ${size} messages`,
      final: true,
    };
  }
  if (new Set(ids).size !== ids.length) return { kind: 'ambiguous', reason: 'an id came twice', final: true };
  const next = ids.values();
  const items = Array.from({ length: size }, (_, index): ItemOutcome => {
    const reason = refused.get(index);
    return reason === undefined ? { accepted: next.next().value as string } : { rejected: reason };
  });
  return { kind: 'accepted', items };
}

/** Reasons are counted and shown, so they must not contain an address (I9). */
function withoutAddresses(message: string): string {
  return message.replace(/[^\s"'`<>]+@[^\s"'`<>]+/g, '…').slice(0, 200);
}

/** `ratelimit-limit` in requests a second; `ratelimit-policy` (`20;w=1`) gives the length of the window. */
function limitOf(headers: Refusal['headers']): number | undefined {
  const limit = Number(headers['ratelimit-limit']);
  const seconds = Number(/;\s*w=(\d+)/.exec(headers['ratelimit-policy'] ?? '')?.[1] ?? 1);
  return limit > 0 && seconds > 0 ? limit / seconds : undefined;
}

function plain(headers: Record<string, string | string[] | undefined>): Refusal['headers'] {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat()[0]]));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The code of a network error says more than its text, and never contains an address. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer';
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time';
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? error.message : `no answer: ${code}`;
}
