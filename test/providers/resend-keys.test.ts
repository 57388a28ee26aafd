import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { email, emails, FROM, resendForEach } from '../helpers/local-resend.ts';
import type { LocalResend } from '../resend/index.ts';

/** What the local Resend stores of an idempotency key, and of accepted mails. */

let local: LocalResend;
const { begin, defer, pass, post } = resendForEach((started) => {
  local = started;
});

describe('an idempotency key', () => {
  const send = (body: unknown, key: string, route = '/emails/batch') =>
    post(body, { 'idempotency-key': key }, local, route);

  it('belongs to its bytes, not to their meaning', async () => {
    const first = await send(emails(2), 'k');
    expect((await send(emails(2), 'k')).text).toBe(first.text);
    const spaced = await send(JSON.stringify(emails(2), null, 1), 'k');
    expect(spaced.body()).toMatchObject({ statusCode: 409, name: 'invalid_idempotent_request' });
    expect(local.total).toBe(2);
  });

  it('is forgotten after 24 hours: then the same request mails again', async () => {
    await send(emails(1), 'k');
    pass(24 * 3_600_000 - 1);
    await send(emails(1), 'k');
    expect(local.copies('reader-0@readers.example')).toBe(1);
    pass(1);
    await send(emails(1), 'k');
    expect(local.copies('reader-0@readers.example')).toBe(2);
  });

  it('of one endpoint is independent of the other endpoint', async () => {
    await send(emails(1), 'k');
    expect((await send(email('a@readers.example'), 'k', '/emails')).status).toBe(200);
    expect((await send(email('a@readers.example'), '', '/emails')).body().name).toBe(
      'invalid_idempotency_key',
    );
  });

  it('stores no refusal', async () => {
    local.plan('500');
    expect((await send(emails(1), 'k')).status).toBe(500);
    expect((await send(emails(2), 'k')).status).toBe(200);
  });

  it('with a running request gets a conflict, and the result afterwards', async () => {
    local.plan({ kind: 'slow', ms: 300 });
    const first = send(emails(2), 'k');
    await expect.poll(() => local.requests.length).toBe(1);
    expect((await send(emails(2), 'k')).body()).toMatchObject({
      statusCode: 409,
      name: 'concurrent_idempotent_requests',
    });
    const answer = await first;
    expect((await send(emails(2), 'k')).text).toBe(answer.text);
    expect(local.total).toBe(2);
  });
});

describe('accepted mail', () => {
  it('can be found by address, delivery, position and body', async () => {
    const tags = [{ name: 'delivery', value: 'd-7' }];
    await post([email('A@Readers.example', { tags })], { 'idempotency-key': 'k' });
    expect(local.accepted()).toEqual([
      expect.objectContaining({ key: 'k', position: 0, to: 'a@readers.example', deliveryId: 'd-7' }),
    ]);
    expect(local.copies('Reader <a@readers.EXAMPLE>')).toBe(1);
    const asked = await fetch(`${local.url}/_oracle?to=a@readers.example`, { headers: {} });
    expect(await asked.json()).toEqual({ copies: 1 });
  });

  it("and its key's answer survive a restart", async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'wv-resend-'));
    defer(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'accepted.jsonl');
    const before = await begin({ file });
    const first = await post(emails(3), { 'idempotency-key': 'k' }, before);
    await before[Symbol.asyncDispose]();
    const after = await begin({ file });
    expect(after.accepted()).toHaveLength(3);
    expect((await post(emails(3), { 'idempotency-key': 'k' }, after)).text).toBe(first.text);
    expect(after.copies('reader-2@readers.example')).toBe(1);
  });

  it('is counted without parsing when only recipients are recorded, with the same figures', async () => {
    const quick = await begin({ record: 'recipients' });
    const tricky = [
      email('a@readers.example', { html: '"},{"to":"nobody@readers.example",\n"to":"x' }),
      { to: 'First <first@readers.example>', from: FROM, subject: 's', text: 't' },
    ];
    for (const to of [quick, local]) {
      const answer = await post(tricky, { 'idempotency-key': 'k' }, to);
      expect(answer.body().data).toHaveLength(2);
      expect((await post(tricky, { 'idempotency-key': 'k' }, to)).text).toBe(answer.text);
      expect(to.total).toBe(2);
      expect(to.copies('first@readers.example')).toBe(1);
      expect(to.copies('nobody@readers.example')).toBe(0);
    }
    await post(JSON.stringify(emails(2), null, 2), {}, quick);
    expect(quick.copies('reader-1@readers.example')).toBe(1);
  });
});
