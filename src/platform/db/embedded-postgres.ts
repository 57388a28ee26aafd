import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';
import { AppError } from '../errors.ts';
import { Lifetime } from '../lifetime.ts';
import { PRIVATE_FILE, restrictTree } from '../private-folder.ts';
import { lockDataDir } from './data-dir-lock.ts';
import { diskFull } from './disk-space.ts';

/**
 * PostgreSQL inside this process. PGlite is ONE session, while the program needs a pool. So every `pg` client of the
 * pool gets a stream that speaks the PostgreSQL wire protocol to the one session, and this file gives them turns.
 * Types, errors and notifications are therefore the same as those of `pg` against a server.
 *
 * Turns. A client gets the session for one message group (up to Sync, or one simple query). If the server then reports
 * an open transaction (ReadyForQuery `T` or `E`), the client keeps the session until the server reports `I`: from BEGIN
 * to COMMIT or ROLLBACK no other client gets in. LISTEN leaves the status at `I`, so it does not block the session; its
 * notifications go to every listening client.
 */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** A stream for `pg`'s `stream` option. Its statements run with `searchPath`. */
  connect(searchPath: string): Duplex;
}

/**
 * Opens the database under `dataDir`; creates it on first use.
 * @throws AppError `data-dir-locked` (another process), `disk-full`, `database-damaged` (cannot be opened).
 */
