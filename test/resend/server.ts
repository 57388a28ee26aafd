import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Accepting, type SendRequest } from './accepting.ts';
import { Aftermath } from './aftermath.ts';
import { html, json, mangled, notAllowed, type Reply, scripted, success } from './answers.ts';
import { faultOfKey, isRefusal, type Refusal, refusal } from './contract.ts';
import { type Arrived, type Fault, type FaultName, faultOf, type Planner } from './faults.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { type Accepted, Ledger, type Recording, type Refused } from './ledger.ts';
import { Limits } from './limits.ts';
import { eventOf, type Fate } from './outcomes.ts';
import { readEmails } from './reading.ts';
import { Suppressions } from './suppressions.ts';
import { type WebhookOptions, Webhooks } from './webhooks.ts';

/**
 * A Resend for this machine: the documented contract of sending over a socket, with all faults that a sender must
 * survive, and a record of the messages that were really accepted.
 */
export interface LocalResendOptions {
  /** Default 0: any free port. */
  port?: number;
  /** The valid keys. Default: one, `re_local`. */
  apiKeys?: readonly string[];
  /** Keys with sending access only. */
  sendingOnly?: readonly string[];
  /** Requests in a second of the clock, over all keys. Default 10. */
  ratePerSecond?: number;
  /** Recipients; undefined: none. */
  dailyQuota?: number;
  monthlyQuota?: number;
  /** Whether `x-batch-validation: permissive` is honoured, which Resend no longer advertises. Default: yes. */
  isPermissive?: boolean;
  /** Domains allowed in `from`. Default: every one. */
  verifiedDomains?: readonly string[];
  /** Domains that are refused in `to`. Default: example.com and test.com, as Resend does. */
  refusedDomains?: readonly string[];
  /** The edge refuses a larger request. Default: 40 MB. */
  maxRequestBytes?: number;
  /** The outcome of an address. Default: Resend's test recipients, and `delivered` for all others. */
  fate?: (to: string) => Fate | undefined;
  /** How long the provider takes before it accepts. */
  latencyMs?: number;
  /** For keys, quotas, limits and time stamps; retries and signatures use the real time. */
  clock?: () => Date;
  record?: Recording;
  /** Accepted messages are appended to this file too, and the next server started with it reads them back. */
  file?: string;
  webhook?: WebhookOptions;
}

export interface LocalResend extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly apiKey: string;
  /** The faults of the next send requests, one each. */
  plan(...faults: (Fault | FaultName)[]): void;
  /** Decides for every send request without a planned fault. */
  planBy(planner: Planner): void;
  /** Ends all faults. Requests that hang get their connection closed. */
  calm(): void;
  /** The accepted messages, in order; empty when only recipients are recorded. */
  accepted(): Accepted[];
  /** Messages that were refused while others of their request were accepted. */
  refused(): Refused[];
  /** How many copies were accepted for an address. */
  copies(to: string): number;
  /** All copies. */
  readonly total: number;
  /** Every send request on arrival; `status` is null when no answer was made. */
  readonly requests: readonly (Arrived & { status: number | null })[];
  /** Number of requests, including those that are not stored. */
  readonly arrivals: number;
  readonly suppressions: Suppressions;
  readonly webhooks: Webhooks;
  /** Sends an event of an accepted message, with the extra fields of its type. */
  emit(message: Accepted, type: string, more?: Record<string, unknown>): string | null;
}

const DEFAULT_KEY = 're_local';
const MOST_REQUESTS_KEPT = 10_000;
const SEND = /^\/emails(?:\/batch)?$/u;

