import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Connection } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors.ts';
import { TURNSTILE_FIELD } from '../../platform/http/challenge.ts';
import { readForm } from '../../platform/http/form.ts';
import { countRequest, isFromCrowdedNetwork } from '../../platform/http/network-limits.ts';
import { SUSPICIOUS_REQUESTS } from '../../platform/http/networks.ts';
import { type FieldError, fromDatabase } from '../../platform/http/problems.ts';
import { resource } from '../../platform/http/resource.ts';
import type { Site } from '../../platform/site.ts';
import { parseUrl } from '../../platform/url.ts';
import { type Address, parseAddress } from '../address.ts';
import { type Keys, tokenHash } from '../tokens.ts';
import { consentText } from './consent.ts';
import { isHumanPace, TOKEN_TTL_SECONDS } from './form-token.ts';
import { isDisposable, suggestDomain } from './reputation.ts';
import { FORM_NAMES, type Forms, OTHER_FORM, type SignUpParts } from './sign-up-form.ts';
import { checkInboxPage, signUpPage } from './sign-up-page.tsx';
import { addSignUp, type Evidence } from './sign-up-store.ts';

const HTML = 'text/html; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';

/** Every sign-up gets this answer: new, pending, active, unsubscribed, suppressed, or a machine in the honeypot. */
const ACCEPTED = 'check_your_inbox';

const TYPES = new Set(['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data']);

export interface SubscribeOptions {
  db: Connection;
  keys: Keys;
  site: Site;
  forms: Forms;
  signUp: SignUpParts;
  /** Wakes a worker to answer the pending requests. */
  onMailRequest(): void;
  topics(): Promise<string[]>;
  /** Whether a comparison with this slug, and so its form, exists. */
  hasComparison(slug: string): Promise<boolean>;
}

/**
 * `/subscribe`: the form, and the target of every form. The text and the time of an answer depend on the typed values
 * and on the sender, never on whether the address is known: the address is only queued here, and a job looks it up.
 */
export function subscribeRoutes(app: FastifyInstance, options: SubscribeOptions): void {
  const { site, forms, signUp } = options;
  const origins = new Set([...signUp.embedOrigins, new URL(site.publicUrl).origin]);

  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-robots-tag': 'noindex', vary: 'Origin, Accept' });
    allowOrigin(request, reply, signUp.embedOrigins);
    if (request.method !== 'POST') return;
    if (!comesFrom(request, origins)) throw new AppError('origin-refused', 'A form on a site that may not.');
    if (!TYPES.has(mediaType(request))) throw new AppError('sign-up-type-unknown', 'Neither form nor JSON.');
  });

  resource(app, '/subscribe', {
    GET: async (request, reply) => {
      const form = { ...(await forms.make('subscribe')), token: forms.token() };
      if (wantsPage(request)) return reply.type(HTML).send(signUpPage(site, form));
      const { token, consent, privacyUrl, topics, siteKey } = form;
      return reply.type(JSON_TYPE).send({
        stamp: token,
        consent,
        privacy_url: privacyUrl ?? null,
        topics,
        turnstile_site_key: siteKey,
      });
    },

    POST: async (request, reply) => {
      const fields = await readFields(request);
      try {
        const address = await takeSignUp(request, reply, fields, options);
        const meant = suggestDomain(domainOf(address));
        if (wantsPage(request)) {
          return reply.redirect(`/subscribe/check-inbox${meant ? `?meant=${meant}` : ''}`, 303);
        }
        const suggestion = meant && `${address.email.slice(0, address.email.lastIndexOf('@'))}@${meant}`;
        return reply
          .code(202)
          .type(JSON_TYPE)
          .send({ status: ACCEPTED, ...(suggestion ? { suggestion } : {}) });
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        const { errors } = error.context as { errors?: FieldError[] };
        if (errors === undefined || !wantsPage(request)) throw error;
        const form = {
          ...(await forms.make((await knownForm(options.hasComparison, fields.source)) ?? 'subscribe')),
          token: forms.token(),
        };
        const attempt = { email: fields.email ?? '', topics: fields.topics, errors };
        return reply
          .code(422)
          .type(HTML)
          .send(signUpPage(site, form, attempt));
      }
    },
  });

  resource(app, '/subscribe/check-inbox', {
    GET: (request, reply) => {
      const { meant } = request.query as { meant?: unknown };
      // Only a domain that we would suggest ourselves: a link must not put other words on our page.
      const known = typeof meant === 'string' && suggestDomain(`${meant}x`) === meant ? meant : undefined;
      return reply.type(HTML).send(checkInboxPage(site, known));
    },
  });
}

/**
 * Checks a sign-up, cheapest check first, and queues it.
 * @throws AppError `sign-up-invalid`, `too-many-requests`, `database-unavailable`.
 */
