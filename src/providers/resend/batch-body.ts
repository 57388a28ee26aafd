import type { BatchRequest, Copy, Segments, Variant } from '../port.ts';

/**
 * The body of a batch as bytes. A variant's html and text are escaped for JSON once, not once a reader, and laid
 * out once a batch: from one copy to the next only what is a reader's own is written over, where it stands. That
 * is what makes a hundred copies of 60 kB cheap.
 *
 * It is given out in chunks, each of them the one before with other readers: whoever wants to keep one copies it
 * before asking for the next.
 */
export interface Body extends Iterable<Buffer> {
  /** In bytes, for `Content-Length`. */
  readonly length: number;
}

/** As many messages as reach this make a chunk: less costs more writes, more does not stay in the processor's cache. */
const CHUNK_BYTES = 128 * 1024;

/**
 * A socket says "go on" at once as long as it buffers less than this (Node's largest default), whether or not it
 * has sent it: a chunk that may still be waiting is not written over.
 */
const BUFFERED_BYTES = 64 * 1024;

/** The JSON of one message, cut at what is a copy's own. */
interface Template {
  /** `literals[0] field(gaps[0]) literals[1] … literals[n]`, as in {@link Segments}; the first begins with a comma. */
  literals: Buffer[];
  /** Indexes in `fields`. */
  gaps: number[];
  /** As JSON has them. The first is the address. */
  fields: ((copy: Copy, batchId: string) => string)[];
}

/** Kept for as long as the variant is: all its batches share it. */
const templates = new WeakMap<Variant, Template>();

/** What is one copy's own, by field, and how many bytes that is in UTF-8. */
interface Own {
  values: string[];
  sizes: number[];
}

/** `[message, message, …]`, the JSON that `POST /emails/batch` takes; at least one message. */
export function bodyOf({ variant, batchId, copies }: BatchRequest): Body {
  const template = templates.get(variant) ?? compile(variant);
  templates.set(variant, template);
  const { literals, gaps, fields } = template;
  const own = copies.map((copy): Own => {
    const values = fields.map((field) => field(copy, batchId));
    return { values, sizes: values.map((value) => Buffer.byteLength(value)) };
  });
  widen(own);

  const common = literals.reduce((sum, literal) => sum + literal.length, 0);
  const lengths = own.map(({ sizes }) => gaps.reduce((sum, field) => sum + (sizes[field] ?? 0), common));
  const perSlab = Math.ceil(CHUNK_BYTES / Math.max(...lengths));

  return {
    // What opens the array stands in place of the first comma.
    length: lengths.reduce((sum, length) => sum + length, ']'.length),
    *[Symbol.iterator]() {
      let form: Form | undefined;
      for (let at = 0; at < own.length; at += perSlab) {
        const group = own.slice(at, at + perSlab);
        if (form === undefined || !fits(form, group)) form = layOut(template, group);
        let end = fill(form, group);
        form.chunk.write(at === 0 ? '[' : ',');
        if (at + perSlab >= own.length) end += form.chunk.write(']', end);
        yield form.chunk.subarray(0, end);
        if (end <= BUFFERED_BYTES) form = undefined;
      }
    },
  };
}

/** Spaces bring every address to one length, so that what comes behind it stands at one place in all messages. */
function widen(own: Own[]): void {
  const widest = Math.max(...own.map(({ sizes }) => sizes[0] ?? 0));
  for (const { values, sizes } of own) {
    values[0] += ' '.repeat(widest - (sizes[0] ?? 0));
    sizes[0] = widest;
  }
}

/** Messages in a chunk. */
interface Form {
  chunk: Buffer;
  messages: { fields: Place[]; end: number }[];
}

/** Where in the chunk a field of a message stands. */
interface Place {
  size: number;
  starts: number[];
}

function layOut({ literals, gaps }: Template, group: Own[]): Form {
  const pieces: Buffer[] = [];
  let at = 0;
  const put = (piece: Buffer) => {
    pieces.push(piece);
    at += piece.length;
  };
  const messages = group.map(({ sizes }) => {
    const fields = sizes.map((size): Place => ({ size, starts: [] }));
    for (const [index, literal] of literals.entries()) {
      put(literal);
      const place = fields[gaps[index] ?? -1];
      if (place === undefined) continue;
      place.starts.push(at);
      put(Buffer.alloc(place.size));
    }
    return { fields, end: at };
  });
  put(Buffer.alloc(']'.length));
  return { chunk: Buffer.concat(pieces), messages };
}

/** Whether the copies of a group, perhaps fewer, are as long in every place. */
function fits({ messages }: Form, group: Own[]): boolean {
  return group.every(({ sizes }, index) =>
    messages[index]?.fields.every(({ size }, field) => size === sizes[field]),
  );
}

/** @returns where the last of them ends. */
function fill({ chunk, messages }: Form, group: Own[]): number {
  group.forEach(({ values }, index) => {
    messages[index]?.fields.forEach(({ size, starts }, field) => {
      const [value = '', first = 0] = [values[field], starts[0]];
      // As many bytes as characters: it is ASCII.
      chunk.write(value, first, size === value.length ? 'latin1' : 'utf8');
      for (let at = 1; at < starts.length; at += 1) chunk.copyWithin(starts[at] ?? 0, first, first + size);
    });
  });
  return messages[group.length - 1]?.end ?? 0;
}

/** A text as it stands between the quotation marks of a JSON string. */
function inString(text: string): string {
  return PLAIN.test(text) ? text : JSON.stringify(text).slice(1, -1);
}

/** What JSON prints as it is; links, addresses and ids are nothing else. */
const PLAIN = /^[\w @.,:;/?&=+~<>()-]*$/;

function compile(variant: Variant): Template {
  const literals: Buffer[] = [];
  const gaps: number[] = [];
  const fields: Template['fields'] = [];
  const numbers = new Map<string, number>();
  let literal = '';
  const field = (name: string, read: Template['fields'][number]) => {
    const number = numbers.get(name) ?? fields.push(read) - 1;
    numbers.set(name, number);
    gaps.push(number);
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
  return { literals, gaps, fields };
}
