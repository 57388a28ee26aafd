import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';

export type Handler<Params> = (request: FastifyRequest<{ Params: Params }>, reply: FastifyReply) => unknown;

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const;

/**
 * One URL and its methods. GET includes HEAD; OPTIONS lists the allowed methods; any other method gets 405 with the
 * same list (RFC 9110 §15.5.6), before the body is read.
 */
export function resource<Params = unknown>(
  app: FastifyInstance,
  url: string,
  handlers: { [Method in (typeof METHODS)[number]]?: Handler<Params> },
): void {
  const handled = METHODS.filter((method) => handlers[method]);
  const methods = [
    ...handled.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])),
    'OPTIONS',
  ];
  const allow = methods.join(', ');
  for (const method of handled) {
    const handler = handlers[method];
    if (handler) app.route<{ Params: Params }>({ method, url, handler });
  }
  app.route({
    method: 'OPTIONS',
    url,
    handler: (_request, reply) => reply.code(204).header('allow', allow).send(),
  });
  const refuse = async (_request: FastifyRequest, reply: FastifyReply) => {
    reply.header('allow', allow);
    throw new AppError('method-refused', `Only ${allow} here.`);
  };
  app.route({
    method: app.supportedMethods.filter((method) => !methods.includes(method)),
    url,
    onRequest: refuse,
    handler: refuse,
  });
}
