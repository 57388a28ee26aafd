import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';

/** How many requests the process handles at once, so that its memory does not grow with the number of clients. */
export interface LoadLimits {
  /** Requests handled at once. More would not be faster: there is one processor, and ten database clients. */
  working: number;
  /** Requests that wait for their turn. Further requests get 503 with Retry-After at once. */
  waiting: number;
}

export const LOAD_LIMITS: LoadLimits = { working: 50, waiting: 1_000 };

/** Always answered, so that nobody restarts a process that is only busy. */
const ALWAYS_ANSWERED = '/healthz';

/** Milliseconds between two log lines about refused requests. */
const LOG_EVERY_MS = 10_000;

/**
 * Node accepts one connection in each turn of its event loop, and a turn that renders pages takes long: a health check
 * would wait for as many pages as there are connections before it. So while connections arrive, the process alternates
 * between accepting connections for this many milliseconds and starting a number of requests.
 */
const ACCEPTING_MS = 50;
const WORKING_BETWEEN = 4;

interface Waiting {
  request: FastifyRequest;
  done: (error?: Error) => void;
}

/**
 * Keeps a server within {@link LoadLimits}: beyond them it answers 503. A request counts from the arrival of its body,
 * so that a slow sender does not occupy a place, until its answer is written, so that a slow reader's answers are
 * bounded too. Call it before other hooks are added.
 * @param accepted number of connections accepted so far.
 */
export function limitLoad(
  app: FastifyInstance,
  accepted: () => number,
  limits: Partial<LoadLimits> = {},
): void {
  const { working: most, waiting: longest } = { ...LOAD_LIMITS, ...limits };
  const working = new Set<FastifyRequest>();
  const queue = new Set<Waiting>();
  let isScheduled = false;
  let acceptedBefore = 0;
  let busyAt = 0;
  let refused = 0;
  let loggedAt = -Infinity;

  const begin = ({ request, done }: Waiting): void => {
    working.add(request);
    done();
  };

  const accept = (request: FastifyRequest, _reply: unknown, done: (error?: Error) => void): void => {
    const room = accepted() === acceptedBefore ? most : Math.min(most, WORKING_BETWEEN);
    if (working.has(request) || request.routeOptions.url === ALWAYS_ANSWERED) done();
    else if (queue.size === 0 && working.size < room) begin({ request, done });
    else if (queue.size < longest) {
      queue.add({ request, done });
      scheduleStart();
    } else {
      logRefusal(request);
      done(new AppError('too-busy', 'More requests at once than the process takes in hand.'));
    }
  };

  const release = (request: FastifyRequest): void => {
    if (working.delete(request) && queue.size > 0) scheduleStart();
  };

  const scheduleStart = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(startWaiting);
  };

  const startWaiting = (): void => {
    isScheduled = false;
    const isAccepting = accepted() !== acceptedBefore;
    acceptedBefore = accepted();
    if (!isAccepting) startUpTo(most);
    else if (working.size > 0) busyAt = performance.now();
    else if (performance.now() - busyAt >= ACCEPTING_MS) startUpTo(WORKING_BETWEEN);
    if (isAccepting && queue.size > 0) scheduleStart();
  };

  const startUpTo = (room: number): void => {
    for (const waiting of queue) {
      if (working.size >= Math.min(room, most)) return;
      queue.delete(waiting);
      const { request, done } = waiting;
      if (!request.raw.socket.destroyed) begin(waiting);
      else done(new AppError('client-gone', 'Nobody waits for this answer any more.'));
    }
  };

  const logRefusal = (request: FastifyRequest): void => {
    refused += 1;
    if (performance.now() - loggedAt < LOG_EVERY_MS) return;
    request.log.warn(
      { refused, working: working.size, waiting: queue.size },
      'too busy: requests are refused',
    );
    loggedAt = performance.now();
    refused = 0;
  };

  app.addHook('onRequest', (request, reply, done) => {
    if (request.method === 'GET' || request.method === 'HEAD') accept(request, reply, done);
    else done();
  });
  app.addHook('preValidation', accept);
  app.addHook('onSend', (request, _reply, _payload, done) => {
    release(request);
    done();
  });
  app.addHook('onResponse', (request, _reply, done) => {
    release(request);
    done();
  });
}
