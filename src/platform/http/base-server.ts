import { randomUUID } from 'node:crypto';
import accepts from '@fastify/accepts';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';
import { type ConnectionLimits, Connections } from './connections.ts';
import { type LoadLimits, limitLoad } from './load.ts';
import { answerUnroutable } from './problems.ts';

/** No form here needs more. */
const BODY_LIMIT = 8 * 1024;

/** Of health checks, which come every few seconds, and events, which come in thousands, nobody wants to read. */
const QUIET = new Set(['/healthz', '/readyz', '/metrics', '/webhooks/resend']);

/** Whose `X-Forwarded-*` are believed: nobody's, those of so many proxies, or those of these networks. */
export type TrustProxy = false | number | string[];

/**
 * Fastify does not count proxies any more, because who reaches the program around them can then call
 * themselves what they like. The manual says so where the setting is; on many hosts there is no other way.
 */
function trusted(proxies: TrustProxy) {
  return typeof proxies === 'number' ? (_address: string, hop: number) => hop < proxies : proxies;
}

/** What clients may take of the process. A test gives limits that it can reach. */
export type ServerLimits = Partial<ConnectionLimits & LoadLimits>;

/** A server without routes: limits, request ids, and a log that never holds a URL (I9). */
export function createBaseServer(options: {
  logger: Logger | false;
  trustProxy?: TrustProxy;
  limits?: ServerLimits;
}): FastifyInstance {
  const connections = new Connections(options.limits);
  const app: FastifyInstance = Fastify({
    ...(options.logger ? { loggerInstance: options.logger as FastifyBaseLogger } : { logger: false }),
    // Its own lines would print URLs.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    trustProxy: trusted(options.trustProxy ?? false),
    bodyLimit: BODY_LIMIT,
    serverFactory: (listener) => connections.createServer(listener),
    // Long enough for any token and any path of the outbox.
    routerOptions: { maxParamLength: 512, ignoreTrailingSlash: true },
    frameworkErrors: answerUnroutable,
  });
  app.register(accepts);
  limitLoad(app, () => connections.accepted, options.limits);
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url;
    const facts = {
      method: request.method,
      route: route ?? 'none',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    };
    if (route !== undefined && QUIET.has(route)) request.log.debug(facts, 'answered');
    else request.log.info(facts, 'answered');
  });
  return app;
}