/** @throws when the port is taken. */
export async function startResend(options: LocalResendOptions = {}): Promise<LocalResend> {
  const {
    apiKeys = [DEFAULT_KEY],
    sendingOnly = [],
    ratePerSecond = 10,
    dailyQuota,
    monthlyQuota,
    verifiedDomains,
    refusedDomains = ['example.com', 'test.com'],
    maxRequestBytes = 40_000_000,
    latencyMs = 0,
    record = 'full',
    clock = () => new Date(),
  } = options;
  const ledger = new Ledger(record, options.file);
  const keys = new IdempotencyKeys(ledger, clock);
  const limits = new Limits({ ratePerSecond, dailyQuota, monthlyQuota, clock });
  const webhooks = new Webhooks(options.webhook ?? null);
  const suppressions = new Suppressions(clock, (type, data) =>
    webhooks.emit({ type, created_at: clock().toISOString(), data }),
  );
  const aftermath = new Aftermath({ webhooks, suppressions, clock, fate: options.fate });
  const rules = { verifiedDomains, refusedDomains };
  const accepting = new Accepting({ rules, record, ledger, limits, aftermath, clock });
  const planned: Fault[] = [];
  let planner: Planner = () => undefined;
  const hanging = new Set<ServerResponse>();
  const requests: (Arrived & { status: number | null })[] = [];
  let arrivals = 0;

  function faultOfAuth(request: IncomingMessage, isSend: boolean): Refusal | undefined {
    const key = /^Bearer (\S+)$/u.exec(request.headers.authorization ?? '')?.[1];
    if (key === undefined) return refusal(401, 'missing_api_key', 'Missing API Key');
    if (!apiKeys.includes(key)) return refusal(403, 'invalid_api_key', 'API key is invalid');
    if (sendingOnly.includes(key) && !isSend)
      return refusal(401, 'restricted_api_key', 'This API key is restricted to only send emails');
    return undefined;
  }

  /** One send request, from its bytes to its answer; null when there is none. */
  async function send(request: SendRequest, fault: Fault | undefined): Promise<Reply | null> {
    if (fault?.kind === 'answer' && !fault.accepted) return scripted(fault, clock());
    if ((fault?.kind === 'reset' || fault?.kind === 'hang') && !fault.accepted) return null;

    const badKey = request.key === null ? undefined : faultOfKey(request.key);
    if (badKey !== undefined) return json(badKey);
    const answer = await keys.once(request, async (fingerprint) => {
      const thinks = fault?.kind === 'slow' ? fault.ms : latencyMs;
      if (thinks > 0) await sleep(thinks, undefined, { ref: false });
      const refuseEvery = fault?.kind === 'refuse-items' ? fault.every : undefined;
      return accepting.accept(request, fingerprint, refuseEvery);
    });
    if (fault?.kind === 'reset' || fault?.kind === 'hang') return null;
    if (isRefusal(answer)) return json(answer);
    if (fault?.kind === 'answer') return scripted(fault, clock());
    return fault?.kind === 'mangle' ? mangled(answer, fault.how) : success(answer);
  }

  function lookUp(method: string, url: URL, bytes: Buffer): Reply {
    if (url.pathname === '/emails/batch') return notAllowed;
    return (
      readEmails(method, url, ledger, aftermath) ??
      suppressions.answer(method, url, bytes) ??
      json(refusal(404, 'not_found', 'Not found'))
    );
  }

  /** For other processes and for people: the questions that a test can ask in this process. */
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
    // The edge: it answers before the API, in another format.
    if (request.headers['user-agent'] === undefined)
      return reply(
        response,
        { status: 403, body: 'error code: 1010', headers: { 'content-type': 'text/plain' } },
        {},
      );
    if (bytes === undefined) return reply(response, html(413, 'Request Entity Too Large'), {});

    const { headers, allowed } = limits.takeRequest();
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
    if (!isSend) return reply(response, lookUp(request.method ?? '', url, bytes), headers);

    const path = url.pathname as Arrived['path'];
    const key = (request.headers['idempotency-key'] as string | undefined) ?? null;
    const log = { path, key, attempt: keys.attempt({ path, key }), status: null as number | null };
    arrivals += 1;
    if (requests.push(log) > MOST_REQUESTS_KEPT) requests.shift();

    const named = planned.shift() ?? planner(log);
    const fault = named === undefined ? undefined : faultOf(named);
    const isPermissive =
      options.isPermissive !== false && request.headers['x-batch-validation'] === 'permissive';
    const answer = await send({ path, key, attempt: log.attempt, at, bytes, isPermissive }, fault);
    if (answer !== null) {
      log.status = answer.status;
      return reply(response, answer, { ...headers, ...limits.quotaHeaders() });
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
    // A client that disconnects during reading, or before the answer, is not a fault here.
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

/** @returns undefined when the body is longer than `most`. */
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
