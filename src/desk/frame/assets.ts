import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { styleHash } from '../../platform/http/pages/stylesheet.ts';
import { resource } from '../../platform/http/resource.ts';
import { deskStyleHash } from './desk-stylesheet.ts';

/** A script in plain JavaScript, typed by JSDoc: it is sent to the browser unchanged. */
interface Script {
  /** Contains a hash of its content, so that a browser may cache it for ever. */
  url: string;
  text: string;
}

function readScript(name: string): Script {
  const text = readFileSync(new URL(`./browser/${name}.js`, import.meta.url), 'utf8');
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 16);
  return { url: `/editor/${name}-${hash}.js`, text };
}

/** Saves steps; on every page. */
export const DESK_SCRIPT = readScript('desk');
/** Updates the page of an issue that is being sent. */
export const WATCH_SCRIPT = readScript('watch');
/** Adds and uses passkeys. */
export const PASSKEY_SCRIPT = readScript('passkey');

/** Allows our own scripts, frames and style sheets only. */
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

/** Headers of every page of the desk, and its scripts. */
export function deskAssets(app: FastifyInstance): void {
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'cache-control': 'no-store',
      'x-robots-tag': 'noindex',
      'content-security-policy': POLICY,
    });
  });
  for (const { url, text } of [DESK_SCRIPT, WATCH_SCRIPT, PASSKEY_SCRIPT])
    resource(app, url, {
      GET: (_request, reply) =>
        reply
          .header('cache-control', 'public, max-age=31536000, immutable')
          .type('text/javascript; charset=utf-8')
          .send(text),
    });
}