export async function openEmbedded(dataDir: string): Promise<EmbeddedPostgres> {
  const lifetime = new Lifetime();
  try {
    lifetime.use(await lockDataDir(dataDir));
    const session = await Session.open(() => openFiles(dataDir));
    lifetime.defer(() => session.close());
    return {
      connect: (searchPath) => new ClientStream(session, searchPath),
      [Symbol.asyncDispose]: () => lifetime[Symbol.asyncDispose](),
    };
  } catch (error) {
    await lifetime[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * PostgreSQL fills this memory with zeros at each start, and the process keeps it. The default of 128 MB costs a command
 * that only reads a row twice as much time, and 250 MB of memory; the files are in the system's cache anyway.
 */
const SHARED_BUFFERS = '32MB';

/**
 * A process killed while it creates the files leaves a directory that never opens again. No data can be stored before
 * the first successful open, so a directory that still has the marker is deleted and created again.
 */
async function openFiles(dataDir: string): Promise<PGlite> {
  const files = path.join(dataDir, 'db');
  const marker = path.join(dataDir, 'db.initialising');
  try {
    if (existsSync(marker)) rmSync(files, { recursive: true, force: true });
    if (!existsSync(files)) writeFileSync(marker, '', { mode: PRIVATE_FILE });
    else restrictTree(files, true);
    const pglite = await PGlite.create({
      fs: new PrivateFiles(files),
      startParams: [...PGlite.defaultStartParams, '-c', `shared_buffers=${SHARED_BUFFERS}`],
    });
    rmSync(marker, { force: true });
    return pglite;
  } catch (error) {
    // PGlite says the same whatever has failed.
    throw diskFull(dataDir, error) ?? databaseDamaged(files, error);
  }
}

function databaseDamaged(files: string, cause: unknown): AppError {
  return new AppError('database-damaged', `The embedded database in ${files} does not open.`, {
    help: `Another start changes nothing, so copy the directory first. Then replace it, and it alone, by a backup: what was mailed since is named then, and goes out to nobody again before you decide ("After restoring a backup" in docs/operating.md). Do not start empty: that loses every reader.`,
    cause,
  });
}

/**
 * PGlite creates files with the modes that PostgreSQL asks for (0666), whatever the umask is. This file system creates
 * only files that others cannot read.
 */
class PrivateFiles extends NodeFS {
  override async init(...[pglite, options]: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const result = await super.init(pglite, options);
    const before = result.emscriptenOpts.preRun ?? [];
    return {
      emscriptenOpts: {
        ...result.emscriptenOpts,
        preRun: [(module: { NODEFS: NodeFiles }) => withoutOthers(module.NODEFS), ...before] as typeof before,
      },
    };
  }
}

/** The part of Emscripten's Node.js file system that sets the mode of each new file. */
interface NodeFiles {
  node_ops: {
    mknod(parent: unknown, name: string, mode: number, device: number): unknown;
    setattr(node: unknown, attributes: { mode?: number }): unknown;
  };
  stream_ops: { setattr(stream: unknown, attributes: { mode?: number }): unknown };
}

function withoutOthers({ node_ops, stream_ops }: NodeFiles): void {
  const { mknod } = node_ops;
  node_ops.mknod = (parent, name, mode, device) => mknod(parent, name, mode & ~0o077, device);
  for (const operations of [node_ops, stream_ops]) {
    const { setattr } = operations;
    operations.setattr = (target, attributes) =>
      setattr(
        target,
        attributes.mode === undefined ? attributes : { ...attributes, mode: attributes.mode & ~0o077 },
      );
  }
}

/** Codes of the wire protocol, PostgreSQL manual §55.7. */
const FRONTEND = { query: 0x51, sync: 0x53, terminate: 0x58, flush: 0x48 } as const;
const BACKEND = { readyForQuery: 0x5a, notification: 0x41, error: 0x45 } as const;
const IDLE = 0x49;

/** How long sockets and timers of this process may wait, in addition to the running statement. */
const BREATH_MS = 5;

/** How long to wait after the files could not be opened again, before they are tried once more. */
const REOPEN_AFTER_MS = 1_000;

/**
 * The one session. It ends when PostgreSQL meets a fault from which only a new start recovers, as when a checkpoint finds
 * the disk full: from then on PGlite answers nothing. Then the clients are disconnected, as by a server that restarts, and
 * the next statement opens the files again, which recovers what was committed.
 */
class Session {
  readonly listeners = new Set<ClientStream>();
  readonly clients = new Set<ClientStream>();
  readonly #open: () => Promise<PGlite>;
  #pglite: PGlite | undefined;
  #failure: { error: unknown; at: number } | undefined;
  readonly #waiting: {
    client: ClientStream;
    run: () => Promise<void>;
    reject: (reason: Error) => void;
  }[] = [];
  #holder: ClientStream | undefined;
  #served: ClientStream | undefined;
  #searchPath = '';
  #breathedAt = performance.now();

  private constructor(open: () => Promise<PGlite>) {
    this.#open = open;
  }

  static async open(open: () => Promise<PGlite>): Promise<Session> {
    const session = new Session(open);
    await session.#ready();
    return session;
  }

  async close(): Promise<void> {
    await this.#pglite?.close();
  }

  async #ready(): Promise<PGlite> {
    if (this.#pglite !== undefined) return this.#pglite;
    if (this.#failure !== undefined && performance.now() - this.#failure.at < REOPEN_AFTER_MS)
      throw this.#failure.error;
    try {
      this.#pglite = await this.#open();
      this.#failure = undefined;
      return this.#pglite;
    } catch (error) {
      this.#failure = { error, at: performance.now() };
      throw error;
    }
  }

  /** Disconnects everybody: their transactions, prepared statements and LISTENs are gone. */
  #end(reason: Error): void {
    this.#pglite = undefined;
    this.#holder = undefined;
    this.#searchPath = '';
    this.listeners.clear();
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
    for (const client of this.clients) client.destroy(reason);
  }

  /** Queues one message group of `client`; answers arrive on its stream in order. */
  submit(client: ClientStream, group: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        client,
        reject,
        run: () => this.#execute(client, group).then(resolve, reject),
      });
      void this.#next();
    });
  }

  /** Cleans up after a client that disconnects, even within a transaction or while it waits for its turn. */
  async leave(client: ClientStream): Promise<void> {
    this.listeners.delete(client);
    this.clients.delete(client);
    if (this.#pglite === undefined) return;
    const waits = this.#waiting.some((entry) => entry.client === client);
    if (waits || this.#served === client || this.#holder === client)
      await this.submit(client, simpleQuery('ROLLBACK'));
  }

  async #next(): Promise<void> {
    if (this.#served !== undefined) return;
    const index =
      this.#holder === undefined ? 0 : this.#waiting.findIndex((entry) => entry.client === this.#holder);
    const [turn] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (turn === undefined) return;
    this.#served = turn.client;
    try {
      await this.#breathe();
      await turn.run();
    } finally {
      this.#served = undefined;
      void this.#next();
    }
  }

  /**
   * Lets sockets and timers run between two statements. Every answer is computed in this thread, and the next statement
   * follows in a microtask: without a pause, a long series of transactions would block them until its end.
   */
  async #breathe(): Promise<void> {
    if (performance.now() - this.#breathedAt < BREATH_MS) return;
    await setImmediate();
    this.#breathedAt = performance.now();
  }

  async #execute(client: ClientStream, group: Buffer): Promise<void> {
    if (this.#holder === undefined && client.searchPath !== this.#searchPath) {
      await this.#ask(simpleQuery(`SET search_path TO ${client.searchPath}`));
      this.#searchPath = client.searchPath;
    }
    const { own, notifications, status } = split(await this.#ask(group));
    // No ReadyForQuery (a Flush): the client has not sent Sync yet, and its turn continues.
    this.#holder = status === IDLE ? undefined : client;
    client.push(own);
    if (notifications.length > 0)
      for (const listener of this.listeners) listener.push(Buffer.concat(notifications));
  }

  /** Returns the raw bytes: PGlite's `execProtocolRaw` would also parse every row, and keep it in memory. */
  async #ask(group: Buffer): Promise<Buffer> {
    const pglite = await this.#ready();
    const parts: Buffer[] = [];
    try {
      // Copied, because PGlite reuses its answer buffer.
      await pglite.execProtocolRawStream(group, {
        onRawData: (bytes) => void parts.push(Buffer.from(bytes)),
      });
    } catch (error) {
      this.#end(error as Error);
      throw error;
    }
    const answer = Buffer.concat(parts);
    const fault = findFault(answer);
    if (fault === undefined && answer.length > 0) return answer;
    const error = Object.assign(
      new Error(`the embedded database stopped: ${fault?.message ?? 'it gave no answer'}`),
      fault && { code: fault.code },
    );
    this.#end(error);
    throw error;
  }
}

