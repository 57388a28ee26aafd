/** Parses a message like a mail program: enough of RFC 5322, 2045 and 2047 for what we send. */
export interface Mail {
  /** In order, names as written, unfolded, encoded words still encoded. */
  rawHeaders: [string, string][];
  /** All values of a field, decoded. */
  all(name: string): string[];
  /** The decoded value of a field that occurs exactly once. @throws otherwise */
  one(name: string): string;
  /** The leaves, in order. */
  parts: { type: string; charset: string; encoding: string; content: string }[];
  /** Lines as sent over the wire. */
  lines: Buffer[];
}

export function readMail(source: Buffer): Mail {
  const text = source.toString('latin1');
  const { headers, body } = entity(text);
  const all = (name: string) =>
    headers
      .filter(([field]) => field.toLowerCase() === name.toLowerCase())
      .map(([, value]) => decodeWords(value));
  return {
    rawHeaders: headers,
    all,
    one(name) {
      const [value, ...more] = all(name);
      if (value === undefined || more.length > 0)
        throw new Error(`${name} is there ${more.length + (value === undefined ? 0 : 1)} times`);
      return value;
    },
    parts: leaves(headers, body),
    lines: text.split('\r\n').map((line) => Buffer.from(line, 'latin1')),
  };
}

function entity(text: string): { headers: [string, string][]; body: string } {
  const end = text.indexOf('\r\n\r\n');
  const head = end < 0 ? text : text.slice(0, end);
  const headers = head
    .replace(/\r\n(?=[ \t])/g, '')
    .split('\r\n')
    .map((line): [string, string] => {
      const colon = line.indexOf(':');
      if (colon < 1) throw new Error(`no header field: ${JSON.stringify(line)}`);
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
  return { headers, body: end < 0 ? '' : text.slice(end + 4) };
}

function leaves(headers: [string, string][], body: string): Mail['parts'] {
  const field = (name: string) => headers.find(([each]) => each.toLowerCase() === name)?.[1] ?? '';
  const type = field('content-type') || 'text/plain';
  const parameter = (name: string) => new RegExp(`${name}="?([^";]+)"?`, 'i').exec(type)?.[1] ?? '';
  if (type.startsWith('multipart/')) {
    const [, ...parts] = `\r\n${body}`.split(`\r\n--${parameter('boundary')}`);
    if (!parts.at(-1)?.startsWith('--')) throw new Error('the last boundary is missing');
    return parts.slice(0, -1).flatMap((part) => {
      const inner = entity(part.replace(/^\r\n/, ''));
      return leaves(inner.headers, inner.body);
    });
  }
  const encoding = field('content-transfer-encoding').toLowerCase();
  const bytes =
    encoding === 'base64'
      ? Buffer.from(body, 'base64')
      : encoding === 'quoted-printable'
        ? quotedPrintable(body.replace(/=\r\n/g, ''))
        : Buffer.from(body, 'latin1');
  return [
    {
      type: type.split(';')[0] ?? '',
      charset: parameter('charset').toLowerCase(),
      encoding,
      content: bytes.toString('utf8').replaceAll('\r\n', '\n'),
    },
  ];
}

function quotedPrintable(text: string): Buffer {
  return Buffer.from(
    text.replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
}

/** RFC 2047: white space between two encoded words is not part of the text. */
function decodeWords(value: string): string {
  return value.replace(/(\?=)\s+(?==\?)/g, '$1').replace(/(?:=\?utf-8\?[qb]\?[^?]*\?=)+/gi, (run) => {
    const bytes = [...run.matchAll(/=\?utf-8\?([qb])\?([^?]*)\?=/gi)].map(([, how = '', what = '']) =>
      how.toLowerCase() === 'b' ? Buffer.from(what, 'base64') : quotedPrintable(what.replaceAll('_', ' ')),
    );
    return Buffer.concat(bytes).toString('utf8');
  });
}
