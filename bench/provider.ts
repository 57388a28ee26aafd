import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * The provider of the bench, in a process of its own and the same for every contender: it reads each request and
 * accepts it at once. Every batch has 100 messages, so it need not parse anything.
 *
 * `GET /seen` reports the requests since the last `DELETE /seen`.
 */
export interface Seen {
  requests: number;
  bytes: number;
  /** When the first request began to arrive, in ms since the epoch; null before it. */
  firstAt: number | null;
}

let seen: Seen = { requests: 0, bytes: 0, firstAt: null };
let ids = 0;

/** Ids are UUIDs, like the real ones; counted up, because random ones would cost more than the rest. */
const id = () => `{"id":"00000000-0000-4000-8000-${(ids++).toString(16).padStart(12, '0')}"}`;

const ANSWERS: Record<string, () => string> = {
  '/emails': id,
  '/emails/batch': () => `{"data":[${Array.from({ length: 100 }, id).join(',')}]}`,
};

const server = createServer((request, response) => {
  if (request.url === '/seen') {
    if (request.method === 'DELETE') seen = { requests: 0, bytes: 0, firstAt: null };
    response.end(JSON.stringify(seen));
    return;
  }
  seen.firstAt ??= performance.timeOrigin + performance.now();
  request.on('data', (chunk: Buffer) => {
    seen.bytes += chunk.length;
  });
  request.on('end', () => {
    seen.requests += 1;
    const answer = ANSWERS[request.url ?? '']?.() ?? '{}';
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
    response.end(answer);
  });
});
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.on('disconnect', () => process.exit());
