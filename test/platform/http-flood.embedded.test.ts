import { Agent, get } from 'node:http';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runCommand } from '../helpers/command.ts';
import { copyDatabase, temporaryFolder } from '../helpers/locations.ts';
import { startCommand } from '../helpers/processes.ts';

/** The whole program with the memory limit of the image, and one client that tries to use all of it. */

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

/** As in the Dockerfile. */
const IMAGE = '--max-old-space-size=128 --max-semi-space-size=4';

/** The time limit of the image's health check. */
const PATIENCE_MS = 5_000;

it('F7: twenty sockets with 3,000 pipelined requests each neither end the process nor block its health check', async () => {
  const env = { DATA_DIR: path.join(folder.path, 'var'), SOURCES: 'folder:samples/comparisons' };
  copyDatabase(env.DATA_DIR);
  expect((await runCommand(['gather'], env)).code).toBe(0);
  await using server = startCommand(['serve'], {
    ...env,
    PORT: '0',
    LOG_LEVEL: 'silent',
    NODE_OPTIONS: IMAGE,
  });
  const said = await server.says(/listens on http:\/\/127\.0\.0\.1:\d+/u);
  const port = Number(/127\.0\.0\.1:(\d+)/u.exec(said)?.[1]);

  const health = (agent: Agent | false) =>
    new Promise<number | string>((resolve) => {
      const asked = get(
        { port, host: '127.0.0.1', path: '/healthz', agent, timeout: PATIENCE_MS },
        (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
        },
      );
      asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
      asked.on('error', (error) => resolve(error.message));
    });
  expect(await health(false)).toBe(200);

  const pages = 'GET /comparisons HTTP/1.1\r\nHost: here\r\n\r\n'.repeat(3_000);
  const sockets = Array.from({ length: 20 }, (): Socket => {
    const socket = connect(port, '127.0.0.1', () => socket.write(pages));
    // It reads nothing until it is disconnected.
    return socket.on('error', () => {}).pause();
  });
  using agent = Object.assign(new Agent({ keepAlive: true }), {
    [Symbol.dispose]: () => agent.destroy(),
  });
  const answers = new Set<number | string>();
  for (let count = 0; count < 30; count += 1) answers.add(await health(count % 2 === 0 ? agent : false));
  for (const socket of sockets) socket.destroy();
  expect([...answers]).toEqual([200]);
  expect(await health(false)).toBe(200);

  server.kill('SIGTERM');
  expect(await server.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
});
