import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createHeartbeat } from '../../src/workflow/heartbeat.ts';

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function service(answer: RequestListener): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  open.push(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/ping/secret-id`, close };
}

/** The lines of the log. */
function log() {
  const lines: unknown[][] = [];
  const note = (...line: unknown[]) => void lines.push(line);
  return { lines, logger: { warn: note, info: note } as never };
}

it('Y6: is one GET of the URL; without a URL nothing is requested', async () => {
  const seen: (string | undefined)[] = [];
  const { url } = await service((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.end('OK');
  });
  const { lines, logger } = log();
  await createHeartbeat(url, logger)();
  await createHeartbeat(undefined, logger)();
  expect(seen).toEqual(['GET /ping/secret-id']);
  expect(lines).toEqual([]);
});

it('Y6: a failure is logged once, and once that it works again; never the URL', async () => {
  let status = 500;
  const { url, close } = await service((_request, response) => response.writeHead(status).end());
  const { lines, logger } = log();
  const beat = createHeartbeat(url, logger);
  await beat();
  await beat();
  status = 200;
  await beat();
  await beat();
  await close();
  await beat();
  await beat();
  expect(lines).toEqual([
    [{ reason: 'it answered 500' }, 'the heartbeat cannot be delivered'],
    ['the heartbeat is delivered again'],
    [
      { reason: expect.stringMatching(/^(?:ECONNREFUSED|UND_ERR_SOCKET)$/) },
      'the heartbeat cannot be delivered',
    ],
  ]);
  expect(JSON.stringify(lines)).not.toContain('secret-id');
});

it('Y6: follows no redirect, and does not wait for ever', async () => {
  const seen: (string | undefined)[] = [];
  const { url } = await service((request, response) => {
    seen.push(request.url);
    if (request.url?.startsWith('/ping')) response.writeHead(302, { location: '/elsewhere' }).end();
  });
  const { lines, logger } = log();
  await createHeartbeat(url, logger)();
  expect(seen).toEqual(['/ping/secret-id']);
  const hanging = await service(() => {});
  await createHeartbeat(hanging.url, logger, 20)();
  expect(lines.map(([about]) => about)).toEqual([
    { reason: 'it answered 302' },
    { reason: 'no answer within 20 ms' },
  ]);
});
