import { PassThrough, type Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';

/** What those who watch an issue are told. */
export interface WatchView {
  /** What goes into the page; one line. */
  html: string;
  /** While it is the same, figures say everything; when it changes the page has more to say. */
  phase: string;
  /** Nothing will change until somebody does something. */
  resting: boolean;
}

/** Bounds, so that open pages cost the same whether one editor watches or all of them do. */
export interface WatchLimits {
  streams: number;
  /** Milliseconds between two looks at the database: one look for all who watch the same issue. */
  every: number;
  /** Milliseconds after which a stream ends; the browser comes back, and the guard asks again who it is. */
  life: number;
}

const LIMITS: WatchLimits = { streams: 50, every: 1_000, life: 5 * 60_000 };

/** Looks in a row without news after which a line goes out anyway, so that no proxy takes the line for dead. */
const HEARTBEAT = 15;

interface Watched {
  streams: Set<PassThrough>;
  timer: NodeJS.Timeout | undefined;
  last: WatchView | undefined;
  quiet: number;
}

/** Server-sent events about issues. Closes its streams with the server. */
export class Watchers {
  readonly #issues = new Map<string, Watched>();
  readonly #look: (issueId: string) => Promise<WatchView>;
  readonly #limits: WatchLimits;
  #count = 0;

  constructor(app: FastifyInstance, look: (issueId: string) => Promise<WatchView>, limits = LIMITS) {
    this.#look = look;
    this.#limits = limits;
    // Before the server waits for its connections to end.
    app.addHook('preClose', async () => {
      for (const { streams } of this.#issues.values()) for (const stream of streams) stream.end();
    });
  }

  /** @returns undefined when too many watch already. */
  watch(issueId: string): Readable | undefined {
    if (this.#count >= this.#limits.streams) return undefined;
    this.#count += 1;
    const stream = new PassThrough();
    const watched = this.#issues.get(issueId) ?? {
      streams: new Set(),
      timer: undefined,
      last: undefined,
      quiet: 0,
    };
    this.#issues.set(issueId, watched);
    watched.streams.add(stream);
    const end = setTimeout(() => stream.end(), this.#limits.life);
    stream.once('close', () => {
      clearTimeout(end);
      this.#count -= 1;
      watched.streams.delete(stream);
      if (watched.streams.size > 0) return;
      clearTimeout(watched.timer);
      if (this.#issues.get(issueId) === watched) this.#issues.delete(issueId);
    });
    // The browser waits so long before it comes back.
    stream.write('retry: 3000\n\n');
    if (watched.last !== undefined) stream.write(event('progress', watched.last.html));
    if (watched.streams.size === 1) void this.#round(issueId, watched);
    return stream;
  }

  async #round(issueId: string, watched: Watched): Promise<void> {
    const sight = await this.#look(issueId).catch(() => undefined);
    const { streams, last } = watched;
    // While the database cannot be read, nothing is said; the page keeps what was true.
    const lines = sight === undefined ? [] : changesOf(sight, last);
    watched.quiet = lines.length > 0 ? 0 : watched.quiet + 1;
    if (watched.quiet >= HEARTBEAT) {
      lines.push(': still here\n\n');
      watched.quiet = 0;
    }
    watched.last = sight ?? last;
    for (const stream of streams) {
      // Somebody who does not read is let go, and comes back when they do.
      if (stream.writableNeedDrain) stream.destroy();
      else for (const line of lines) stream.write(line);
      if (sight?.resting) stream.end();
    }
    if (streams.size > 0 && !sight?.resting) {
      watched.timer = setTimeout(() => void this.#round(issueId, watched), this.#limits.every);
    }
  }
}

function changesOf(sight: WatchView, last: WatchView | undefined): string[] {
  const lines = sight.html === last?.html ? [] : [event('progress', sight.html)];
  if (sight.resting || (last !== undefined && last.phase !== sight.phase)) lines.push(event('turn', ''));
  return lines;
}

const event = (name: string, data: string): string => `event: ${name}\ndata: ${data}\n\n`;
