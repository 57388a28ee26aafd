import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { apiDocsRoutes } from '../api/api-docs-routes.ts';
import { apiRoutes } from '../api/api-routes.ts';
import { archiveRoutes } from '../archive/archive-routes.ts';
import { lastMailing, publishedIssues } from '../archive/archive-store.ts';
import { findComparison, knownTopics } from '../comparisons/comparison-store.ts';
import { comparisonRoutes } from '../comparisons/pages/comparison-routes.ts';
import type { Publish } from '../comparisons/visibility-store.ts';
import { voteRoutes } from '../comparisons/votes/vote-routes.ts';
import { recordTakeDown } from '../desk/comparisons/take-down-log.ts';
import type { DeskOptions } from '../desk/desk-context.ts';
import { deskRoutes } from '../desk/desk-routes.ts';
import type { ContentActions } from '../issues/take-down/content-steps.ts';
import { hideComparison, showComparison } from '../issues/take-down/take-down.ts';
import type { Connection } from '../platform/db/database.ts';
import { createBaseServer, type ServerLimits, type TrustProxy } from '../platform/http/base-server.ts';
import { TURNSTILE_ORIGIN } from '../platform/http/challenge.ts';
import { acceptForms } from '../platform/http/form.ts';
import { healthRoutes } from '../platform/http/health-routes.ts';
import { type Metrics, metricsRoutes } from '../platform/http/metrics.ts';
import { problemPage } from '../platform/http/pages/problem-page.tsx';
import { styleHash } from '../platform/http/pages/stylesheet.ts';
import { answerProblems, fromDatabase } from '../platform/http/problems.ts';
import { limitWriters } from '../platform/http/writers.ts';
import type { Site } from '../platform/site.ts';
import { outboxRoutes } from '../providers/outbox/outbox-routes.ts';
import type { Webhook } from '../providers/port.ts';
import { webhookRoutes } from '../sending/events/webhook-routes.ts';
import { confirmRoutes } from '../subscribers/confirm/confirm-routes.ts';
import { preferencesRoutes } from '../subscribers/preferences/preferences-routes.ts';
import { embedRoutes } from '../subscribers/sign-up/embed-routes.ts';
import { type SignUpParts, signUpForms } from '../subscribers/sign-up/sign-up-form.ts';
import { subscribeRoutes } from '../subscribers/sign-up/subscribe-routes.ts';
import { stepUpRoutes } from '../subscribers/step-up/step-up-routes.ts';
import type { Keys } from '../subscribers/tokens.ts';
import { unsubscribeRoutes } from '../subscribers/unsubscribe/unsubscribe-routes.ts';
import type { Health } from '../workflow/health.ts';

export interface ServerOptions {
  db: Connection;
  /** Keys that verify the links in mail. */
  keys: Keys;
  site: Site;
  /** The directory of the outbox mailer, and the token in the address that opens it; null: nobody may browse it. */
  outbox: { directory: string; token: string } | null;
  /** Token for pushing comparisons; without it the route does not exist. */
  apiToken?: string | undefined;
  /** How events of the mail provider are verified and read; without it the route does not exist. */
  webhook?: Webhook | null;
  /** Called when events were stored. */
  onEvents?(): void;
  clock?(): Date;
  /** Asks a worker to send a mail whose row is in the database; must not delay the response. */
  enqueueMail(mailId: string): void;
  /** Called when a person was erased, so that data outside the database can be deleted. */
  onErased?(): void;
  /** Wakes a worker to process waiting mail requests; must not delay the response. */
  onMailRequest?(): void;
  /** The editor's desk; without editors there is none. */
  desk?: DeskOptions | undefined;
  /** Throws when the database or the queue is unavailable. */
  ready(): Promise<void>;
  /** Whether the installation does its work; must be cheap. */
  health?: () => Promise<Health>;
  /** Records response times. */
  metrics?: Metrics | undefined;
  /** Token for reading the metrics here; without it this server has no `/metrics`. */
  metricsToken?: string | undefined;
  /** Whether the API documentation is public. Default: yes. */
  docs?: boolean;
  /** When the page of a comparison becomes public. Default: as soon as it is gathered. */
  publish?: Publish;
  /** Takes a comparison down or shows it again, with all consequences. */
  contents?: ContentActions;
  logger: Logger | false;
  signUp: SignUpParts;
  /** Strict-Transport-Security; without it the header is not sent. */
  hsts?: { maxAge: number; includeSubDomains: boolean; preload: boolean } | null;
  /** Which proxies' `X-Forwarded-*` headers are trusted. */
  trustProxy?: TrustProxy;
  limits?: ServerLimits;
}

