import path from 'node:path';
import { expect, it } from 'vitest';
import { copyDatabase, temporaryFolder } from '../helpers/locations.ts';
import { PROGRAMS, start } from '../helpers/processes.ts';

/** A request by a name of this machine, like one of a browser, or of nginx with its default `proxy_pass`. */
const ask = (url: string) => fetch(url).then(({ status }) => status);

it('F16: serve opens the metrics on a loopback port and the outbox by a link, and neither by an address that can be guessed', async () => {
  using folder = temporaryFolder();
  copyDatabase(path.join(folder.path, 'data'));
  await using served = start(PROGRAMS.source, ['serve'], {
    ...{ DATA_DIR: path.join(folder.path, 'data'), LOG_LEVEL: 'silent' },
    // On every address, as in a container.
    ...{ HOST: '0.0.0.0', PORT: '0', METRICS: 'local', METRICS_PORT: '0' },
  });
  const said = await served.says(/metrics {2}\S+\n/);
  const [, origin = ''] = /listens on (\S+)/.exec(said) ?? [];
  const [, outbox = ''] = /outbox {3}(\S+)/.exec(said) ?? [];
  const [, metrics = ''] = /metrics {2}(\S+)/.exec(said) ?? [];
  expect(outbox).toMatch(/\/outbox\/[\w-]{43}$/);
  expect(new URL(outbox).origin).toBe(origin);
  expect([
    await ask(outbox),
    await ask(`${origin}/outbox`),
    await ask(`${origin}/outbox/index.html`),
  ]).toEqual([200, 404, 404]);
  expect(await ask(metrics)).toBe(200);
  expect(await ask(`${origin}/metrics`)).toBe(404);
  // Another address of this machine: servers that listen on all addresses respond there, the metrics do not.
  const elsewhere = (url: string) => Object.assign(new URL(url), { hostname: '127.0.0.2' }).href;
  expect(await ask(elsewhere(`${origin}/healthz`))).toBe(200);
  await expect(ask(elsewhere(metrics))).rejects.toThrow();
});

it('takes the events of mail that went out through Resend also while the outbox has its place', async () => {
  using folder = temporaryFolder();
  copyDatabase(path.join(folder.path, 'data'));
  await using served = start(PROGRAMS.source, ['serve'], {
    ...{ DATA_DIR: path.join(folder.path, 'data'), LOG_LEVEL: 'silent', PORT: '0' },
    RESEND_WEBHOOK_SECRET: `whsec_${Buffer.from('a secret of the account').toString('base64')}`,
  });
  const [, origin = ''] = /listens on (\S+)/.exec(await served.says(/listens on \S+\n/)) ?? [];
  const { status } = await fetch(`${origin}/webhooks/resend`, { method: 'POST', body: '{}' });
  expect(status, 'an unsigned event is refused, not unknown').toBe(401);
});
