import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { createApp } from '../../src/app/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { send } from '../../src/workflow/week.ts';
import { contender } from '../child.ts';
import { approved } from '../database.ts';
import { SETTINGS } from '../issue.ts';
import type { Seen } from '../provider.ts';

export interface Input {
  env: Record<string, string>;
  provider: string;
  port: number;
}

/** ms: the 99th percentile of the waits for the event loop. */
export interface Figures {
  sending: number;
  quiet: number;
}

const SECONDS = 10;
const SIGN_UPS_A_SECOND = 20;

let people = 0;

/**
 * `serve` as it runs in production, web and worker in one process, at the provider's own 10 requests a second. People
 * sign up all the time, first without a send, then during one.
 */
await contender(async ({ env, provider, port }: Input): Promise<Figures> => {
  const settings = {
    ...SETTINGS,
    ...env,
    RESEND_BASE_URL: provider,
    RESEND_RATE: '10',
    PORT: String(port),
    // Every sign-up comes from a network of its own.
    TRUST_PROXY: '1',
  };
  const { config, secrets } = loadConfig(settings);
  await using app = await createApp(config, secrets);
  const issue = await approved(app);
  const server = serve(settings);
  // A failed sign-up ends this process, and must not leave the other process behind.
  process.once('exit', () => server.kill('SIGKILL'));
  try {
    const url = `http://127.0.0.1:${port}`;
    await Promise.race([answering(`${url}/healthz`), ended(server)]);
    await signUps(url, 3);
    await delayOf(server);
    await signUps(url, SECONDS);
    const quiet = await delayOf(server);

    await fetch(`${provider}/seen`, { method: 'DELETE' });
    await send(app, issue);
    const requests = async () => ((await (await fetch(`${provider}/seen`)).json()) as Seen).requests;
    while ((await requests()) === 0) await sleep(20);
    await delayOf(server);
    const before = await requests();
    await signUps(url, SECONDS);
    const sending = await delayOf(server);
    if ((await requests()) - before < SECONDS * 5) throw new Error('the issue did not go out meanwhile');
    return { sending, quiet };
  } finally {
    if (server.kill()) await once(server, 'exit');
  }
});

function serve(settings: Record<string, string>): ChildProcess {
  const extension = path.extname(import.meta.url);
  const main = fileURLToPath(new URL(`../../src/main${extension}`, import.meta.url));
  const probe = new URL(`../probe${extension}`, import.meta.url).href;
  return fork(main, ['serve'], {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...settings },
    execArgv: [...process.execArgv, '--import', probe],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

async function answering(url: string): Promise<void> {
  while (
    !(await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await sleep(50);
}

async function ended(server: ChildProcess): Promise<never> {
  const [code] = await once(server, 'exit');
  throw new Error(`serve ended with ${code}`);
}

/** Since the last question. */
async function delayOf(server: ChildProcess): Promise<number> {
  server.send('delay');
  const [ms] = await once(server, 'message');
  return ms;
}

/** The next person comes on time, however late the answers are. */
async function signUps(url: string, seconds: number): Promise<void> {
  const answers: Promise<unknown>[] = [];
  for (let left = seconds * SIGN_UPS_A_SECOND; left > 0; left -= 1) {
    people += 1;
    answers.push(signUp(url, people));
    await sleep(1_000 / SIGN_UPS_A_SECOND);
  }
  await Promise.all(answers);
}

async function signUp(url: string, person: number): Promise<void> {
  const answer = await request(`${url}/subscribe`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-forwarded-for': `10.${(person >> 8) & 255}.${person & 255}.1`,
    },
    body: JSON.stringify({ email: `new-${person}@readers.example.org` }),
  });
  await answer.body.dump();
  if (answer.statusCode !== 202) throw new Error(`a sign-up was answered with ${answer.statusCode}`);
}