async function takeSignUp(
  request: FastifyRequest,
  reply: FastifyReply,
  fields: Fields,
  { db, keys, site, signUp, topics: offered, hasComparison, onMailRequest }: SubscribeOptions,
): Promise<Address> {
  const address = readAddress(fields);
  await countRequest(signUp.limiter, request, reply);

  const domain = domainOf(address);
  if ((await signUp.checkDomain(domain)) === 'no') {
    const meant = suggestDomain(domain);
    throw invalid([
      {
        field: 'email',
        code: 'domain_takes_no_mail',
        message: `No mail can be sent to ${domain}.${meant ? ` Did you mean ${meant}?` : ' Is it spelled right?'}`,
      },
    ]);
  }

  const isHuman =
    isHumanPace(keys, fields.stamp, signUp.clock()) && (await isFirstUse(signUp.limiter, fields.stamp));
  const hasRiskSignal = !isHuman || isDisposable(domain);
  // With a puzzle, the puzzle tells people of a crowded network from machines.
  const comesFromCrowd = signUp.challenge === null && (await isFromCrowdedNetwork(signUp.limiter, request));
  const isSuspicious = (await assessRisk(request, fields, hasRiskSignal, signUp.challenge)) || comesFromCrowd;
  // A missing form token alone never causes a refusal: old browsers and scripts have none.
  if (isSuspicious && signUp.challenge !== null) {
    await countRequest(signUp.limiter, request, reply, { kind: 'suspicious', limits: SUSPICIOUS_REQUESTS });
  }

  const topics = chosenTopics(fields.topics, await offered());
  const source = await knownForm(hasComparison, fields.source);
  const { timezone } = fields;
  const isMachine = fields.website !== '';
  if (isMachine) request.log.info('a machine in the honeypot');
  const { privacy } = signUp;
  const [evidence, locale] = [evidenceOf(request), localeOf(request)];
  await fromDatabase(
    addSignUp(
      db,
      { address, topics, timezone, source, locale, privacy, isSuspicious, evidence },
      consentText(site.newsletterName),
      !isMachine,
    ),
  );
  onMailRequest();
  return address;
}

/** Whether this post is the first with its form token; marks the token as used. */
async function isFirstUse(limiter: SignUpParts['limiter'], token = ''): Promise<boolean> {
  const once = [{ points: 1, seconds: TOKEN_TTL_SECONDS }];
  return (await fromDatabase(limiter.consume(`form-token:${tokenHash(token)}`, once))) <= 0;
}

/**
 * The form that a sign-up names. Only names of our own forms are stored: the consent log is permanent, and must not
 * store text that somebody puts into a hidden field.
 */
async function knownForm(
  hasComparison: SubscribeOptions['hasComparison'],
  source: string | null,
): Promise<string | null> {
  if (source === null || FORM_NAMES.has(source)) return source;
  const [, slug] = /^comparison:(.+)$/.exec(source) ?? [];
  const isOurs = slug !== undefined && (await hasComparison(slug));
  return isOurs ? source : OTHER_FORM;
}

/**
 * Whether to check this sign-up more closely. A solved puzzle clears everybody. A missing solution is refused only when
 * the sign-up looks suspicious otherwise, because the puzzle needs a script. While the puzzle's vendor is unreachable,
 * stricter limits replace the puzzle.
 * @throws AppError `sign-up-invalid` for a suspicious sign-up without a solution.
 */
async function assessRisk(
  request: FastifyRequest,
  fields: Fields,
  hasRiskSignal: boolean,
  challenge: SignUpParts['challenge'],
): Promise<boolean> {
  if (challenge === null) return hasRiskSignal;
  const result = await challenge.verify(fields.challenge, request.ip);
  if (result === 'failed' && hasRiskSignal) {
    const message = 'Please solve the puzzle above the button, so that we know you are a person.';
    throw invalid([{ field: TURNSTILE_FIELD, code: 'challenge_required', message }]);
  }
  return result !== 'passed';
}

interface Fields {
  /** undefined when the field is missing. */
  email: string | undefined;
  topics: string[];
  timezone: string | null;
  source: string | null;
  /** The honeypot; '' when a person sent the form. */
  website: string;
  stamp: string | undefined;
  challenge: string | undefined;
  /** Errors in the way it was sent. */
  errors: FieldError[];
}

const MAX_TOPICS = 50;

/** People do not fill in these fields, so an invalid value is not their error: it counts as missing. */
const name = (maxLength: number) =>
  z
    .string()
    .regex(/^\P{C}+$/u)
    .max(maxLength)
    .nullable()
    .catch(null);

const zone = name(64).transform((value) => (value !== null && isZone(value) ? value : null));
const text = z.string().optional();
const topicList = z
  .union([z.string().transform((one) => [one]), z.array(z.string())])
  .transform((topics) => topics.slice(0, MAX_TOPICS));

