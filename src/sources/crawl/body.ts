import { pipeline, Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

/** A request that failed, with the reason as people read it: "answered 500". */
export class FetchFault extends Error {
  readonly status: number | null;
  constructor(reason: string, status: number | null = null) {
    super(reason);
    this.status = status;
  }
}

/** No request was made: our own rules forbid it, or the host was given up. It says nothing about the page. */
export class NotAsked extends FetchFault {}

/** The time budget ended before this request's turn. */
export class Postponed extends Error {}

/** A failure that is not the host's fault: we understood its answer and refused it. */
export class Refusal extends FetchFault {}

/** Reads the whole body into one Buffer, for `read`. */
export async function readBytes(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Aborts a body that is longer than allowed. */
export async function* limited(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Refusal(tooLong(maxBytes));
    yield chunk;
  }
}

const DECODERS: Record<string, () => Transform> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Decodes the Content-Encoding; other encodings are refused, because only decompression bombs use them. */
export function decoded(chunks: AsyncIterable<Buffer>, encoding: string | null): AsyncIterable<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return chunks;
  const decoder = DECODERS[name];
  if (decoder === undefined) throw new Refusal(`is packed as "${name.slice(0, 40)}", which is not read`);
  return through(chunks, decoder());
}

/** Decompresses a file that is itself a gzip file, which its first two bytes show. */
export async function* unpacked(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const first = await chunks.next();
  if (first.done) return;
  const joined = (async function* () {
    yield first.value;
    yield* chunks;
  })();
  const isGzip = first.value[0] === 0x1f && first.value[1] === 0x8b;
  yield* isGzip ? through(joined, createGunzip()) : joined;
}

async function* through(chunks: AsyncIterable<Buffer>, transform: Transform): AsyncGenerator<Buffer> {
  let broken: Error | undefined;
  const stream = pipeline(Readable.from(chunks), transform, (error) => {
    broken = error ?? undefined;
  });
  try {
    for await (const chunk of stream) yield chunk;
  } catch (error) {
    throw broken ?? error;
  }
}

export function tooLong(maxBytes: number): string {
  return `is longer than ${maxBytes / 1_000_000} MB`;
}
