import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { sendCached } from '../../platform/http/cache-headers.ts';
import { styleHash } from '../../platform/http/pages/stylesheet.ts';
import { resource } from '../../platform/http/resource.ts';
import type { Site } from '../../platform/site.ts';
import { embedCodePage, embedPage } from './embed-page.tsx';
import { readEmbedTheme, themeQuery, themeSheet } from './embed-theme.ts';
import type { Forms } from './sign-up-form.ts';

const HTML = 'text/html; charset=utf-8';

/** Plain JavaScript, typed by JSDoc: it goes to the browser as it is. */
const script = readFileSync(new URL('./browser/embed.js', import.meta.url), 'utf8');

export interface EmbedOptions {
  site: Site;
  forms: Forms;
  /** Sites whose pages may show `/embed` in a frame. */
  embedOrigins: readonly string[];
  /** Origins of the puzzle's script; empty without a puzzle. */
  puzzle: readonly string[];
}

/**
 * The sign-up form for other sites: a script that shows the answer inside the page, the form in a frame, and the page
 * with the code for both. Everything also works without the script.
 */
export function embedRoutes(app: FastifyInstance, { site, forms, embedOrigins, puzzle }: EmbedOptions): void {
  resource(app, '/embed.js', {
    GET: (request, reply) => {
      // Other sites load this script.
      reply.header('cross-origin-resource-policy', 'cross-origin');
      return sendCached(request, reply, {
        type: 'text/javascript; charset=utf-8',
        body: script,
        changedAt: undefined,
      });
    },
  });

  resource(app, '/embed', {
    GET: async (request, reply) => {
      const sheet = themeSheet(readEmbedTheme(request.query as Record<string, unknown>));
      const form = { ...(await forms.make('embed-frame')), token: forms.token(), topics: [] };
      reply.removeHeader('x-frame-options');
      reply.headers({
        'cache-control': 'no-store',
        'x-robots-tag': 'noindex',
        'cross-origin-resource-policy': 'cross-origin',
        'content-security-policy': [
          "default-src 'none'",
          `style-src '${styleHash}' '${sheet.hash}'`,
          ['script-src', "'self'", ...puzzle].join(' '),
          ...(puzzle.length > 0 ? [['frame-src', ...puzzle].join(' ')] : []),
          "connect-src 'self'",
          "form-action 'self'",
          "base-uri 'none'",
          ['frame-ancestors', "'self'", ...embedOrigins].join(' '),
        ].join('; '),
      });
      return reply.type(HTML).send(embedPage(site, form, sheet.css));
    },
  });

  resource(app, '/embed/code', {
    GET: async (request, reply) => {
      const theme = readEmbedTheme(request.query as Record<string, unknown>);
      const { consent, privacyUrl } = await forms.make('embed');
      reply.headers({
        'x-robots-tag': 'noindex',
        'content-security-policy': [
          "default-src 'none'",
          `style-src '${styleHash}'`,
          "frame-src 'self'",
          "form-action 'self'",
          "base-uri 'none'",
          "frame-ancestors 'none'",
        ].join('; '),
      });
      return sendCached(request, reply, {
        type: HTML,
        body: embedCodePage(site, {
          theme,
          query: themeQuery(theme),
          consent,
          privacyUrl,
          embedOrigins,
        }),
        changedAt: undefined,
      });
    },
  });
}
