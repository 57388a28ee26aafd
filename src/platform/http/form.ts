import type { FastifyInstance, FastifyRequest } from 'fastify';

/**
 * Parses forms as `URLSearchParams`, in both encodings that RFC 8058 §3.1 allows a mail provider. The body is read as
 * bytes, whatever its declared type (up to the server's limit), and parsed only when a handler asks: a route that must
 * act can do so even when the body is invalid.
 * @param bodyLimit bytes, when a form needs more than the server's limit.
 */
export function acceptForms(app: FastifyInstance, bodyLimit?: number): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', ...(bodyLimit && { bodyLimit }) },
    (_request, body, done) => done(null, body),
  );
}

/** The fields of a form; none when there is no body or it is invalid. Files are dropped. */
export async function readForm(request: FastifyRequest): Promise<URLSearchParams> {
  if (!Buffer.isBuffer(request.body)) return new URLSearchParams();
  const type = request.headers['content-type'] ?? '';
  if (!/^\s*multipart\/form-data\b/i.test(type)) return new URLSearchParams(request.body.toString());
  try {
    const form = await new Response(new Uint8Array(request.body), {
      headers: { 'content-type': type },
    }).formData();
    return new URLSearchParams(
      [...form].filter((field): field is [string, string] => typeof field[1] === 'string'),
    );
  } catch {
    return new URLSearchParams();
  }
}
