import { lookup as dnsLookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, type Dispatcher, errors, request } from 'undici';
import { parseUrl } from '../../platform/url.ts';
import { decoded, FetchFault, limited, NotAsked, Postponed, Refusal, tooLong, unpacked } from './body.ts';
import { Unreadable } from './decode.ts';
import { HostClosed, Hosts } from './hosts.ts';
import { isPublicAddress, literalAddress } from './public-address.ts';

/**
 * Limits for our requests to other people's servers, and for their answers: at most four simultaneous requests to a
 * host, conditional for known pages, with our name in the User-Agent; every wait, size, redirect and address is
 * limited.
 */

export interface Limits {
  /** Milliseconds to connect, until the first byte of the answer, between bytes, and in total. */
  connectMs: number;
  headersMs: number;
  bodyMs: number;
  wholeMs: number;
  redirects: number;
  perHost: number;
  /** The longest Retry-After that we wait for; a longer one leaves the host to the next gathering. */
  retryAfterMs: number;
  retries: number;
}

export const LIMITS: Limits = {
  connectMs: 10_000,
  headersMs: 20_000,
  bodyMs: 20_000,
  wholeMs: 60_000,
  redirects: 5,
  perHost: 4,
  retryAfterMs: 30_000,
  retries: 2,
};

export interface FetcherOptions {
  userAgent: string;
  limits?: Partial<Limits>;
  /** Which IP addresses may be connected to; default: {@link isPublicAddress}. */
  mayReach?: (address: string) => boolean;
  resolve?: (hostname: string) => Promise<{ address: string; family: number }[]>;
  /** The clock for Retry-After and crawl delays, and how to wait. */
  sleep?: (ms: number) => Promise<void>;
  now?: () => number;
  /** Aborted when the time budget of the gathering ends: open requests then end as {@link Postponed}. */
  signal?: AbortSignal;
}

export interface FetchOptions<T> {
  accept: string;
  /** Most bytes of the body, compressed and decompressed. */
  maxBytes: number;
  etag?: string | null | undefined;
  lastModified?: string | null | undefined;
  /** Called with every URL before it is requested; a returned text is the reason to refuse it. */
  refuses?: (url: string) => string | null;
  /** The file itself may be a gzip file (`sitemap.xml.gz`), whatever its headers say. */
  mayBeGzip?: boolean;
  /** @param url after redirects. */
  read: (body: AsyncIterable<Buffer>, contentType: string | null, url: string) => Promise<T>;
}

export type Fetched<T> =
  | { kind: 'unchanged' }
  | {
      kind: 'body';
      /** URL after redirects. */
      url: string;
      contentType: string | null;
      etag: string | null;
      lastModified: string | null;
      body: T;
    };

interface Answer<T> {
  redirect?: string;
  retryAfterMs?: number;
  status: number;
  fetched?: Fetched<T>;
}

