import type { FastifyInstance, FastifyRequest } from 'fastify';

/**
 * Forms as `URLSearchParams`, in both encodings that RFC 8058 §3.1 lets a mail provider choose from. The
 * body is taken whole whatever it claims to be (the limit is the server's), and read only when a handler
 * asks: a route that must act can do so even when the body is rubbish.
 * @param bodyLimit bytes, where a form here needs more than the server's limit.
 */
export function acceptForms(app: FastifyInstance, bodyLimit?: number): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', ...(bodyLimit && { bodyLimit }) },
    (_request, body, done) => done(null, body),
  );
}

/** The fields of a form; none where there is no body or it cannot be read. Files are left out. */
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
