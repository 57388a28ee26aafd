import type { BatchRequest, Copy, Segments, Variant } from './port.ts';

/**
 * The body of a batch as bytes. A variant's html and text are escaped for JSON once, not once a reader:
 * what is left to do for a copy is to move bytes, which is what makes a hundred copies of 60 kB cheap.
 * It is given out in slabs, so that a batch of 6 MB in flight holds half a megabyte.
 */
export interface Body extends Iterable<Buffer> {
  /** In bytes, for `Content-Length`. */
  readonly length: number;
}

/** Large enough that the number of writes does not count, small enough that many in flight do not. */
const SLAB_BYTES = 512 * 1024;

/** The JSON of one message, cut at what is a copy's own: a number is an index in `fields`. */
interface Template {
  pieces: (Buffer | number)[];
  fields: ((copy: Copy, batchId: string) => string)[];
}

/** Kept for as long as the variant is: all its batches share it. */
const templates = new WeakMap<Variant, Template>();

/** `[message, message, …]`, the JSON that `POST /emails/batch` takes; at least one message. */
export function bodyOf({ variant, batchId, copies }: BatchRequest): Body {
  const template = templates.get(variant) ?? compile(variant);
  templates.set(variant, template);
  const { pieces, fields } = template;
  const own = copies.map((copy) => fields.map((field) => Buffer.from(inString(field(copy, batchId)))));

  let length = 1;
  for (const values of own) for (const piece of pieces) length += bytesOf(piece, values).length;

  return {
    length,
    *[Symbol.iterator]() {
      let slab = Buffer.allocUnsafe(Math.min(length, SLAB_BYTES));
      let at = 0;
      let isFirst = true;
      for (const values of own) {
        for (const piece of pieces) {
          const bytes = bytesOf(piece, values);
          if (at + bytes.length > slab.length) {
            yield slab.subarray(0, at);
            slab = Buffer.allocUnsafe(Math.max(bytes.length, SLAB_BYTES));
            at = 0;
          }
          at += bytes.copy(slab, at);
          // Every message begins with a comma, and the first comma is the opening bracket.
          if (isFirst) slab.write('[', 'latin1');
          isFirst = false;
        }
      }
      yield slab.subarray(0, at);
      yield CLOSING;
    },
  };
}

const CLOSING = Buffer.from(']');
const NOTHING = Buffer.alloc(0);

function bytesOf(piece: Buffer | number, values: Buffer[]): Buffer {
  return typeof piece === 'number' ? (values[piece] ?? NOTHING) : piece;
}

/** A text as it stands between the quotation marks of a JSON string. */
function inString(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function compile(variant: Variant): Template {
  const pieces: Template['pieces'] = [];
  const fields: Template['fields'] = [];
  const places = new Map<string, number>();
  let literal = '';
  const field = (name: string, read: Template['fields'][number]) => {
    const place = places.get(name) ?? fields.push(read) - 1;
    places.set(name, place);
    pieces.push(Buffer.from(literal), place);
    literal = '';
  };
  const segments = ({ literals, slots }: Segments, of: 'values' | 'htmlValues') => {
    literal += `"${inString(literals[0] ?? '')}`;
    for (const [index, slot] of slots.entries()) {
      field(`${of} ${slot}`, (copy) => copy[of][slot] ?? '');
      literal += inString(literals[index + 1] ?? '');
    }
    literal += '"';
  };

  literal += `,{"from":${JSON.stringify(variant.from)},"to":["`;
  field('to', (copy) => copy.to);
  literal += `"],"reply_to":${JSON.stringify(variant.replyTo)},"subject":${JSON.stringify(variant.subject)},"html":`;
  segments(variant.html, 'htmlValues');
  literal += ',"text":';
  segments(variant.text, 'values');
  literal += ',"headers":{';
  for (const [index, [name, value]] of Object.entries(variant.headers).entries()) {
    literal += `${index > 0 ? ',' : ''}${JSON.stringify(name)}:`;
    segments(value, 'values');
  }
  literal += `},"tags":[{"name":"issue","value":${JSON.stringify(variant.issue)}},{"name":"batch","value":"`;
  field('batch', (_, batchId) => batchId);
  literal += '"},{"name":"delivery","value":"';
  field('delivery', (copy) => copy.deliveryId);
  pieces.push(Buffer.from(`${literal}"}]}`));
  return { pieces, fields };
}
