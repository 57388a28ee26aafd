import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';
import { resource } from './resource.ts';
import { isAtThisMachine } from './this-machine.ts';

/** What the outbox holds. A message's source is shown, not offered for download. */
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.eml': 'text/plain; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
};

/** Mail as a mail program would show it: no scripts, no origin, nothing loaded from anywhere. */
const MAIL_POLICY =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; " +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

/** Names that the outbox mailer gives: no dot in front, so no `..` and none of its drafts. */
const NAME = /^[\p{L}\p{N}_-][\p{L}\p{N}._-]*$/u;

/**
 * The mails that did not leave this machine, to browse. Their links are real and personal, so only
 * somebody at this machine may see them; for everybody else there is no such page.
 * @param directory of the outbox mailer; need not exist yet.
 */
export function outboxRoutes(app: FastifyInstance, directory: string): void {
  app.addHook('onRequest', async (request, reply) => {
    if (!isAtThisMachine(request)) throw unknown();
    reply.headers({
      'cache-control': 'no-store',
      'x-robots-tag': 'noindex',
      'content-security-policy': MAIL_POLICY,
    });
  });

  // To the file itself: the links on it are relative.
  resource(app, '/outbox', { GET: (_request, reply) => reply.redirect('/outbox/index.html') });

  resource<{ '*': string }>(app, '/outbox/*', {
    GET: async (request, reply) => {
      const names = request.params['*'].split('/').filter((name) => name !== '');
      const file = await locate(directory, names).catch((error) => {
        if (error instanceof AppError && names.join('/') === 'index.html') return 'empty' as const;
        throw error;
      });
      if (file === 'empty') {
        return reply.type('text/plain; charset=utf-8').send('The outbox is empty: nothing was mailed yet.\n');
      }
      if (file === 'directory') {
        return reply.redirect(`/outbox/${[...names, 'index.html'].map(encodeURIComponent).join('/')}`);
      }
      return reply.type(file.type).send(await readFile(file.path));
    },
  });
}

function unknown(): AppError {
  return new AppError('page-unknown', 'Not in the outbox.');
}

/**
 * @returns a file that lies inside `directory` after every link is followed, or `'directory'`.
 * @throws AppError `page-unknown`.
 */
async function locate(
  directory: string,
  names: string[],
): Promise<{ path: string; type: string } | 'directory'> {
  if (!names.every((name) => NAME.test(name))) throw unknown();
  try {
    const root = await realpath(directory);
    const found = await realpath(path.join(root, ...names));
    if (found !== root && !found.startsWith(root + path.sep)) throw unknown();
    const facts = await stat(found);
    if (facts.isDirectory()) return 'directory';
    const type = TYPES[path.extname(found)];
    if (!facts.isFile() || type === undefined) throw unknown();
    return { path: found, type };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG'
      ? unknown()
      : error;
  }
}
