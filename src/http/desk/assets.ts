import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { styleHash } from '../pages/stylesheet.ts';
import { resource } from '../resource.ts';
import { deskStyleHash } from './pages/stylesheet.ts';

/** Plain JavaScript, typed by JSDoc: it goes to the browser as it is. */
const script = readFileSync(new URL('./browser/desk.js', import.meta.url), 'utf8');
const scriptHash = createHash('sha256').update(script).digest('base64url').slice(0, 16);

/** Named by its content, so that a browser may keep it for ever. */
export const SCRIPT_URL = `/editor/desk-${scriptHash}.js`;

/** Our own script, our own frames, our two sheets: what the desk does not answer is a page like everywhere. */
const POLICY = [
  "default-src 'none'",
  `style-src '${deskStyleHash}' '${styleHash}'`,
  "script-src 'self'",
  "connect-src 'self'",
  "frame-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Headers of every page of the desk, and the script. */
export function deskAssets(app: FastifyInstance): void {
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'cache-control': 'no-store',
      'x-robots-tag': 'noindex',
      'content-security-policy': POLICY,
    });
  });
  resource(app, SCRIPT_URL, {
    GET: (_request, reply) =>
      reply
        .header('cache-control', 'public, max-age=31536000, immutable')
        .type('text/javascript; charset=utf-8')
        .send(script),
  });
}
