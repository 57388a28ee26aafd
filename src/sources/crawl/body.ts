import { pipeline, Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

/** A request that brought nothing, with the reason as people read it: "answered 500". */
export class FetchFault extends Error {
  readonly status: number | null;
  constructor(reason: string, status: number | null = null) {
    super(reason);
    this.status = status;
  }
}

/** The time was over before this request's turn came. */
export class Postponed extends Error {}

/** A reason that says nothing about the host: its answer was understood and refused by us. */
export class Refusal extends FetchFault {}

/** For `read`: the whole body in one piece. */
export async function readBytes(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Breaks off a body that is longer than it may be. */
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

/** Undoes the Content-Encoding; one in another is refused, because only bombs come that way. */
export function decoded(chunks: AsyncIterable<Buffer>, encoding: string | null): AsyncIterable<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return chunks;
  const decoder = DECODERS[name];
  if (decoder === undefined) throw new Refusal(`is packed as "${name.slice(0, 40)}", which is not read`);
  return through(chunks, decoder());
}

/** A file that is packed itself, told by its first two bytes. */
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
