import { createServer, IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * What one client can take from all others by its connections: room, memory, time. All of it is bounded here, below
 * the framework, so that it holds for every route and before any of its code runs.
 */
export interface ConnectionLimits {
  /** Connections at once. When one more comes, the one that has kept us waiting for longest makes room for it. */
  connections: number;
  /** Requests of one connection without an answer. A client that sends more of them ahead is disconnected. */
  pipelined: number;
  /** Requests that were sent ahead and wait for an answer before them, of all connections together. */
  pipelinedInAll: number;
  /** Milliseconds in which a request has to arrive whole: its headers, and its body. */
  requestMs: number;
  /** Milliseconds without a byte in either direction, after which an open answer is given up. */
  idleMs: number;
  /** Milliseconds for which a connection waits for its next request: longer than reverse proxies keep theirs. */
  keepAliveMs: number;
  /** Bytes of answers that their clients have not read yet. Above, the oldest of these clients are disconnected. */
  unreadBytes: number;
  /** Bytes of bodies, whole or in part, whose requests have no answer yet. Above, the oldest in part are refused. */
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

/** What a piece of a body costs beside its bytes: whoever sends one byte at a time fills the memory with pieces. */
const PIECE_BYTES = 200;

/**
 * Pieces that a body may come in, and how many bytes give it one more. Taking in a piece costs as much time as a
 * thousand bytes.
 */
const PIECES = { most: 256, bytesForMore: 64 };

/** Headers that are kept of a request; browsers and proxies send thirty. */
const MAX_HEADERS = 200;

const TOO_BUSY =
  'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/** How often Node looks for requests that are late. By its default of 30 s they could live twice as long. */
const CHECKING_MS = 1_000;

/** A request without an answer, and the answer once the request may be worked on. */
interface Exchange {
  request: IncomingMessage;
  response: ServerResponse | undefined;
}

/**
 * Keeps the servers of one process within {@link ConnectionLimits}. A host name with two addresses gets two servers;
 * they share what is counted here.
 *
 * Requests of one connection are worked on one after the other. Their answers have to go out in that order anyway, so
 * only one of them is in memory, and nobody gets more of the process by sending ahead.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  /** What each connection waits for, oldest first. The connections stand in the order in which they became idle. */
  readonly #exchanges = new Map<Socket, Exchange[]>();
  /** Answers that were begun and are not handed to the network yet, oldest first. */
  readonly #unread = new Set<ServerResponse>();
  /** How much there is of each body, oldest first. */
  readonly #bodies = new Map<IncomingMessage, { bytes: number; pieces: number }>();
  #bodyBytes = 0;
  #pipelined = 0;
  #accepted = 0;

  /** How many connections came so far. */
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
        // Node goes on with the rest of a chunk of 64 kB, thousands of pieces, after the request is refused.
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
    server.on('connection', (socket) => this.#admit(socket));
    server.on('request', (request, response) => this.#begin(request, response, listener));
    return server;
  }

  #admit(socket: Socket): void {
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
   * Disconnects the client that has kept us waiting for longest: for a request, or for the rest of one.
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
   * Called as soon as the headers of a request are read, before anything else is made of it. Node parses all requests
   * of a chunk of 64 kB before it looks at the connection again, up to 2,500 of them with their answers, even after
   * the connection was destroyed. Only a request that asks for another protocol ends its parsing at once, so this is
   * what a request beyond the limit is made to look like. A test would show that a newer Node does not do that.
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

  /** The answer is out, or nobody is there any more: the next request of the connection has its turn. */
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
    // It is idle from now on.
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