/**
 * The public web server, built and not yet listening. GET and HEAD change nothing, anywhere; pages need
 * no script and no cookie.
 */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { db, keys, site, signUp, publish = 'gathered', onMailRequest = () => {} } = options;
  const { limiter } = signUp;
  const topics = () => fromDatabase(knownTopics(db, publish));
  const hasComparison = async (slug: string) => (await fromDatabase(findComparison(db, slug))) !== undefined;
  const latestIssue = async () => (await fromDatabase(publishedIssues(db, 1)))[0];
  const mailingOf = (comparisonId: string) => fromDatabase(lastMailing(db, comparisonId));
  const forms = signUpForms(keys, site, signUp, topics);
  const contents: ContentActions = options.contents ?? {
    hide: (request) => hideComparison(db, request),
    show: (request) => showComparison(db, request),
  };
  // The only third-party script that a page may load, and only if the operator configured it.
  const puzzle = signUp.challenge === null ? [] : [TURNSTILE_ORIGIN];
  const app = createBaseServer(options);
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        styleSrc: [`'${styleHash}'`],
        ...(puzzle.length > 0 ? { scriptSrc: puzzle, frameSrc: puzzle } : {}),
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Only if the operator configured it: a browser applies it to the whole host, and perhaps to the whole domain.
    strictTransportSecurity: options.hsts ?? false,
  });
  answerProblems(app, (problem, otherWay) => problemPage(site, problem, otherWay));

  const { metrics, metricsToken, docs = true } = options;
  metrics?.observe(app);
  if (metrics !== undefined && metricsToken !== undefined) metricsRoutes(app, metrics, metricsToken);
  healthRoutes(app, options.ready, options.health);
  if (docs) {
    apiDocsRoutes(app, site, {
      takesPushes: options.apiToken !== undefined,
      takesEvents: options.webhook != null,
      showsMetrics: metricsToken !== undefined,
    });
  }
  await app.register(async (scope) => archiveRoutes(scope, { ...options, forms, publish }));
  await app.register(async (scope) =>
    comparisonRoutes(scope, { ...options, forms, publish, latestIssue, lastMailing: mailingOf }),
  );
  await app.register(async (scope) => {
    acceptForms(scope);
    subscribeRoutes(scope, { ...options, forms, topics, hasComparison, onMailRequest });
  });
  await app.register(async (scope) =>
    embedRoutes(scope, { site, forms, embedOrigins: signUp.embedOrigins, puzzle }),
  );
  await app.register(async (scope) => {
    acceptForms(scope);
    // These URLs carry a token with power over an account, so they must not be cached or indexed (helmet's default
    // already keeps them out of referrers).
    scope.addHook('onRequest', async (_request, reply) => {
      reply.headers({
        'cache-control': 'no-store',
        'x-robots-tag': 'noindex',
      });
    });
    limitWriters(scope);
    const parts = { ...options, limiter, topics, onMailRequest };
    unsubscribeRoutes(scope, parts);
    preferencesRoutes(scope, parts);
    stepUpRoutes(scope, parts);
    confirmRoutes(scope, { ...options, latestIssue });
    voteRoutes(scope, { ...options, publish });
  });
  const { apiToken } = options;
  if (apiToken !== undefined) {
    await app.register(async (scope) => apiRoutes(scope, { ...options, apiToken, contents, recordTakeDown }));
  }
  const { webhook = null, onEvents = () => {}, clock = () => new Date() } = options;
  if (webhook !== null) {
    await app.register(async (scope) =>
      webhookRoutes(scope, {
        db,
        webhook,
        onEvents(stored) {
          metrics?.countEvents(stored);
          onEvents();
        },
      }),
    );
  }
  const { desk } = options;
  if (desk !== undefined) {
    await app.register(async (scope) =>
      deskRoutes(scope, { ...options, clock, desk, limiter, publish, contents, onMailRequest }),
    );
  }
  const { outbox } = options;
  if (outbox !== null) await app.register(async (scope) => outboxRoutes(scope, outbox));
  await app.ready();
  return app;
}

/** The server of processes without public pages: `/healthz`, `/readyz`, and `/metrics` with a token. */
export async function createHealthServer({
  ready,
  health,
  logger,
  metrics,
  metricsToken,
}: Pick<
  ServerOptions,
  'ready' | 'health' | 'logger' | 'metrics' | 'metricsToken'
>): Promise<FastifyInstance> {
  const app = createBaseServer({ logger });
  answerProblems(app);
  metrics?.observe(app);
  if (metrics !== undefined && metricsToken !== undefined) metricsRoutes(app, metrics, metricsToken);
  healthRoutes(app, ready, health);
  await app.ready();
  return app;
}

/** Serves `/metrics` alone and without a token: it must listen where only this machine can connect. */
export async function createMetricsServer(
  metrics: Metrics,
  logger: ServerOptions['logger'],
): Promise<FastifyInstance> {
  const app = createBaseServer({ logger });
  answerProblems(app);
  metricsRoutes(app, metrics, null);
  await app.ready();
  return app;
}
