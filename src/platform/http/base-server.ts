import { randomUUID } from 'node:crypto';
import accepts from '@fastify/accepts';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';
import { type ConnectionLimits, Connections } from './connections.ts';
import { type LoadLimits, limitLoad } from './load.ts';
import { answerUnroutable } from './problems.ts';

/** No form here needs more bytes. */
const BODY_LIMIT = 8 * 1024;

/** Not logged: health checks come every few seconds, and events by the thousand. */
const QUIET = new Set(['/healthz', '/readyz', '/metrics', '/webhooks/resend']);

/** Proxies whose `X-Forwarded-*` headers are trusted: none, this many hops, or those in these networks. */
export type TrustProxy = false | number | string[];

/**
 * Fastify no longer accepts a number of proxies, because a client that bypasses them can then forge its address. The
 * manual warns of this at the setting; on many hosts there is no alternative.
 */
function trusted(proxies: TrustProxy) {
  return typeof proxies === 'number' ? (_address: string, hop: number) => hop < proxies : proxies;
}

/** What clients may use of the process. Tests set smaller limits. */
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
    // Fastify's own request log would print URLs.
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
