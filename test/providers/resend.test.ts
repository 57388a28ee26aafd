import { createEmulator } from 'emulate';
import { describe, expect, it } from 'vitest';
import { emails, FROM, resendForEach } from '../helpers/local-resend.ts';
import { start } from '../helpers/processes.ts';
import type { LocalResend } from '../resend/index.ts';

/** The local Resend follows the contract like an independent emulator, and runs by itself. */

let local: LocalResend;
const { defer, post, sdk } = resendForEach((started) => {
  local = started;
});

describe('both the local Resend and an independent emulator', () => {
  const homes: Record<string, () => Promise<{ url: string }>> = {
    'the local Resend': async () => local,
    'emulate 0.12.2': async () => {
      const emulator = await createEmulator({ service: 'resend', port: 0 });
      defer(() => emulator.close());
      return emulator;
    },
  };

  describe.each(Object.entries(homes))('%s', (_name, home) => {
    it('accepts one message and returns it', async () => {
      const resend = sdk(await home());
      const { data, error } = await resend.emails.send({
        from: FROM,
        to: 'one@readers.example',
        subject: 'Ship it',
        html: '<p>Ship it</p>',
        headers: { 'X-Entity-Ref-ID': '2026-11-24' },
        tags: [{ name: 'delivery', value: 'd-1' }],
      });
      expect(error).toBeNull();
      expect(await resend.emails.get(data?.id ?? '')).toMatchObject({
        data: {
          id: data?.id,
          to: ['one@readers.example'],
          subject: 'Ship it',
          tags: [{ name: 'delivery', value: 'd-1' }],
        },
      });
    });

    it('accepts a hundred under a key, in order, and answers a replay with the first answer', async () => {
      const resend = sdk(await home());
      const first = await resend.batch.send(emails(100), { idempotencyKey: 'batch/1/r1' });
      expect(first.error).toBeNull();
      const ids = first.data?.data.map(({ id }) => id) ?? [];
      expect(new Set(ids).size).toBe(100);
      const last = await resend.emails.get(ids[99] ?? '');
      expect(last.data?.to).toEqual(['reader-99@readers.example']);
      const again = await resend.batch.send(emails(100), { idempotencyKey: 'batch/1/r1' });
      expect(again.data).toEqual(first.data);
    });

    it('refuses other bytes under a used key', async () => {
      const resend = sdk(await home());
      await resend.batch.send(emails(2), { idempotencyKey: 'batch/2/r1' });
      const { error } = await resend.batch.send(emails(3), { idempotencyKey: 'batch/2/r1' });
      expect(error).toMatchObject({ statusCode: 409, name: 'invalid_idempotent_request' });
    });

    it('refuses a key that is too long, a hundred and one messages, and a batch with one fault', async () => {
      const resend = sdk(await home());
      const long = await resend.batch.send(emails(1), { idempotencyKey: 'k'.repeat(257) });
      expect(long.error).toMatchObject({ statusCode: 400, name: 'invalid_idempotency_key' });
      expect((await resend.batch.send(emails(101))).error).toMatchObject({ statusCode: 422 });
      const bad = await resend.batch.send([...emails(2), { from: FROM, subject: 'x', html: 'x' } as never]);
      expect(bad.error).toMatchObject({ statusCode: 422 });
    });
  });
});

it('pages through the sent mails, newest first', async () => {
  await post(emails(5));
  const ids = local.accepted().map(({ id }) => id);
  const first = await sdk().emails.list({ limit: 2 });
  expect(first.data?.data.map(({ id }) => id)).toEqual([ids[4], ids[3]]);
  expect(first.data?.has_more).toBe(true);
  const rest = await sdk().emails.list({ limit: 3, after: ids[3] ?? '' });
  expect(rest.data?.data.map(({ id }) => id)).toEqual([ids[2], ids[1], ids[0]]);
  expect(rest.data?.has_more).toBe(false);
});

it('runs from the command line, and says which settings to use', async () => {
  await using child = start('test/resend/cli.ts', ['--port', '0', '--faults', '500', '--share', '1']);
  const said = await child.says('Ctrl-C');
  const url = /RESEND_BASE_URL=(\S+)/u.exec(said)?.[1] ?? '';
  expect((await post(emails(1), {}, { url })).status).toBe(500);
  await fetch(`${url}/_oracle/calm`, { method: 'POST' });
  expect((await post(emails(1), {}, { url })).status).toBe(200);
  child.kill('SIGTERM');
  const { code, stdout } = await child.ended;
  expect(code).toBe(0);
  expect(stdout).toContain('accepted 1, in 2 requests');
});
