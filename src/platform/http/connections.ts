import { createServer, IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * What clients can use of the process by their connections: places, memory, time. All of it is limited here, below the
 * framework, so that the limits hold for every route and before any route's code runs.
 */
export interface ConnectionLimits {
  /** Simultaneous connections. For one more, the connection that has made us wait longest is closed. */
  connections: number;
  /** Unanswered requests of one connection. A client that pipelines more is disconnected. */
  pipelined: number;
  /** Pipelined requests that wait for an earlier answer, over all connections. */
  pipelinedInAll: number;
  /** Milliseconds in which a request must arrive completely, headers and body. */
  requestMs: number;
  /** Milliseconds without a byte in either direction, after which an unfinished answer is aborted. */
  idleMs: number;
  /** Milliseconds that a connection waits for its next request: longer than reverse proxies keep theirs. */
  keepAliveMs: number;
  /**
   * Bytes of answers that clients have not read yet. Above this limit, the oldest of these clients are disconnected.
   */
  unreadBytes: number;
  /**
   * Bytes of complete and incomplete bodies whose requests have no answer yet. Above this limit, the requests with the
   * oldest incomplete bodies are refused.
   */
  bodyBytes: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  connections: 4_000,
  pipelined: 16,
  pipelinedInAll: 1_000,
  requestMs: 30_000,
  idleMs: 60_000,
  keepAliveMs: 72_000,
  unreadBytes: 32_000_000,
  bodyBytes: 16_000_000,
};

/** Memory of a chunk of a body besides its bytes: a client that sends single bytes fills the memory with chunks. */
const PIECE_BYTES = 200;

/**
 * Chunks that a body may have, plus one for every `bytesForMore` bytes. Receiving a chunk takes as much time as a
 * thousand bytes.
 */
const PIECES = { most: 256, bytesForMore: 64 };

/** Headers of a request that are stored; browsers and proxies send thirty. */
const MAX_HEADERS = 200;

const TOO_BUSY =
  'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/** How often Node checks for late requests. With its default of 30 s they could live twice as long. */
const CHECKING_MS = 1_000;

/** A request without an answer, and its answer once its handler may run. */
interface Exchange {
  request: IncomingMessage;
  response: ServerResponse | undefined;
}

/**
 * Keeps the servers of one process within {@link ConnectionLimits}. A host name with two addresses gets two servers,
 * which share the counters here.
 *
 * Requests of one connection are handled one after the other. Their answers must be sent in that order anyway, so only
 * one of them is in memory, and pipelining gives a client no larger share of the process.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  /**
   * The unanswered requests of each connection, oldest first. The connections are in the order in which they became
   * idle.
   */
  readonly #exchanges = new Map<Socket, Exchange[]>();
  /** Answers that were begun and are not fully written to the network, oldest first. */
  readonly #unread = new Set<ServerResponse>();
  /** Received bytes and chunks of each body, oldest first. */
  readonly #bodies = new Map<IncomingMessage, { bytes: number; pieces: number }>();
  #bodyBytes = 0;
  #pipelined = 0;
  #accepted = 0;

  /** Number of connections accepted so far. */
  get accepted(): number {
    return this.#accepted;
  }

  constructor(limits: Partial<ConnectionLimits> = {}) {
    this.#limits = { ...CONNECTION_LIMITS, ...limits };
  }

  /** A server within the limits, not yet listening. */
  createServer(listener: RequestListener): Server {
    const { requestMs, idleMs: silenceMs, keepAliveMs } = this.#limits;
    const parsed = (request: IncomingMessage) => this.#countParsed(request);
    const received = (request: IncomingMessage, bytes: number) => this.#boundBodies(request, bytes);
    const closed = (response: ServerResponse) => this.#endExchange(response.req, listener);
    const begun = (response: ServerResponse) => this.#boundUnread(response);
    class CountedRequest extends IncomingMessage {
      constructor(socket: Socket) {
        super(socket);
        parsed(this);
      }
      override push(piece: Buffer | null, ...rest: []): boolean {
        // After the request is refused, Node continues with the rest of a 64 kB chunk, thousands of pieces.
        if (piece !== null && !received(this, piece.length)) return false;
        return super.push(piece, ...rest);
      }
    }
    class CountedResponse extends ServerResponse {
      constructor(...args: ConstructorParameters<typeof ServerResponse>) {
        super(...args);
        this.once('close', () => closed(this));
      }
      override writeHead(...args: unknown[]): this {
        begun(this);
        return super.writeHead(...(args as Parameters<ServerResponse['writeHead']>));
      }
    }
    const server = createServer({
      IncomingMessage: CountedRequest,
      ServerResponse: CountedResponse as typeof ServerResponse,
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: Math.min(CHECKING_MS, requestMs),
      keepAliveTimeout: keepAliveMs,
    });
    server.timeout = silenceMs;
    server.maxHeadersCount = MAX_HEADERS;
    server.on('connection', (socket) => this.#accept(socket));
    server.on('request', (request, response) => this.#begin(request, response, listener));
    return server;
  }

  #accept(socket: Socket): void {
    this.#accepted += 1;
    if (this.#exchanges.size >= this.#limits.connections && !this.#makeRoom()) socket.destroy();
    this.#exchanges.set(socket, []);
    socket.once('close', () => {
      const exchanges = this.#of(socket);
      this.#pipelined -= Math.max(0, exchanges.length - 1);
      for (const { request } of exchanges) this.#forgetBody(request);
      this.#exchanges.delete(socket);
    });
  }

  /**
   * Disconnects the client that has made us wait longest, for a request or for the rest of one.
   * @returns false when all clients wait for us.
   */
  #makeRoom(): boolean {
    for (const [socket, [current]] of this.#exchanges) {
      if (socket.destroyed || current?.request.complete) continue;
      socket.destroy();
      return true;
    }
    return false;
  }

  /**
   * Called when the headers of a request are parsed, before anything else happens. Node parses all requests in a chunk
   * of 64 kB before it checks the connection again: up to 2,500 of them with their answers, even after the connection
   * was destroyed. Only an upgrade request ends the parsing at once, so a request over the limit is marked as one. A
   * test fails when a newer Node behaves differently.
   */
  #countParsed(request: IncomingMessage): void {
    const { socket } = request;
    const { pipelined, pipelinedInAll } = this.#limits;
    const exchanges = this.#of(socket);
    const isAhead = exchanges.length > 0;
    const isTooMuch = exchanges.length >= pipelined || (isAhead && this.#pipelined >= pipelinedInAll);
    if (socket.destroyed || isTooMuch) {
      Object.defineProperty(request, 'upgrade', { get: () => true, set() {} });
      socket.destroy();
      return;
    }
    if (isAhead) this.#pipelined += 1;
    exchanges.push({ request, response: undefined });
  }

  #begin(request: IncomingMessage, response: ServerResponse, listener: RequestListener): void {
    const exchanges = this.#of(request.socket);
    const exchange = exchanges.find((each) => each.request === request);
    if (exchange === undefined) return;
    exchange.response = response;
    if (exchange === exchanges[0]) listener(request, response);
  }

  /** The answer is sent, or the client is gone: the next request of the connection is handled. */
  #endExchange(request: IncomingMessage, listener: RequestListener): void {
    const { socket } = request;
    this.#forgetBody(request);
    const exchanges = this.#exchanges.get(socket);
    const at = exchanges?.findIndex((each) => each.request === request) ?? -1;
    if (exchanges === undefined || at === -1) return;
    exchanges.splice(at, 1);
    const [next] = exchanges;
    if (next !== undefined) {
      this.#pipelined -= 1;
      if (at === 0 && next.response !== undefined) listener(next.request, next.response);
      return;
    }
    // The connection is idle from now on.
    this.#exchanges.delete(socket);
    if (!socket.destroyed) this.#exchanges.set(socket, exchanges);
  }

  #boundUnread(response: ServerResponse): void {
    this.#unread.add(response);
    response.once('close', () => this.#unread.delete(response));
    let bytes = 0;
    for (const each of this.#unread) bytes += each.writableLength;
    for (const each of this.#unread) {
      if (bytes <= this.#limits.unreadBytes) break;
      bytes -= each.writableLength;
      if (each.writableLength > 0) each.destroy();
    }
  }

  /** @returns whether the piece is to be kept. */
  #boundBodies(request: IncomingMessage, bytes: number): boolean {
    const { socket } = request;
    if (socket.destroyed || socket.writableEnded) return false;
    const body = this.#bodies.get(request) ?? { bytes: 0, pieces: 0 };
    this.#bodies.set(request, body);
    body.bytes += bytes + PIECE_BYTES;
    body.pieces += 1;
    this.#bodyBytes += bytes + PIECE_BYTES;
    const sent = body.bytes - body.pieces * PIECE_BYTES;
    if (body.pieces > PIECES.most + sent / PIECES.bytesForMore) this.#refuseBody(request);
    for (const each of this.#bodies.keys()) {
      if (this.#bodyBytes <= this.#limits.bodyBytes) break;
      if (!each.complete) this.#refuseBody(each);
    }
    return !socket.writableEnded;
  }

  #refuseBody(request: IncomingMessage): void {
    const { socket } = request;
    this.#forgetBody(request);
    socket.end(TOO_BUSY);
    socket.destroySoon();
  }

  #forgetBody(request: IncomingMessage): void {
    this.#bodyBytes -= this.#bodies.get(request)?.bytes ?? 0;
    this.#bodies.delete(request);
  }

  #of(socket: Socket): Exchange[] {
    return this.#exchanges.get(socket) ?? [];
  }
}