/** What a sign-up may say; the API's description is made from it. */
export const signUpSchema = z.object({
  email: text,
  topics: topicList.prefault([]).meta({ description: 'None means everything.' }),
  timezone: zone.prefault(null).meta({ description: 'Of the IANA list.' }),
  source: name(100).prefault(null).meta({
    description:
      'Where the form stands: one of our own names (home, embed, comparison:SLUG); others are kept as "other".',
  }),
  website: z
    .unknown()
    .optional()
    .transform((value) => (value === undefined || value === null ? '' : String(value)))
    .meta({ description: 'A trap for machines: leave it out, or empty.' }),
  stamp: text
    .catch(undefined)
    .meta({ description: 'From GET /subscribe. Without it a sign-up looks like a machine’s.' }),
  [TURNSTILE_FIELD]: text.catch(undefined).meta({ description: 'Of the puzzle, where the form has one.' }),
});

/**
 * Reads the fields of a body in any of the three content types; ignores other fields.
 * @throws AppError `body-unreadable`.
 */
async function readFields(request: FastifyRequest): Promise<Fields> {
  const errors: FieldError[] = [];
  const given = mediaType(request) === 'application/json' ? readJson(request) : {};
  if (mediaType(request) !== 'application/json') {
    const form = await readForm(request);
    for (const field of ['email', 'timezone', 'source', 'website', 'stamp', TURNSTILE_FIELD]) {
      const values = [...form.getAll(field), ...form.getAll(`${field}[]`)];
      if (values.length > 1) errors.push({ field, code: 'duplicate', message: `${field} is there twice.` });
      if (values.length > 0) given[field] = values[0];
    }
    given.topics = [...form.getAll('topics'), ...form.getAll('topics[]')];
  }
  const read = signUpSchema.safeParse(given);
  if (!read.success) {
    for (const { path } of read.error.issues) {
      const field = String(path[0] ?? '');
      errors.push({ field, code: 'wrong_type', message: `${field} is not of the type that it should be.` });
    }
  }
  const { [TURNSTILE_FIELD]: challenge, ...fields } = read.success ? read.data : signUpSchema.parse({});
  return { ...fields, email: fields.email, stamp: fields.stamp, challenge, errors };
}

function readJson(request: FastifyRequest): Record<string, unknown> {
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    const value: unknown = JSON.parse(decoder.decode(request.body as Buffer));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // The throw below words the error.
  }
  throw new AppError('body-unreadable', 'A body that is no JSON object.');
}

/** @throws AppError `sign-up-invalid`. */
function readAddress({ email, errors }: Fields): Address {
  if (errors.length > 0) throw invalid(errors);
  const address = parseAddress(email ?? '');
  if (!('reason' in address)) return address;
  const isMissing = (email ?? '').trim() === '';
  throw invalid([
    isMissing
      ? { field: 'email', code: 'required', message: 'Type your email address.' }
      : { field: 'email', code: 'invalid_address', message: `This address ${address.reason}.` },
  ]);
}

function invalid(errors: FieldError[]): AppError {
  return new AppError('sign-up-invalid', 'A sign-up that cannot be taken.', { context: { errors } });
}

/** Spells topics as the list of topics does; drops topics that are not in it, because the list changes. */
function chosenTopics(asked: string[], known: string[]): string[] {
  const wanted = new Set(asked.map((topic) => topic.trim().toLowerCase()));
  return known.filter((topic) => wanted.has(topic.toLowerCase())).sort();
}

function isZone(zoneName: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zoneName });
    return true;
  } catch {
    return false;
  }
}

export function evidenceOf(request: FastifyRequest): Evidence {
  return { ip: request.ip, userAgent: request.headers['user-agent']?.slice(0, 300) ?? null };
}

const domainOf = ({ email }: Address) => email.slice(email.lastIndexOf('@') + 1);

/** The browser's preferred language; null when it names no valid one. */
function localeOf({ headers }: FastifyRequest): string | null {
  const [first = ''] = (headers['accept-language'] ?? '').split(/[,;]/, 1);
  try {
    return Intl.getCanonicalLocales(first.trim().slice(0, 35))[0] ?? null;
  } catch {
    return null;
  }
}

function mediaType(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** A browser asks for text/html first; a script accepts anything and gets JSON. */
function wantsPage(request: FastifyRequest): boolean {
  return request.type(['application/json', 'text/html']) === 'text/html';
}

/** Lets scripts of the configured sites read our answers. Credentials are not allowed: there are none. */
function allowOrigin(request: FastifyRequest, reply: FastifyReply, embedOrigins: readonly string[]): void {
  const { origin } = request.headers;
  if (origin === undefined || !embedOrigins.includes(origin)) return;
  reply.header('access-control-allow-origin', origin);
  if (request.method !== 'OPTIONS') return;
  reply.headers({
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': 'Content-Type, Idempotency-Key',
    'access-control-max-age': '600',
  });
}

/**
 * Whether a POST comes from our own pages, from a configured site, or from no page. Our pages send no referrer, so that
 * a browser reports their origin as `null`; its Sec-Fetch-Site header says that they are ours.
 */
function comesFrom(request: FastifyRequest, origins: ReadonlySet<string>): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (origin !== undefined && origin !== 'null') {
    return origins.has(origin) || parseUrl(origin)?.host === request.host;
  }
  return site === undefined || site === 'same-origin' || site === 'none';
}
