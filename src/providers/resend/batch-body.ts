import { type BatchRequest, type Copy, LAYOUT, type Segments, type Variant } from '../port.ts';

/**
 * The body of a batch as bytes. A variant's html and text are escaped for JSON once, not once a reader, and laid out
 * once a batch: for the next reader only the personal parts are overwritten in position. That keeps a hundred copies of 60
 * kB cheap.
 *
 * It is produced in chunks that reuse one buffer: to keep a chunk, copy it before you ask for the next.
 */
export interface Body extends Iterable<Buffer> {
  /** In bytes, for `Content-Length`. */
  readonly length: number;
}

/**
 * A chunk ends when its messages reach this size: a smaller one costs more writes, a larger one leaves the CPU cache.
 */
const CHUNK_BYTES = 128 * 1024;

/**
 * A socket accepts the next write at once as long as it buffers less than this (Node's largest default), whether or not
 * it has sent the data: a chunk that may still be buffered must not be overwritten.
 */
const BUFFERED_BYTES = 64 * 1024;

/** The JSON of one message, split at the personal fields. */
interface Template {
  /** `literals[0] field(fieldOrder[0]) literals[1] … literals[n]`, as in {@link Segments}; the first begins with a comma. */
  literals: Buffer[];
  /** Indexes in `fields`. */
  fieldOrder: number[];
  /** As JSON. The first is the address. */
  fields: ((copy: Copy, batchId: string) => string)[];
}

/** Cached for the lifetime of the variant: all its batches share it. */
const templates = new WeakMap<Variant, Template>();

/** The personal values of one copy, by field, and their length in UTF-8 bytes. */
interface PersonalFields {
  values: string[];
  sizes: number[];
}

/** `[message, message, …]`, the JSON that `POST /emails/batch` takes; at least one message. */
export function bodyOf({ variant, batchId, copies }: BatchRequest): Body {
  const template = templates.get(variant) ?? (LAYOUTS[variant.layout ?? LAYOUT] ?? compile)(variant);
  templates.set(variant, template);
  const { literals, fieldOrder, fields } = template;
  const personal = copies.map((copy): PersonalFields => {
    const values = fields.map((field) => field(copy, batchId));
    return { values, sizes: values.map((value) => Buffer.byteLength(value)) };
  });
  padAddresses(personal);

  const common = literals.reduce((sum, literal) => sum + literal.length, 0);
  const lengths = personal.map(({ sizes }) =>
    fieldOrder.reduce((sum, field) => sum + (sizes[field] ?? 0), common),
  );
  const perChunk = Math.ceil(CHUNK_BYTES / Math.max(...lengths));

  return {
    // The opening bracket replaces the first comma.
    length: lengths.reduce((sum, length) => sum + length, ']'.length),
    *[Symbol.iterator]() {
      let layout: ChunkLayout | undefined;
      for (let at = 0; at < personal.length; at += perChunk) {
        const group = personal.slice(at, at + perChunk);
        if (layout === undefined || !fits(layout, group)) layout = layOut(template, group);
        let end = fill(layout, group);
        layout.chunk.write(at === 0 ? '[' : ',');
        if (at + perChunk >= personal.length) end += layout.chunk.write(']', end);
        yield layout.chunk.subarray(0, end);
        if (end <= BUFFERED_BYTES) layout = undefined;
      }
    },
  };
}

/** Pads every address with spaces to one length, so that the parts after it have the same offset in all messages. */
function padAddresses(personal: PersonalFields[]): void {
  const widest = Math.max(...personal.map(({ sizes }) => sizes[0] ?? 0));
  for (const { values, sizes } of personal) {
    values[0] += ' '.repeat(widest - (sizes[0] ?? 0));
    sizes[0] = widest;
  }
}

/** Messages in a chunk. */
interface ChunkLayout {
  chunk: Buffer;
  messages: { fields: FieldPosition[]; end: number }[];
}

/** The offset of a message's field in the chunk. */
interface FieldPosition {
  size: number;
  starts: number[];
}

