import type { FastifyInstance } from 'fastify';
import { sendCached } from '../platform/http/cache-headers.ts';
import { resource } from '../platform/http/resource.ts';
import type { Site } from '../platform/site.ts';
import { apiPage } from './api-page.tsx';
import { type ApiParts, apiDocument } from './openapi.ts';

/** `/openapi.json` for programs, and `/docs`, the same content for people. Both depend on the settings alone. */
export function apiDocsRoutes(app: FastifyInstance, site: Site, parts: ApiParts): void {
  const document = apiDocument(site, parts);
  const served = [
    ['/openapi.json', 'application/json; charset=utf-8', `${JSON.stringify(document, null, 2)}\n`],
    ['/docs', 'text/html; charset=utf-8', apiPage(site, document)],
  ] as const;
  for (const [url, type, body] of served) {
    resource(app, url, {
      GET: (request, reply) => sendCached(request, reply, { type, body, changedAt: undefined }),
    });
  }
}
