import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  addressOf,
  countRecipients,
  faultOfKey,
  isRefusal,
  type Refusal,
  type Rules,
  readBatch,
  readEmail,
  refusal,
  type WireEmail,
} from './contract.ts';
import { type Arrived, type Fault, type FaultName, faultOf, type Planner } from './faults.ts';
import {
  type Accepted,
  type Answered,
  idOf,
  Ledger,
  type Recording,
  type Refused,
  type Remembered,
  scanRecipients,
} from './ledger.ts';
import { eventOf, eventsOf, type Fate, fateOfTestRecipient, LAST_EVENT } from './outcomes.ts';
import { page, Suppressions } from './suppressions.ts';
import { type WebhookOptions, Webhooks } from './webhooks.ts';

/**
 * A Resend for this machine: the documented contract of sending over a socket, with everything a sender must
 * survive, and an oracle that knows what was truly accepted.
 */
export interface LocalResendOptions {
  /** Default 0: any that is free. */
  port?: number;
  /** The keys that are good. Default: one, `re_local`. */
  apiKeys?: readonly string[];
  /** Those of them that may only send. */
  sendingOnly?: readonly string[];
  /** Requests in a second of the clock, of all keys together. Default 10. */
  ratePerSecond?: number;
  /** Recipients; undefined: none. */
  dailyQuota?: number;
  monthlyQuota?: number;
  /** Whether `x-batch-validation: permissive` is honoured, which Resend no longer advertises. Default: yes. */
  isPermissive?: boolean;
  /** Domains that may be in `from`. Default: every one. */
  verifiedDomains?: readonly string[];
  /** Domains that are refused in `to`. Default: example.com and test.com, as Resend does. */
  refusedDomains?: readonly string[];
  /** A request with more is refused by the edge. Default: 40 MB. */
  maxRequestBytes?: number;
  /** What becomes of an address. Default: Resend's test recipients, and `delivered` for all others. */
  fate?: (to: string) => Fate | undefined;
  /** How long the provider thinks before it accepts. */
  latencyMs?: number;
  /** Of keys, quotas, limits and time stamps; retries and signatures follow the real time. */
  clock?: () => Date;
  record?: Recording;
  /** What was accepted is appended here too, and read back by the next one that is started with it. */
  file?: string;
  webhook?: WebhookOptions;
}

export interface LocalResend extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly apiKey: string;
  /** What happens to the next send requests, one fault each. */
  plan(...faults: (Fault | FaultName)[]): void;
  /** Decides for every send request that nothing was planned for. */
  planBy(planner: Planner): void;
  /** From now on nothing goes wrong. Requests that hang get their connection closed. */
  calm(): void;
  /** The oracle, in the order of acceptance; empty when only recipients are recorded. */
  accepted(): Accepted[];
  /** Messages that were refused while others of their request were accepted. */
  refused(): Refused[];
  /** How many copies an address was accepted for. */
  copies(to: string): number;
  /** All copies. */
  readonly total: number;
  /** Every send request as it arrived; `status` is null when no answer was made. */
  readonly requests: readonly (Arrived & { status: number | null })[];
  /** How many there were, also of those that are not kept. */
  readonly arrivals: number;
  readonly suppressions: Suppressions;
  readonly webhooks: Webhooks;
  /** Sends an event of a message that was accepted, with what its type has more. */
  emit(message: Accepted, type: string, more?: Record<string, unknown>): string | null;
}

interface Reply {
  status: number;
  body: string;
  headers?: Record<string, string>;
}

const DEFAULT_KEY = 're_local';
const MOST_REQUESTS_KEPT = 10_000;
const SEND = /^\/emails(?:\/batch)?$/u;
const EMAIL = /^\/emails\/([0-9a-f-]{36})$/u;

