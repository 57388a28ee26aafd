import { PassThrough, type Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';

/** The content that is sent to the watchers of an issue. */
export interface WatchView {
  /** The HTML for the page, on one line. */
  html: string;
  /** While it stays the same, only the numbers change; when it changes, the page is reloaded. */
  phase: string;
  /** Nothing will change without an action. */
  isFinal: boolean;
}

/** Limits, so that open pages cost the same for one editor and for all. */
export interface WatchLimits {
  streams: number;
  /** Milliseconds between two reads of the database: one read for all watchers of an issue. */
  intervalMs: number;
  /** Milliseconds after which a stream ends; the browser reconnects and is authenticated again. */
  maxStreamMs: number;
}

const LIMITS: WatchLimits = { streams: 50, intervalMs: 1_000, maxStreamMs: 5 * 60_000 };

/** After this many reads without a change a line is sent anyway, so that no proxy closes the connection. */
const HEARTBEAT = 15;

interface Watched {
  streams: Set<PassThrough>;
  timer: NodeJS.Timeout | undefined;
  last: WatchView | undefined;
  unchangedReads: number;
}

/** Server-sent events about issues. Closes its streams with the server. */
export class Watchers {
  readonly #issues = new Map<string, Watched>();
  readonly #readView: (issueId: string) => Promise<WatchView>;
  readonly #limits: WatchLimits;
  #count = 0;

  constructor(app: FastifyInstance, readView: (issueId: string) => Promise<WatchView>, limits = LIMITS) {
    this.#readView = readView;
    this.#limits = limits;
    // Runs before the server waits for its connections to end.
    app.addHook('preClose', async () => {
      for (const { streams } of this.#issues.values()) for (const stream of streams) stream.end();
    });
  }

  /** @returns undefined when there are too many watchers. */
  watch(issueId: string): Readable | undefined {
    if (this.#count >= this.#limits.streams) return undefined;
    this.#count += 1;
    const stream = new PassThrough();
    const watched = this.#issues.get(issueId) ?? {
      streams: new Set(),
      timer: undefined,
      last: undefined,
      unchangedReads: 0,
    };
    this.#issues.set(issueId, watched);
    watched.streams.add(stream);
    const end = setTimeout(() => stream.end(), this.#limits.maxStreamMs);
    stream.once('close', () => {
      clearTimeout(end);
      this.#count -= 1;
      watched.streams.delete(stream);
      if (watched.streams.size > 0) return;
      clearTimeout(watched.timer);
      if (this.#issues.get(issueId) === watched) this.#issues.delete(issueId);
    });
    // The browser waits this long before it reconnects.
    stream.write('retry: 3000\n\n');
    if (watched.last !== undefined) stream.write(event('progress', watched.last.html));
    if (watched.streams.size === 1) void this.#round(issueId, watched);
    return stream;
  }

  async #round(issueId: string, watched: Watched): Promise<void> {
    const view = await this.#readView(issueId).catch(() => undefined);
    const { streams, last } = watched;
    // While the database cannot be read, nothing is sent; the page keeps its last state.
    const lines = view === undefined ? [] : changesOf(view, last);
    watched.unchangedReads = lines.length > 0 ? 0 : watched.unchangedReads + 1;
    if (watched.unchangedReads >= HEARTBEAT) {
      lines.push(': still here\n\n');
      watched.unchangedReads = 0;
    }
    watched.last = view ?? last;
    for (const stream of streams) {
      // A client that does not read is disconnected, and reconnects when it does.
      if (stream.writableNeedDrain) stream.destroy();
      else for (const line of lines) stream.write(line);
      if (view?.isFinal) stream.end();
    }
    if (streams.size > 0 && !view?.isFinal) {
      watched.timer = setTimeout(() => void this.#round(issueId, watched), this.#limits.intervalMs);
    }
  }
}

function changesOf(view: WatchView, last: WatchView | undefined): string[] {
  const lines = view.html === last?.html ? [] : [event('progress', view.html)];
  if (view.isFinal || (last !== undefined && last.phase !== view.phase)) lines.push(event('turn', ''));
  return lines;
}

const event = (name: string, data: string): string => `event: ${name}\ndata: ${data}\n\n`;