/** Returns the error of an answer after which the session is gone. */
function findFault(answer: Buffer): { code: string | undefined; message: string | undefined } | undefined {
  for (let at = 0; at < answer.length; ) {
    const end = at + 1 + answer.readInt32BE(at + 1);
    if (answer[at] === BACKEND.error) {
      const fields = new Map(
        answer
          .toString('utf8', at + 5, end)
          .split('\0')
          .map((field) => [field[0], field.slice(1)]),
      );
      if (fields.get('V') === 'PANIC' || fields.get('V') === 'FATAL')
        return { code: fields.get('C'), message: fields.get('M') };
    }
    at = end;
  }
  return undefined;
}

/**
 * Takes notifications out of an answer: they belong to the listening clients, not to the client that had the session
 * when the server sent them.
 */
function split(bytes: Buffer): { own: Buffer; notifications: Buffer[]; status: number | undefined } {
  const own: Buffer[] = [];
  const notifications: Buffer[] = [];
  let status: number | undefined;
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    const code = bytes[at];
    if (code === BACKEND.notification) notifications.push(bytes.subarray(at, end));
    else own.push(bytes.subarray(at, end));
    if (code === BACKEND.readyForQuery) status = bytes[at + 5];
    at = end;
  }
  return { own: notifications.length === 0 ? bytes : Buffer.concat(own), notifications, status };
}

function simpleQuery(sql: string): Buffer {
  const text = Buffer.from(`${sql}\0`);
  const header = Buffer.alloc(5);
  header[0] = FRONTEND.query;
  header.writeInt32BE(text.length + 4, 1);
  return Buffer.concat([header, text]);
}

/** The socket that `pg` uses. */
class ClientStream extends Duplex {
  readonly searchPath: string;
  readonly #session: Session;
  #started = false;
  #pending: Buffer = Buffer.alloc(0);

  constructor(session: Session, searchPath: string) {
    super({ allowHalfOpen: false });
    this.#session = session;
    this.searchPath = searchPath;
    session.clients.add(this);
  }

  connect(): this {
    queueMicrotask(() => this.emit('connect'));
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#drain().then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#session.leave(this).then(
      () => done(error),
      (failure: Error) => done(error ?? failure),
    );
  }

  async #drain(): Promise<void> {
    for (let group = this.#takeGroup(); group !== undefined; group = this.#takeGroup()) {
      if (group[0] === FRONTEND.terminate) {
        this.push(null);
        return;
      }
      if (/\blisten\b/i.test(group.toString('latin1'))) this.#session.listeners.add(this);
      await this.#session.submit(this, group);
    }
  }

  /** The next complete message group, or undefined until more bytes arrive. */
  #takeGroup(): Buffer | undefined {
    if (!this.#started) return this.#takeStartup();
    for (let at = 0; at + 5 <= this.#pending.length; ) {
      const code = this.#pending[at];
      const end = at + 1 + this.#pending.readInt32BE(at + 1);
      if (end > this.#pending.length) return undefined;
      if (
        code === FRONTEND.sync ||
        code === FRONTEND.query ||
        code === FRONTEND.terminate ||
        code === FRONTEND.flush
      ) {
        const group = this.#pending.subarray(0, end);
        this.#pending = this.#pending.subarray(end);
        return group;
      }
      at = end;
    }
    return undefined;
  }

  /** The start-up packet has no type byte. No authentication is needed: the database is in our own process. */
  #takeStartup(): undefined {
    if (this.#pending.length < 4) return;
    const end = this.#pending.readInt32BE(0);
    if (this.#pending.length < end) return;
    this.#pending = this.#pending.subarray(end);
    this.#started = true;
    const authenticationOk = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]);
    const readyForQuery = Buffer.from([BACKEND.readyForQuery, 0, 0, 0, 5, IDLE]);
    this.push(Buffer.concat([authenticationOk, readyForQuery]));
  }
}
