import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import type { Comparison } from '../../src/comparisons/model.ts';
import { slugFor } from '../../src/comparisons/names.ts';
import { comparison } from './arbitraries.ts';

/** A web site in the test process: files with ETags, or handlers that misbehave. */
export interface SiteServer extends AsyncDisposable {
  origin: string;
  /** Every request since the last {@link SiteServer.forget}, in order. */
  requests: { path: string; isConditional: boolean; status: number; agent: string; at: number }[];
  /** Most requests that were open at once. */
  mostAtOnce: number;
  put(path: string, body: string | Buffer, headers?: Record<string, string>): void;
  handle(path: string, handler: (request: IncomingMessage, response: ServerResponse) => void): void;
  remove(path: string): void;
  forget(): void;
}

interface File {
  body: string | Buffer;
  headers: Record<string, string>;
  etag: string;
}

/** @param host 127.0.0.2 is this machine too, and can be allowed while 127.0.0.1 must not be. */
export async function openSiteServer(host = '127.0.0.1'): Promise<SiteServer> {
  const files = new Map<string, File | ((request: IncomingMessage, response: ServerResponse) => void)>();
  let open = 0;
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const known = request.headers['if-none-match'];
    open += 1;
    site.mostAtOnce = Math.max(site.mostAtOnce, open);
    const entry = {
      path,
      isConditional: known !== undefined || request.headers['if-modified-since'] !== undefined,
      status: 0,
      agent: request.headers['user-agent'] ?? '',
      at: performance.now(),
    };
    site.requests.push(entry);
    response.on('close', () => {
      open -= 1;
      entry.status = response.statusCode;
    });
    response.on('error', () => {});
    const file = files.get(path);
    if (file === undefined) {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>404</h1>');
    } else if (typeof file === 'function') file(request, response);
    else if (known === file.etag) response.writeHead(304, { etag: file.etag }).end();
    else
      response
        .writeHead(200, { 'content-type': typeOf(path), etag: file.etag, ...file.headers })
        .end(file.body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  const site: SiteServer = {
    origin: `http://${host}:${(server.address() as AddressInfo).port}`,
    requests: [],
    mostAtOnce: 0,
    put: (path, body, headers = {}) => {
      files.set(path, {
        body,
        headers,
        etag: `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`,
      });
    },
    handle: (path, handler) => files.set(path, handler),
    remove: (path) => files.delete(path),
    forget: () => {
      site.requests = [];
      site.mostAtOnce = 0;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return site;
}

function typeOf(path: string): string {
  if (path.endsWith('.xml')) return 'application/xml';
  if (path.endsWith('.json')) return 'application/feed+json';
  if (path.endsWith('.txt')) return 'text/plain';
  return path.endsWith('.gz') ? 'application/gzip' : 'text/html; charset=utf-8';
}

/** This many different comparisons, the same at every call. */
export function comparisons(count: number): Comparison[] {
  return fc.sample(comparison(), { numRuns: count, seed: 11 }).map((value, index) => {
    const [a, b] = value.tools;
    const tools = [
      { ...a, name: `${a.name} N${index}` },
      { ...b, name: `${b.name} M${index}` },
    ] as Comparison['tools'];
    return { ...value, slug: slugFor(tools[0].name, tools[1].name), tools };
  });
}

export function sitemapOf(urls: readonly (string | { loc: string; lastmod: string })[]): string {
  const lines = urls.map((url) =>
    typeof url === 'string'
      ? `<url><loc>${xml(url)}</loc></url>`
      : `<url><loc>${xml(url.loc)}</loc><lastmod>${url.lastmod}</lastmod></url>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n${lines.join('\n')}\n</urlset>`;
}

export function sitemapIndexOf(urls: readonly string[]): string {
  return `<?xml version="1.0"?><sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${urls
    .map((url) => `<sitemap><loc>${xml(url)}</loc></sitemap>`)
    .join('')}</sitemapindex>`;
}

function xml(text: string): string {
  return text.replace(/&/gu, '&amp;').replace(/</gu, '&lt;');
}