/** @throws when the port is taken. */
export async function startResend(options: LocalResendOptions = {}): Promise<LocalResend> {
  const {
    apiKeys = [DEFAULT_KEY],
    sendingOnly = [],
    ratePerSecond = 10,
    maxRequestBytes = 40_000_000,
    latencyMs = 0,
    record = 'full',
    clock = () => new Date(),
  } = options;
  const rules: Rules = {
    verifiedDomains: options.verifiedDomains,
    refusedDomains: options.refusedDomains ?? ['example.com', 'test.com'],
  };
  const ledger = new Ledger(record, options.file);
  const webhooks = new Webhooks(options.webhook ?? null);
  const suppressions = new Suppressions(clock, (type, data) =>
    webhooks.emit({ type, created_at: clock().toISOString(), data }),
  );
  const planned: Fault[] = [];
  let planner: Planner = () => undefined;
  const running = new Set<string>();
  const attempts = new Map<string, number>();
  const hanging = new Set<ServerResponse>();
  const requests: (Arrived & { status: number | null })[] = [];
  let arrivals = 0;
  const window = { second: 0, used: 0 };
  const used = { day: '', daily: 0, month: '', monthly: 0 };

  const fateOf = (to: string): Fate =>
    suppressions.has(to) ? 'suppressed' : (options.fate?.(to) ?? fateOfTestRecipient(to) ?? 'delivered');

  function takeFromWindow(): { headers: Record<string, string>; allowed: boolean } {
    const second = Math.floor(clock().getTime() / 1_000);
    if (window.second !== second) Object.assign(window, { second, used: 0 });
    window.used += 1;
    const remaining = Math.max(0, ratePerSecond - window.used);
    const headers = Number.isFinite(ratePerSecond)
      ? {
          'ratelimit-limit': String(ratePerSecond),
          'ratelimit-remaining': String(remaining),
          'ratelimit-reset': '1',
          'ratelimit-policy': `${ratePerSecond};w=1`,
        }
      : {};
    return { headers, allowed: window.used <= ratePerSecond };
  }

  /** Used counts, not what is left. */
  function quotaHeaders(): Record<string, string> {
    const now = clock().toISOString();
    if (used.day !== now.slice(0, 10)) Object.assign(used, { day: now.slice(0, 10), daily: 0 });
    if (used.month !== now.slice(0, 7)) Object.assign(used, { month: now.slice(0, 7), monthly: 0 });
    return {
      'x-resend-monthly-quota': String(used.monthly),
      ...(options.dailyQuota === undefined ? {} : { 'x-resend-daily-quota': String(used.daily) }),
    };
  }

  function faultOfQuota(recipients: number): Refusal | undefined {
    quotaHeaders();
    if (used.daily + recipients > (options.dailyQuota ?? Number.POSITIVE_INFINITY))
      return refusal(429, 'daily_quota_exceeded', 'You have reached your daily email sending quota.');
    if (used.monthly + recipients > (options.monthlyQuota ?? Number.POSITIVE_INFINITY))
      return refusal(429, 'monthly_quota_exceeded', 'You have reached your monthly email sending quota.');
    return undefined;
  }

  function faultOfAuth(request: IncomingMessage, isSend: boolean): Refusal | undefined {
    const key = /^Bearer (\S+)$/u.exec(request.headers.authorization ?? '')?.[1];
    if (key === undefined) return refusal(401, 'missing_api_key', 'Missing API Key');
    if (!apiKeys.includes(key)) return refusal(403, 'invalid_api_key', 'API key is invalid');
    if (sendingOnly.includes(key) && !isSend)
      return refusal(401, 'restricted_api_key', 'This API key is restricted to only send emails');
    return undefined;
  }

  /** Reads a send request to what is to be accepted of it, or to why nothing is. */
  function judge(
    arrived: Arrived,
    bytes: Buffer,
    isPermissive: boolean,
    refuseEvery: number | undefined,
  ):
    | { emails: [position: number, email: WireEmail][]; errors: Answered['errors']; refused: Refused[] }
    | Refusal {
    let parsed: unknown;
    try {
      parsed = JSON.parse(bytes.toString('utf8'));
    } catch {
      return refusal(400, 'validation_error', 'The request body is not valid JSON.');
    }
    const isBatch = arrived.path === '/emails/batch';
    const items = isBatch ? readBatch(parsed) : [parsed];
    if (isRefusal(items)) return items;
    const emails: [number, WireEmail][] = [];
    const errors: { index: number; message: string }[] = [];
    const refused: Refused[] = [];
    for (const [index, item] of items.entries()) {
      const isRefused = refuseEvery !== undefined && (index + 1) % refuseEvery === 0;
      const read = isRefused
        ? refusal(422, 'validation_error', 'Invalid `to` field.')
        : readEmail(item, rules, isBatch);
      if (!isRefusal(read)) emails.push([index, read]);
      // A domain that is not verified is no fault of a recipient.
      else if (isPermissive && read.statusCode === 422) {
        const { message } = read;
        errors.push({ index, message });
        const to = String((item as { to?: unknown } | null)?.to ?? '');
        refused.push({ key: arrived.key, position: index, to, message });
      } else return read;
    }
    return { emails, errors: isPermissive && isBatch ? errors : undefined, refused };
  }

  /** Accepts what a request asks for, once and for all, and says how it is answered. */
  function accept(
    arrived: Arrived & { at: Date },
    bytes: Buffer,
    fingerprint: string,
    isPermissive: boolean,
    refuseEvery: number | undefined,
  ): Answered | Refusal {
    const scope = scopeOf(arrived);
    const at = clock();
    const seed = randomUUID();
    const single = arrived.path === '/emails';
    if (record === 'recipients' && refuseEvery === undefined) {
      const recipients = scanRecipients(bytes);
      if (recipients !== undefined) {
        const refused = faultOfQuota(recipients.length);
        if (refused !== undefined) return refused;
        const answer: Answered = {
          single,
          seed,
          count: recipients.length,
          ...(isPermissive ? { errors: [] } : {}),
        };
        ledger.count(scope, { fingerprint, at: at.getTime(), answer }, recipients);
        used.daily += recipients.length;
        used.monthly += recipients.length;
        return answer;
      }
    }

    const judged = judge(arrived, bytes, isPermissive, refuseEvery);
    if (isRefusal(judged)) return judged;
    const { emails, errors } = judged;
    const recipients = emails.reduce((sum, [, email]) => sum + countRecipients(email), 0);
    const refused = faultOfQuota(recipients);
    if (refused !== undefined) return refused;
    used.daily += recipients;
    used.monthly += recipients;

    const answer: Answered = { single, seed, count: emails.length, ...(errors ? { errors } : {}) };
    const messages = emails.map(([position, email], index): Accepted => {
      const [to = '', ...others] = [...email.to, ...(email.cc ?? []), ...(email.bcc ?? [])].map(
        (mailbox) => addressOf(mailbox) ?? mailbox,
      );
      return {
        id: idOf(seed, index),
        key: arrived.key,
        position,
        to,
        others,
        deliveryId: email.tags.find(({ name }) => name === 'delivery')?.value ?? null,
        tags: email.tags,
        from: email.from,
        subject: email.subject,
        sha256: createHash('sha256')
          .update(email.html ?? '')
          .update('\0')
          .update(email.text ?? '')
          .digest('hex'),
        arrivedAt: arrived.at.toISOString(),
        acceptedAt: at.toISOString(),
      };
    });
    ledger.refused.push(...judged.refused);
    const remembered: Remembered = { fingerprint, at: at.getTime(), answer };
    ledger.accept(
      scope,
      remembered,
      messages,
      emails.map(([, email]) => email),
    );
    for (const [index, message] of messages.entries())
      follow(message, emails[index]?.[1].scheduled_at ?? null);
    return answer;
  }

  /** What is heard of a message from now on. */
  function follow(message: Accepted, scheduledAt: string | null): void {
    if (scheduledAt !== null) {
      webhooks.emit(eventOf(message, 'email.scheduled', clock()));
      return;
    }
    const fate = fateOf(message.to);
    for (const event of eventsOf(message, fate)) webhooks.emit(event);
    if (fate === 'bounced') suppressions.add(message.to, 'bounce', message.id);
    if (fate === 'complained') suppressions.add(message.to, 'complaint', message.id);
  }

  /** One send request, from its bytes to its answer; null when there will be none. */
  async function send(
    arrived: Arrived & { at: Date },
    bytes: Buffer,
    isPermissive: boolean,
    fault: Fault | undefined,
  ): Promise<Reply | null> {
    if (fault?.kind === 'answer' && !fault.accepted) return scripted(fault, clock());
    if ((fault?.kind === 'reset' || fault?.kind === 'hang') && !fault.accepted) return null;

    if (arrived.key !== null) {
      const refused = faultOfKey(arrived.key);
      if (refused !== undefined) return json(refused);
    }
    const scope = scopeOf(arrived);
    const fingerprint = createHash('sha256').update(bytes).digest('base64');
    const earlier = scope === null ? undefined : ledger.remembered(scope, clock().getTime());
    let answer: Answered | Refusal;
    if (earlier !== undefined) {
      answer =
        earlier.fingerprint === fingerprint
          ? earlier.answer
          : refusal(
              409,
              'invalid_idempotent_request',
              'Same idempotency key used with a different request payload.',
            );
    } else if (scope !== null && running.has(scope)) {
      answer = refusal(
        409,
        'concurrent_idempotent_requests',
        'Same idempotency key used while original request is still in progress.',
      );
    } else {
      const thinks = fault?.kind === 'slow' ? fault.ms : latencyMs;
      if (scope !== null) running.add(scope);
      try {
        if (thinks > 0) await sleep(thinks, undefined, { ref: false });
        answer = accept(
          arrived,
          bytes,
          fingerprint,
          isPermissive,
          fault?.kind === 'refuse-items' ? fault.every : undefined,
        );
      } finally {
        if (scope !== null) running.delete(scope);
      }
    }
    if (fault?.kind === 'reset' || fault?.kind === 'hang') return null;
    if (isRefusal(answer)) return json(answer);
    if (fault?.kind === 'answer') return scripted(fault, clock());
    return fault?.kind === 'mangle' ? mangled(answer, fault.how) : success(answer);
  }

  function lookUp(method: string, url: URL, bytes: Buffer): Reply {
    const [, id] = EMAIL.exec(url.pathname) ?? [];
    if (id !== undefined) {
      if (method !== 'GET') return notAllowed;
      const message = ledger.message(id);
      if (message === undefined) return json(refusal(404, 'not_found', 'Email not found'));
      return { status: 200, body: JSON.stringify({ object: 'email', ...stored(message, true) }) };
    }
    if (url.pathname === '/emails') {
      const rows = page(ledger.messages().reverse(), url.searchParams);
      return {
        status: 200,
        body: JSON.stringify({ ...rows, data: rows.data.map((message) => stored(message, false)) }),
      };
    }
    return suppressions.answer(method, url, bytes) ?? json(refusal(404, 'not_found', 'Not found'));
  }

  function stored(message: Accepted, withBody: boolean): Record<string, unknown> {
    const email = ledger.body(message.id);
    return {
      id: message.id,
      message_id: `<${message.id}@resend.local>`,
      from: message.from,
      to: email?.to ?? [message.to],
      cc: email?.cc ?? null,
      bcc: email?.bcc ?? null,
      reply_to: email?.reply_to ?? null,
      subject: message.subject,
      created_at: message.acceptedAt,
      scheduled_at: email?.scheduled_at ?? null,
      topic_id: email?.topic_id ?? null,
      last_event: email?.scheduled_at ? 'scheduled' : LAST_EVENT[fateOf(message.to)],
      ...(withBody ? { html: email?.html ?? null, text: email?.text ?? null, tags: message.tags } : {}),
    };
  }

  /** For another process, and for people: what a test may ask in this one. */
  function oracle(url: URL, bytes: Buffer): Reply {
    const to = url.searchParams.get('to');
    if (url.pathname === '/_oracle/plan') {
      local.plan(...(JSON.parse(bytes.toString('utf8')) as (Fault | FaultName)[]));
    } else if (url.pathname === '/_oracle/calm') local.calm();
    const from = Number(url.searchParams.get('after') ?? 0);
    const body =
      to === null
        ? { total: ledger.total, accepted: local.accepted().slice(from) }
        : { copies: local.copies(to) };
    return { status: 200, body: JSON.stringify(body) };
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = clock();
    const url = new URL(request.url ?? '/', 'http://resend.local');
    const bytes = await read(request, maxRequestBytes);
    if (url.pathname.startsWith('/_oracle'))
      return reply(response, oracle(url, bytes ?? Buffer.alloc(0)), {});
    // The edge: it answers before there is an API, and not in its language.
    if (request.headers['user-agent'] === undefined)
      return reply(
        response,
        { status: 403, body: 'error code: 1010', headers: { 'content-type': 'text/plain' } },
        {},
      );
    if (bytes === undefined) return reply(response, html(413, 'Request Entity Too Large'), {});

    const { headers, allowed } = takeFromWindow();
    const isSend = request.method === 'POST' && SEND.test(url.pathname);
    const early =
      faultOfAuth(request, isSend) ??
      (allowed
        ? undefined
        : refusal(429, 'rate_limit_exceeded', 'Too many requests. You can only make a few a second.'));
    if (early !== undefined) {
      const wait = early.statusCode === 429 ? { 'retry-after': '1' } : {};
      return reply(response, json(early), { ...headers, ...wait });
    }
    if (!isSend) {
      const answer = url.pathname === '/emails/batch' ? notAllowed : lookUp(request.method ?? '', url, bytes);
      return reply(response, answer, headers);
    }

    const key = request.headers['idempotency-key'] ?? null;
    const path = url.pathname as Arrived['path'];
    const arrived = { path, key: key as string | null, attempt: 1, at };
    const scope = scopeOf(arrived);
    if (scope !== null) {
      arrived.attempt = (attempts.get(scope) ?? 0) + 1;
      attempts.set(scope, arrived.attempt);
    }
    const log = { path, key: arrived.key, attempt: arrived.attempt, status: null as number | null };
    arrivals += 1;
    if (requests.push(log) > MOST_REQUESTS_KEPT) requests.shift();

    const named = planned.shift() ?? planner(log);
    const fault = named === undefined ? undefined : faultOf(named);
    const isPermissive =
      options.isPermissive !== false && request.headers['x-batch-validation'] === 'permissive';
    const answer = await send(arrived, bytes, isPermissive, fault);
    if (answer !== null) {
      log.status = answer.status;
      return reply(response, answer, { ...headers, ...quotaHeaders() });
    }
    if (fault?.kind === 'hang') {
      hanging.add(response);
      const limit = fault.ms === undefined ? undefined : setTimeout(() => response.destroy(), fault.ms);
      response.once('close', () => {
        clearTimeout(limit);
        hanging.delete(response);
      });
    } else request.socket.resetAndDestroy();
  }

  const server = createServer((request, response) => {
    // A client that went away while it was read, or before it was answered, is a client's business.
    response.on('error', () => {});
    handle(request, response).catch((error) => {
      if (response.destroyed || response.headersSent) response.destroy();
      else reply(response, { status: 500, body: JSON.stringify({ bug: String(error?.stack ?? error) }) }, {});
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;

  const local: LocalResend = {
    url: `http://127.0.0.1:${port}`,
    port,
    apiKey: apiKeys[0] ?? DEFAULT_KEY,
    plan: (...faults) => planned.push(...faults.map(faultOf)),
    planBy: (next) => {
      planner = next;
    },
    calm: () => {
      planned.length = 0;
      planner = () => undefined;
      for (const response of hanging) response.destroy();
    },
    accepted: () => ledger.messages(),
    refused: () => ledger.refused,
    copies: (to) => ledger.copies(to),
    get total() {
      return ledger.total;
    },
    requests,
    get arrivals() {
      return arrivals;
    },
    suppressions,
    webhooks,
    emit: (message, type, more) => webhooks.emit(eventOf(message, type, clock(), more)),
    [Symbol.asyncDispose]: async () => {
      await webhooks[Symbol.asyncDispose]();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
  return local;
}

/** Keys are told apart by method and endpoint. */
const scopeOf = ({ path, key }: Arrived) => (key === null ? null : `${path} ${key}`);

/** @returns undefined when there is more than `most`. */
async function read(request: IncomingMessage, most: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= most) chunks.push(chunk);
  }
  return size > most ? undefined : Buffer.concat(chunks, size);
}

function reply(response: ServerResponse, answer: Reply, headers: Record<string, string>): void {
  response
    .writeHead(answer.status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(answer.body),
      server: 'cloudflare',
      ...headers,
      ...answer.headers,
    })
    .end(answer.body);
}

const json = (refused: Refusal): Reply => ({ status: refused.statusCode, body: JSON.stringify(refused) });

const html = (status: number, title: string): Reply => ({
  status,
  body: `<html>\r\n<head><title>${status} ${title}</title></head>\r\n<body><center><h1>${status} ${title}</h1></center><hr><center>cloudflare</center></body>\r\n</html>\r\n`,
  headers: { 'content-type': 'text/html' },
});

const notAllowed = json(refusal(405, 'method_not_allowed', 'Method is not allowed for the requested path'));

function scripted({ status, name, body, retryAfter }: Fault & { kind: 'answer' }, now: Date): Reply {
  const wait: Record<string, string> = {};
  if (retryAfter !== undefined) {
    const until = new Date(now.getTime() + retryAfter.seconds * 1_000);
    wait['retry-after'] = retryAfter.as === 'date' ? until.toUTCString() : String(retryAfter.seconds);
  }
  if (body === 'empty') return { status, body: '', headers: wait };
  const answer =
    body === 'html' || name === undefined
      ? html(status, 'Error')
      : json(refusal(status, name, 'This was planned by a test.'));
  return { ...answer, headers: { ...answer.headers, ...wait } };
}

const idsOf = ({ seed, count }: Answered) => Array.from({ length: count }, (_, n) => ({ id: idOf(seed, n) }));

function success(answer: Answered): Reply {
  const data = idsOf(answer);
  const body = answer.single ? data[0] : { data, ...(answer.errors ? { errors: answer.errors } : {}) };
  return { status: 200, body: JSON.stringify(body) };
}

/** Answers that no contract allows, to a request that was accepted. */
function mangled(answer: Answered, how: (Fault & { kind: 'mangle' })['how']): Reply {
  const whole = success(answer);
  if (how === 'html') return { ...html(200, 'OK') };
  if (how === 'truncated') return { ...whole, body: whole.body.slice(0, Math.ceil(whole.body.length / 2)) };
  if (how === 'error-body')
    return { ...json(refusal(500, 'application_error', 'Something went wrong')), status: 200 };
  const data = idsOf(answer);
  if (how === 'short') data.pop();
  else if (how === 'reordered') data.reverse();
  else for (const each of data.slice(1)) each.id = data[0]?.id ?? '';
  return {
    status: 200,
    body: JSON.stringify({ data, ...(answer.errors ? { errors: answer.errors } : {}) }),
  };
}
