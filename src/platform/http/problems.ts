import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError, type Fault } from '../errors.ts';

/** The error of one form field: a code for programs, a sentence for people. */
export interface FieldError {
  field: string;
  code: string;
  message: string;
}

/** The answer to a failed request: RFC 9457, as JSON or as a page. Never the internal cause. */
export interface Problem {
  /** No problem here means more than its status, so it has no URI of its own (RFC 9457 §4.2.1). */
  type: 'about:blank';
  title: string;
  status: number;
  detail: string;
  /** `urn:uuid:` of the request, as in the log. */
  instance: string;
  /** Errors of the submitted fields: an extension (RFC 9457 §3.2). */
  errors?: (Fault | FieldError)[];
}

/** What a person with a broken link can request by address. */
export type Alternative = 'leave' | 'preferences';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Our own failures, by code. An entry without a detail shows the help of its error. */
const BY_CODE: Record<string, { status: number; title: string; detail?: string }> = {
  'page-unknown': {
    status: 404,
    title: 'There is no such page',
    detail: 'It may have moved, or the address may have lost a few characters on its way.',
  },
  'comparison-taken-down': {
    status: 410,
    title: 'This comparison was taken down',
    detail: 'What it said does not stand any more, and votes on it are not counted.',
  },
  'outbox-closed': {
    status: 404,
    title: 'The outbox opens by its own link',
    detail:
      'It holds personal links of readers. `serve` printed its address when it started; it is new at every start.',
  },
  'link-unknown': {
    status: 404,
    title: 'This link does not work',
    detail:
      'Mail programs sometimes cut long links in two. Open it in the mail once more, or answer the mail and ask us.',
  },
  // Signed by another installation: requesting the mail again would not help.
  'link-foreign': {
    status: 404,
    title: 'This link does not work here',
    detail:
      'It was made with a key that we do not have: by another installation, or by this one before its keys were replaced. Nothing was changed.',
  },
  // Signed by us, but its owner cannot be determined: the page must not say that they are off the list.
  'link-lost': {
    status: 410,
    title: 'We cannot tell whose link this is',
    detail: 'The link is genuine, but nothing here says any more whom it was mailed to. Nothing was changed.',
  },
  'link-void': {
    status: 410,
    title: 'This link is void',
    detail:
      'Older links were made void, or the address was changed. The unsubscribe link of the same mail still works; for everything else take the link of the newest mail.',
  },
  'method-refused': {
    status: 405,
    title: 'That cannot be done here',
    detail: 'The Allow header of this answer names what can.',
  },
  'form-unknown': {
    status: 422,
    title: 'That form is not complete',
    detail: 'Nothing was changed. Open the page once more and press its button.',
  },
  // One text for every link that does not sign in; the desk's audit log has the reason.
  'sign-in-refused': {
    status: 403,
    title: 'This link does not sign you in',
  },
  'signed-out': {
    status: 403,
    title: 'You are signed out',
    detail: 'Nothing was changed. Sign in again at /editor.',
  },
  'passkey-due': {
    status: 403,
    title: 'Your passkey is missing',
    detail: 'Nothing was changed. Finish signing in at /editor.',
  },
  'passkey-missing': {
    status: 403,
    title: 'That takes a passkey',
    detail: 'Nothing was changed. Publishers must have a passkey here: add yours at /editor/account.',
  },
  'form-forged': {
    status: 403,
    title: 'That did not come from the desk',
    detail: 'Nothing was changed. Open the page once more and press its button.',
  },
  'role-lacking': {
    status: 403,
    title: 'That takes a publisher',
    detail: 'Nothing was changed. Editors write; publishers approve, send, pause and cancel.',
  },
  'suppression-kept': {
    status: 409,
    title: 'That cannot be lifted',
    detail:
      'Nothing was changed. Only a bounce can be lifted, never a complaint, a request never to be mailed, or an erasure.',
  },
  'sign-up-invalid': {
    status: 422,
    title: 'Please look again',
    detail: 'Nothing was sent. What is wrong is named under errors.',
  },
  'sign-up-type-unknown': {
    status: 415,
    title: 'That is not a form',
    detail: 'Send application/json, application/x-www-form-urlencoded or multipart/form-data.',
  },
  'body-unreadable': {
    status: 400,
    title: 'That request makes no sense',
    detail: 'It should be one JSON object, in UTF-8.',
  },
  'origin-refused': {
    status: 403,
    title: 'Not from there',
    detail: 'The form you came from is on a site that may not carry it. Sign up on our own page instead.',
  },
  'too-many-requests': {
    status: 429,
    title: 'That was often',
    detail: 'Too many requests came from your network. Wait a while, and try again.',
  },
  'token-wrong': {
    status: 401,
    title: 'Who are you?',
    detail: 'Send the token for this address as Authorization: Bearer TOKEN.',
  },
  'signature-wrong': {
    status: 401,
    title: 'Who are you?',
    detail: 'Only what the mail provider signs is taken here, within five minutes. Nothing was stored.',
  },
  'slug-taken': {
    status: 409,
    title: 'That is another comparison',
    detail: 'Nothing was changed. What is named under errors belongs to another pair of tools.',
  },
  'push-type-unknown': {
    status: 415,
    title: 'That is no comparison we can read',
    detail: 'Send application/json, or a page as text/html or text/plain.',
  },
  'page-unreadable': {
    status: 422,
    title: 'That is not a complete comparison',
    detail: 'Nothing was changed. Every field that is missing or wrong is named under errors.',
  },
  'reason-missing': {
    status: 422,
    title: 'Say why',
    detail: 'Nothing was changed. A reason of a few words is kept with it.',
  },
  'reason-long': {
    status: 422,
    title: 'That reason is too long',
    detail: 'Nothing was changed. A reason has at most 300 characters.',
  },
  'comparison-invalid': {
    status: 422,
    title: 'That is not a complete comparison',
    detail: 'Nothing was changed. Every field that is missing or wrong is named under errors.',
  },
  'database-unavailable': {
    status: 503,
    title: 'Not right now',
    detail:
      'We cannot reach our records, so we cannot tell whether anything was saved. Try again in a minute; twice does no harm.',
  },
  'too-busy': {
    status: 503,
    title: 'Too many at once',
    detail: 'Nothing was done. Try again in a minute.',
  },
  // The client is gone and does not read this.
  'client-gone': { status: 503, title: 'Gone', detail: 'The connection was closed.' },
  'not-ready': {
    status: 503,
    title: 'Not ready',
    detail: 'The database or the queue does not answer.',
  },
};

