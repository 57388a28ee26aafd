import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { AppError } from '../../platform/errors.ts';
import { isSameSecret } from '../../platform/http/bearer.ts';
import { resource } from '../../platform/http/resource.ts';

/** The content types of the outbox's files. The source of a message is shown, not downloaded. */
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.eml': 'text/plain; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
};

/** Shows mail as a mail program would: no scripts, no origin, no remote content. */
const MAIL_POLICY =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; " +
  "form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

/** File names of the outbox: no leading dot, so no `..` and no draft. */
const NAME = /^[\p{L}\p{N}_-][\p{L}\p{N}._-]*$/u;

/**
 * The mails in the outbox, to browse. Their links are real and personal, so the address must contain the token. The
 * client's IP and host name are no protection, because a proxy on this machine can set both.
 * @param directory of the outbox mailer; need not exist yet.
 * @param token of this run; the server prints it at start.
 */
export function outboxRoutes(
  app: FastifyInstance,
  { directory, token }: { directory: string; token: string },
): void {
  /** @throws AppError `outbox-closed`. */
  const open = (given: string, reply: FastifyReply): void => {
    if (!isSameSecret(given, token)) throw closed();
    reply.headers({
      'cache-control': 'no-store',
      'x-robots-tag': 'noindex',
      'content-security-policy': MAIL_POLICY,
    });
  };

  resource(app, '/outbox', {
    GET: () => {
      throw closed();
    },
  });

  // Redirects to the file itself, because its links are relative.
  resource<{ token: string }>(app, '/outbox/:token', {
    GET: (request, reply) => {
      open(request.params.token, reply);
      return reply.redirect(`/outbox/${token}/index.html`);
    },
  });

  resource<{ token: string; '*': string }>(app, '/outbox/:token/*', {
    GET: async (request, reply) => {
      open(request.params.token, reply);
      const names = request.params['*'].split('/').filter((name) => name !== '');
      const file = await locate(directory, names).catch((error) => {
        if (error instanceof AppError && names.join('/') === 'index.html') return 'empty' as const;
        throw error;
      });
      if (file === 'empty') {
        return reply.type('text/plain; charset=utf-8').send('The outbox is empty: nothing was mailed yet.\n');
      }
      if (file === 'directory') {
        return reply.redirect(`/outbox/${[token, ...names, 'index.html'].map(encodeURIComponent).join('/')}`);
      }
      return reply.type(file.type).send(await readFile(file.path));
    },
  });
}

function closed(): AppError {
  return new AppError('outbox-closed', 'The outbox without the token of this run.');
}

function unknown(): AppError {
  return new AppError('page-unknown', 'Not in the outbox.');
}

/**
 * @returns a file that lies inside `directory` after every symbolic link is resolved, or `'directory'`.
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
