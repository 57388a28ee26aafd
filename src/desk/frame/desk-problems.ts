import type { FastifyInstance } from 'fastify';
import { AppError } from '../../platform/errors.ts';
import { PROBLEM_TYPE, type Problem } from '../../platform/http/problems.ts';
import type { Site } from '../../platform/site.ts';
import { refusalPage } from './refusal-page.tsx';

/** Errors whose own message is shown to the editor, because it was written for people. */
const STATUS: Record<string, number> = {
  'edit-refused': 422,
  'reason-missing': 422,
  'reason-long': 422,
  'issue-refuses': 409,
  'issue-changed': 409,
  'contents-taken': 409,
  'move-refused': 422,
  'bad-moment': 422,
  'issue-empty': 409,
  'checks-failed': 422,
  'override-refused': 422,
  'postal-address-missing': 422,
  'no-readers': 409,
  'retry-nobody': 409,
  'retry-changed': 409,
  'gathering-runs': 409,
  'preview-unknown': 404,
  'test-refused': 422,
  'render-failed': 422,
  'passkey-refused': 403,
  'passkey-stale': 403,
  'passkey-unavailable': 404,
  'passkey-unknown': 404,
  'passkey-last': 409,
  'passkey-name': 422,
  'passkey-script': 422,
};

/** All other errors are handled by the server above, as everywhere. */
export function answerDeskProblems(app: FastifyInstance, site: Site): void {
  app.setErrorHandler((error, request, reply) => {
    const status = error instanceof AppError ? STATUS[error.code] : undefined;
    if (status === undefined) throw error;
    const { message, help } = error as AppError;
    reply.code(status);
    if (request.type(['application/problem+json', 'text/html']) === 'text/html')
      return reply.type('text/html; charset=utf-8').send(refusalPage(site, { message, help }));
    const problem: Problem = {
      ...{ type: 'about:blank', title: message, status, detail: help ?? message },
      instance: `urn:uuid:${request.id}`,
    };
    return reply.type(PROBLEM_TYPE).send(JSON.stringify(problem));
  });
}