export class Fetcher implements AsyncDisposable {
  readonly hosts: Hosts;
  readonly #agent: Agent;
  readonly #limits: Limits;
  readonly #options: FetcherOptions;
  readonly #mayReach: (address: string) => boolean;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#mayReach = options.mayReach ?? isPublicAddress;
    const sleep = options.sleep ?? ((ms: number) => this.#wait(ms));
    this.hosts = new Hosts(this.#limits.perHost, sleep, options.now);
    this.#agent = new Agent({
      connections: this.#limits.perHost,
      connect: { timeout: this.#limits.connectMs, lookup: this.#lookup() },
      headersTimeout: this.#limits.headersMs,
      bodyTimeout: this.#limits.bodyMs,
      maxHeaderSize: 16_384,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  /** @throws FetchFault with the reason; Postponed when the time budget ended. */
  async fetch<T>(url: string, options: FetchOptions<T>): Promise<Fetched<T>> {
    const used = { ms: 0 };
    let at = url;
    let retries = 0;
    for (let hops = 0; ; ) {
      const target = this.#checked(at, options);
      const answer = await this.#turn(target, options, used);
      if (answer.fetched !== undefined) return answer.fetched;
      if (answer.redirect !== undefined) {
        hops += 1;
        if (hops > this.#limits.redirects)
          throw new FetchFault(`redirects more than ${this.#limits.redirects} times`);
        at = answer.redirect;
      } else if (answer.retryAfterMs !== undefined) {
        const { host } = target;
        const seconds = Math.ceil(answer.retryAfterMs / 1_000);
        if (answer.retryAfterMs > this.#limits.retryAfterMs) {
          this.hosts.close(host, `not asked: the host wants to be left alone for ${seconds} s`);
        }
        if (answer.retryAfterMs > this.#limits.retryAfterMs || retries >= this.#limits.retries) {
          throw new FetchFault(`answered ${answer.status}, to come back after ${seconds} s`, answer.status);
        }
        retries += 1;
        this.hosts.pause(host, answer.retryAfterMs);
      } else throw new FetchFault(`answered ${answer.status}`, answer.status);
    }
  }

  #checked(url: string, options: Pick<FetchOptions<unknown>, 'refuses'>): URL {
    const target = parseUrl(url);
    if (target === null) throw new FetchFault('leads to something that is no address');
    if (target.protocol !== 'http:' && target.protocol !== 'https:') {
      throw new FetchFault(`leads to ${target.protocol}, which is not http or https`);
    }
    if (target.username !== '' || target.password !== '')
      throw new FetchFault('leads to an address with a password');
    // A literal IP address is connected to without a DNS lookup, so it is checked here.
    const literal = literalAddress(target.hostname);
    if (literal !== null && !this.#mayReach(literal)) throw new NotAsked(privateReason(literal));
    const refusal = options.refuses?.(target.href);
    if (refusal) throw new NotAsked(refusal);
    return target;
  }

  async #turn<T>(url: URL, options: FetchOptions<T>, used: { ms: number }): Promise<Answer<T>> {
    try {
      return await this.hosts.take(url.host, async () => {
        if (this.#options.signal?.aborted) throw new Postponed();
        const began = performance.now();
        try {
          const answer = await this.#exchange(url, options, this.#limits.wholeMs - used.ms);
          this.hosts.recordResponse(url.host);
          return answer;
        } catch (error) {
          if (error instanceof Refusal) this.hosts.recordResponse(url.host);
          else if (error instanceof FetchFault) this.hosts.recordNoResponse(url.host, error.message);
          throw error;
        } finally {
          used.ms += performance.now() - began;
        }
      });
    } catch (error) {
      if (error instanceof HostClosed) throw new NotAsked(error.message);
      throw error;
    }
  }

  async #exchange<T>(url: URL, options: FetchOptions<T>, leftMs: number): Promise<Answer<T>> {
    const { signal: outer } = this.#options;
    const controller = new AbortController();
    let isLate = false;
    const timer = setTimeout(
      () => {
        isLate = true;
        controller.abort();
      },
      Math.max(1, leftMs),
    );
    const postpone = () => controller.abort();
    outer?.addEventListener('abort', postpone, { once: true });
    try {
      const response = await request(url, {
        dispatcher: this.#agent,
        method: 'GET',
        headers: headersOf(this.#options.userAgent, options),
        signal: controller.signal,
      });
      return await this.#answer(url, response, options);
    } catch (error) {
      if (outer?.aborted) throw new Postponed();
      if (isLate) throw new FetchFault(`took longer than ${this.#limits.wholeMs / 1_000} s`);
      if (error instanceof FetchFault || error instanceof Postponed) throw error;
      if (error instanceof Unreadable) throw new Refusal(error.message);
      throw new FetchFault(reasonOf(error, this.#limits));
    } finally {
      clearTimeout(timer);
      outer?.removeEventListener('abort', postpone);
      // The rest of the answer is not needed.
      controller.abort();
    }
  }

  async #answer<T>(
    url: URL,
    response: Dispatcher.ResponseData,
    options: FetchOptions<T>,
  ): Promise<Answer<T>> {
    const { statusCode: status, body } = response;
    const header = (name: string) => {
      const value = response.headers[name];
      return (Array.isArray(value) ? value[0] : value) ?? null;
    };
    if (status !== 200) {
      if (status === 304) await body.dump();
      else body.on('error', () => {}).destroy();
    }
    if (status === 304) {
      if (!options.etag && !options.lastModified)
        throw new Refusal('answered 304 to a request without conditions', 304);
      return { status, fetched: { kind: 'unchanged' } };
    }
    const location = header('location');
    if ([301, 302, 303, 307, 308].includes(status) && location !== null) {
      return { status, redirect: parseUrl(location, url.href)?.href ?? location };
    }
    if (status === 429 || status === 503) {
      const ms = retryAfter(header('retry-after'));
      return ms === null ? { status } : { status, retryAfterMs: ms };
    }
    if (status !== 200) return { status };

    const { maxBytes } = options;
    if (Number(header('content-length') ?? 0) > maxBytes) {
      body.on('error', () => {}).destroy();
      throw new Refusal(tooLong(maxBytes));
    }
    let chunks = decoded(limited(body, maxBytes), header('content-encoding'));
    if (options.mayBeGzip) chunks = unpacked(limited(chunks, maxBytes));
    const read = await options.read(limited(chunks, maxBytes), header('content-type'), url.href);
    return {
      status,
      fetched: {
        kind: 'body',
        url: url.href,
        contentType: header('content-type'),
        etag: header('etag'),
        lastModified: header('last-modified'),
        body: read,
      },
    };
  }

  /**
   * Resolves a name once and connects to that address, so that a second lookup cannot give another one (DNS rebinding).
   * One private address among public ones refuses all of them.
   */
  #lookup(): LookupFunction {
    const resolve = this.#options.resolve ?? ((hostname: string) => dnsLookup(hostname, { all: true }));
    return (hostname, options, callback) => {
      const find = async () => {
        const addresses = await resolve(hostname);
        const refused = addresses.find(({ address }) => !this.#mayReach(address));
        if (refused) throw new NotAsked(privateReason(refused.address));
        return addresses;
      };
      find().then(
        (addresses) => {
          const [first] = addresses;
          if (first === undefined) callback(new FetchFault('has no address'), '', 0);
          else if (options.all) callback(null, addresses);
          else callback(null, first.address, first.family);
        },
        (error) => callback(error, '', 0),
      );
    };
  }

  async #wait(ms: number): Promise<void> {
    const { signal } = this.#options;
    await wait(ms, undefined, signal ? { signal } : {}).catch(() => {
      throw new Postponed();
    });
  }
}

function headersOf(userAgent: string, options: FetchOptions<unknown>): Record<string, string> {
  return {
    'user-agent': userAgent,
    accept: options.accept,
    'accept-encoding': 'gzip, deflate, br',
    ...(options.etag ? { 'if-none-match': options.etag } : {}),
    ...(options.lastModified ? { 'if-modified-since': options.lastModified } : {}),
  };
}

/** Seconds, or a date. RFC 9110 §10.2.3. */
function retryAfter(value: string | null): number | null {
  if (value === null) return null;
  if (/^\d+$/u.test(value.trim())) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}

function privateReason(address: string): string {
  return `leads to ${address}, which is no public address`;
}

function reasonOf(error: unknown, limits: Limits): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const seconds = (ms: number) => `${ms / 1_000} s`;
  const reasons: Record<string, string> = {
    UND_ERR_CONNECT_TIMEOUT: `did not take the connection within ${seconds(limits.connectMs)}`,
    UND_ERR_HEADERS_TIMEOUT: `did not answer within ${seconds(limits.headersMs)}`,
    UND_ERR_BODY_TIMEOUT: `sent nothing for ${seconds(limits.bodyMs)}`,
    UND_ERR_HEADERS_OVERFLOW: 'sent more than 16 kB of headers',
    UND_ERR_SOCKET: 'closed the connection',
    ECONNRESET: 'closed the connection',
    EPIPE: 'closed the connection',
    ECONNREFUSED: 'refused the connection',
    ENOTFOUND: 'has no address',
    EAI_AGAIN: 'could not be looked up',
  };
  const known = reasons[code];
  if (known !== undefined) return known;
  if (/^(?:Z_|ERR__?ZLIB|ERR_BROTLI|ERR_PADDING)/u.test(code)) return 'sent packed data that is damaged';
  if (error instanceof errors.HTTPParserError || code.startsWith('HPE_'))
    return 'does not speak HTTP as it should';
  const message = error instanceof Error ? error.message : String(error);
  return `failed: ${message || code}`.slice(0, 200);
}