/**
 * Requests that the framework refuses before our code runs. Its own messages quote the request, so they are not shown.
 */
const BY_STATUS: Record<number, { title: string; detail: string }> = {
  400: { title: 'That request makes no sense', detail: 'It could not be read.' },
  413: { title: 'That is too much', detail: 'A form here has at most 8 kB, a comparison 1 MB.' },
  415: {
    title: 'That is not a form',
    detail: 'Send application/x-www-form-urlencoded or multipart/form-data.',
  },
};

const UNEXPECTED = {
  status: 500,
  title: 'Something broke',
  detail: 'It is our fault, not yours. Please try again in a while.',
};

function problemOf(error: unknown, request: FastifyRequest): Problem {
  const { statusCode } = error as Partial<FastifyError>;
  const ours = error instanceof AppError ? BY_CODE[error.code] : undefined;
  const known = ours && { detail: (error as AppError).help ?? '', ...ours };
  const refused =
    statusCode !== undefined && statusCode >= 400 && statusCode < 500
      ? { status: statusCode, ...(BY_STATUS[statusCode] ?? { title: 'That was refused', detail: 'Sorry.' }) }
      : undefined;
  const { faults, errors = faults } = (known && error instanceof AppError ? error.context : {}) as {
    faults?: Fault[];
    errors?: FieldError[];
  };
  return {
    type: 'about:blank',
    ...(known ?? refused ?? UNEXPECTED),
    instance: `urn:uuid:${request.id}`,
    ...(errors ? { errors } : {}),
  };
}

type ProblemPage = (problem: Problem, otherWay?: Alternative) => string;

/**
 * Answers every failure of `app`: as a page when `page` is given and the client prefers HTML. Only internal failures
 * are logged, without the request's URL, which may contain a token (I9).
 */
export function answerProblems(app: FastifyInstance, page?: ProblemPage): void {
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error, request);
    if (problem.status >= 500 && !isExpected(error))
      request.log.error({ err: forLog(error) }, 'request failed');
    const { otherWay } = (error instanceof AppError ? error.context : {}) as { otherWay?: Alternative };
    return send(problem, request, reply, page && ((one) => page(one, otherWay)));
  });
  app.setNotFoundHandler((request, reply) =>
    send(problemOf(new AppError('page-unknown', 'No route.'), request), request, reply, page),
  );
}

/** Failures that come by the thousand, and are reported elsewhere. */
function isExpected(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'too-busy' || error.code === 'client-gone');
}

function send(problem: Problem, request: FastifyRequest, reply: FastifyReply, page?: ProblemPage) {
  reply.code(problem.status).header('cache-control', 'no-store');
  if (!reply.hasHeader('vary')) reply.header('vary', 'Accept');
  if (problem.status === 503) reply.header('retry-after', '60');
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  // A browser asks for text/html first; curl and mail providers accept anything and get JSON.
  if (page !== undefined && request.type(['application/problem+json', 'text/html']) === 'text/html') {
    return reply.type('text/html; charset=utf-8').send(page(problem));
  }
  return reply.type(PROBLEM_TYPE).send(JSON.stringify(problem));
}

/** For URLs that the router cannot decode; no hook has run yet. */
export function answerUnroutable(_error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOf(Object.assign(new Error(), { statusCode: 400 }), request);
  reply.code(400).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}

/** A database driver adds row values to its errors; only fields known to be free of them are logged. */
function forLog(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: 'not an error' };
  const { name, message, stack, cause } = error;
  const { code } = error as { code?: unknown };
  return { name, message, code, stack, ...(cause === undefined ? {} : { cause: forLog(cause) }) };
}

/**
 * Waits for the database. When it does not answer, for whatever reason, the client must get 503 and retry: an
 * unsubscribe that was not committed must never look done.
 * @throws AppError `database-unavailable`.
 */
export async function fromDatabase<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    // Our own refusal is not a database failure.
    if (cause instanceof AppError) throw cause;
    throw new AppError('database-unavailable', 'The database did not answer a request.', { cause });
  }
}