function layOut({ literals, fieldOrder }: Template, group: PersonalFields[]): ChunkLayout {
  const pieces: Buffer[] = [];
  let at = 0;
  const put = (piece: Buffer) => {
    pieces.push(piece);
    at += piece.length;
  };
  const messages = group.map(({ sizes }) => {
    const fields = sizes.map((size): FieldPosition => ({ size, starts: [] }));
    for (const [index, literal] of literals.entries()) {
      put(literal);
      const position = fields[fieldOrder[index] ?? -1];
      if (position === undefined) continue;
      position.starts.push(at);
      put(Buffer.alloc(position.size));
    }
    return { fields, end: at };
  });
  put(Buffer.alloc(']'.length));
  return { chunk: Buffer.concat(pieces), messages };
}

/** Whether the copies of a group, which may be smaller, have the same field lengths. */
function fits({ messages }: ChunkLayout, group: PersonalFields[]): boolean {
  return group.every(({ sizes }, index) =>
    messages[index]?.fields.every(({ size }, field) => size === sizes[field]),
  );
}

/** @returns the end of the last message. */
function fill({ chunk, messages }: ChunkLayout, group: PersonalFields[]): number {
  group.forEach(({ values }, index) => {
    messages[index]?.fields.forEach(({ size, starts }, field) => {
      const [value = '', first = 0] = [values[field], starts[0]];
      // As many bytes as characters: the value is ASCII.
      chunk.write(value, first, size === value.length ? 'latin1' : 'utf8');
      for (let at = 1; at < starts.length; at += 1) chunk.copyWithin(starts[at] ?? 0, first, first + size);
    });
  });
  return messages[group.length - 1]?.end ?? 0;
}

/** A text as it is written between the quotation marks of a JSON string. */
function inString(text: string): string {
  return PLAIN.test(text) ? text : JSON.stringify(text).slice(1, -1);
}

/** Characters that JSON prints unchanged; links, addresses and ids contain no others. */
const PLAIN = /^[\w @.,:;/?&=+~<>()-]*$/;

/** How a message is laid out, by the version of the layout. */
const LAYOUTS: Readonly<Record<number, (variant: Variant) => Template>> = { 1: compile, 2: compile };

function compile(variant: Variant): Template {
  const literals: Buffer[] = [];
  const fieldOrder: number[] = [];
  const fields: Template['fields'] = [];
  const numbers = new Map<string, number>();
  let literal = '';
  const field = (name: string, read: Template['fields'][number]) => {
    const number = numbers.get(name) ?? fields.push(read) - 1;
    numbers.set(name, number);
    fieldOrder.push(number);
    literals.push(Buffer.from(literal));
    literal = '';
  };
  const segments = (texts: Segments, of: 'values' | 'htmlValues') => {
    literal += `"${inString(texts.literals[0] ?? '')}`;
    for (const [index, slot] of texts.slots.entries()) {
      field(`${of} ${slot}`, (copy) => inString(copy[of][slot] ?? ''));
      literal += inString(texts.literals[index + 1] ?? '');
    }
    literal += '"';
  };

  literal += `,{"from":${JSON.stringify(variant.from)},"to":[`;
  field('to', (copy) => JSON.stringify(copy.to));
  literal += `],"reply_to":${JSON.stringify(variant.replyTo)},"subject":${JSON.stringify(variant.subject)},"html":`;
  segments(variant.html, 'htmlValues');
  literal += ',"text":';
  segments(variant.text, 'values');
  literal += ',"headers":{';
  for (const [index, [name, value]] of Object.entries(variant.headers).entries()) {
    literal += `${index > 0 ? ',' : ''}${JSON.stringify(name)}:`;
    segments(value, 'values');
  }
  literal += `},"tags":[{"name":"issue","value":${JSON.stringify(variant.issue)}},{"name":"batch","value":"`;
  field('batch', (_, batchId) => inString(batchId));
  literal += '"},{"name":"delivery","value":"';
  field('delivery', (copy) => inString(copy.deliveryId));
  literals.push(Buffer.from(`${literal}"}]}`));
  return { literals, fieldOrder, fields };
}
