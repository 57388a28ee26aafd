import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { createHealthServer } from '../../src/app/server.ts';
import { createBaseServer } from '../../src/platform/http/base-server.ts';
import { answerProblems } from '../../src/platform/http/problems.ts';
import { maskAddress, replyAddress } from '../../src/platform/site.ts';
import { topicChoices } from '../../src/subscribers/preferences/topic-choices.ts';

describe('maskAddress', () => {
  it.each([
    ['jane@doe.org', 'j***@d***.org'],
    ['x@y.co.uk', 'x***@y***.uk'],
    ['o.hara+news@xn--strae-oqa.de', 'o***@x***.de'],
  ])('%s is shown as %s', (email, masked) => {
    expect(maskAddress(email)).toBe(masked);
  });

  it('shows one character of each side and the ending, whatever the length', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,30}$/);
    fc.assert(
      fc.property(part, part, (local, domain) => {
        expect(maskAddress(`${local}@${domain}.org`)).toBe(`${local[0]}***@${domain[0]}***.org`);
      }),
    );
  });
});

describe('replyAddress', () => {
  it('is the plain address of either form', () => {
    expect(replyAddress({ replyTo: 'The desk <desk@verdicts.example>' })).toBe('desk@verdicts.example');
    expect(replyAddress({ replyTo: 'desk@verdicts.example' })).toBe('desk@verdicts.example');
  });
});

describe('topicChoices', () => {
  it('offers the known and the chosen topics, each once, spelled as chosen', () => {
    expect(topicChoices(['Audio', 'Coding', 'Writing'], ['coding', 'Gone'])).toEqual([
      { topic: 'Audio', chosen: false },
      { topic: 'coding', chosen: true },
      { topic: 'Gone', chosen: true },
      { topic: 'Writing', chosen: false },
    ]);
  });
});

describe('the health server of a worker', () => {
  const open = (ready: () => Promise<void>) => createHealthServer({ ready, logger: false });

  it('is alive and ready', async () => {
    await using app = await open(async () => {});
    for (const url of ['/healthz', '/readyz']) {
      const answer = await app.inject(url);
      expect([answer.statusCode, answer.json()]).toEqual([200, { status: 'ok' }]);
    }
  });

  it('is alive, but not ready, without its database; and does not say why', async () => {
    await using app = await open(async () => {
      throw new Error('connect ECONNREFUSED 10.0.0.7:5432');
    });
    expect((await app.inject('/healthz')).statusCode).toBe(200);
    const answer = await app.inject('/readyz');
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['content-type']).toMatch('application/problem+json');
    expect(answer.headers['retry-after']).toBe('60');
    expect(answer.body).not.toContain('10.0.0.7');
  });

  it('is not ready either when its database hangs', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      await using app = await open(() => {
        setImmediate(() => vi.advanceTimersByTime(3_000));
        return new Promise(() => {});
      });
      expect((await app.inject('/readyz')).statusCode).toBe(503);
    } finally {
      vi.useRealTimers();
    }
  });

  it('has no other route', async () => {
    await using app = await open(async () => {});
    const answer = await app.inject({ url: '/issues', headers: { accept: 'text/html' } });
    expect([answer.statusCode, answer.json().status]).toEqual([404, 404]);
  });
});

it('a database error is logged without the row values that its driver adds', async () => {
  const lines: string[] = [];
  await using app = createBaseServer({ logger: pino({}, { write: (line: string) => lines.push(line) }) });
  answerProblems(app);
  app.get('/', () => {
    const cause = Object.assign(new Error('duplicate key'), {
      code: '23505',
      detail: 'Key (email)=(jane@doe.org)',
    });
    throw Object.assign(new Error('could not save', { cause }), { parameters: ['jane@doe.org'] });
  });
  const answer = await app.inject('/');
  expect([answer.statusCode, answer.json().title]).toEqual([500, 'Something broke']);
  expect(answer.body).not.toMatch(/could not save|duplicate/);
  const log = lines.join('');
  expect(log).toContain('could not save: duplicate key');
  expect(log).not.toContain('jane');
});
