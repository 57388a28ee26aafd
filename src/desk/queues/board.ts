import { AsyncLocalStorage } from 'node:async_hooks';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import Fastify from 'fastify';
import { type Palette, theme } from '../../../emails/theme.ts';
import type { RawQueue } from '../../platform/queue/job-queue.ts';

/**
 * Bull Board, on a server without a port: the desk decides who may use it. It is slow to load, so this file is
 * loaded on first use.
 */
export interface Board extends AsyncDisposable {
  ask(question: BoardRequest): Promise<{ status: number; type: string; body: Buffer }>;
}

interface BoardRequest {
  method: 'GET' | 'HEAD' | 'PUT';
  /** Path and query, relative to the root of the site. */
  url: string;
  /** Called before the action; an exception stops the action. */
  record(action: BoardAction): Promise<void>;
}

export interface BoardAction {
  action: 'retried' | 'began at once' | 'removed' | 'rang';
  queue: string;
  /** Id of a job, name of a schedule, or `failed` for all failed jobs. */
  job: string;
}

/**
 * The allowed actions: a failed job is retried or removed; the database loses nothing by either. The settings of
 * the queues (pace, schedules, pausing) belong to the program alone.
 */
const ACTIONS: Record<string, BoardAction['action']> = {
  '/api/queues/:queueName/:jobId/retry': 'retried',
  '/api/queues/:queueName/:jobId/promote': 'began at once',
  '/api/queues/:queueName/:jobId/clean': 'removed',
  '/api/queues/:queueName/retry/:queueStatus': 'retried',
  '/api/queues/:queueName/clean/:queueStatus': 'removed',
  '/api/queues/:queueName/job-schedulers/:schedulerId/run': 'rang',
};

const REFUSED =
  'How the queues are set belongs to the program. Jobs can be retried, promoted and removed, and schedules run; issues are paused at the desk.';

/** @param base path of the board, relative to the root of the site. */
export async function openBoard(
  queues: readonly RawQueue[],
  { base, showWorkers }: { base: string; showWorkers: boolean },
): Promise<Board> {
  const asking = new AsyncLocalStorage<BoardRequest>();
  const adapter = new FastifyAdapter();
  adapter.setBasePath(base);
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue)),
    serverAdapter: adapter,
    options: {
      uiConfig: {
        boardTitle: 'Queues',
        miscLinks: [{ text: 'Back to the desk', url: '/editor' }],
        hideDocsLink: true,
        showWorkers,
        theme: { light: tokens(theme.light), dark: tokens(theme.dark) },
      },
      handlerHooks: {
        async before({ method, route, request: { params } }) {
          if (method === 'get') return undefined;
          const { queueName: queue, queueStatus, jobId, schedulerId } = params;
          const action = ACTIONS[route];
          const question = asking.getStore();
          // The next run of a schedule is a delayed job: if it were removed with the others, it would never run.
          if (question === undefined || action === undefined || (queueStatus ?? 'failed') !== 'failed')
            return { allow: false, errorKey: 'ERRORS.FORBIDDEN', message: REFUSED };
          await question.record({ action, queue, job: jobId ?? schedulerId ?? queueStatus });
          return undefined;
        },
      },
    },
  });
  const server = Fastify({ routerOptions: { maxParamLength: 512, ignoreTrailingSlash: true } });
  await server.register(adapter.registerPlugin(), { prefix: base });
  await server.ready();
  return {
    async ask(question) {
      const { method, url } = question;
      const answer = await asking.run(question, async () => await server.inject({ method, url }));
      const type = String(answer.headers['content-type'] ?? 'text/plain');
      const body = type.startsWith('text/html') ? Buffer.from(adaptPage(answer.body)) : answer.rawPayload;
      return { status: answer.statusCode, type, body };
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Its page without third-party fonts, and with a notice for browsers without scripts. */
function adaptPage(html: string): string {
  return html
    .replace(/<link href="https:\/\/fonts\.[^>]*>/, '')
    .replace(
      /<body[^>]*>/,
      '$&<noscript>This board is a program of its own and needs JavaScript. <a href="/editor">Back to the desk</a>, which does not.</noscript>',
    );
}

/** Our colours and fonts as its variables. */
function tokens({ paper, ink, muted, rule, track, accent }: Palette) {
  return {
    ...{ background: paper, card: paper, popover: paper, sidebar: paper },
    ...{ foreground: ink, 'card-foreground': ink, 'popover-foreground': ink, 'sidebar-foreground': ink },
    ...{ muted: track, 'muted-foreground': muted, border: rule, input: rule, 'sidebar-border': rule },
    ...{ primary: accent, 'primary-foreground': paper, ring: accent },
    ...{ 'font-sans': theme.type.sans, radius: '2px' },
  };
}
