import fc from 'fast-check';
import { Resend } from 'resend';
import { describe, expect, it } from 'vitest';
import { gatherWrites } from '../../src/platform/http/gather-writes.ts';
import { readResendEvent, withoutTokens } from '../../src/providers/resend/resend-event.ts';
import { resendWebhook } from '../../src/providers/resend/resend-webhook.ts';
import { payload, signedRequest, WEBHOOK_SECRET } from '../helpers/events.ts';

const NOW = new Date('2026-11-24T09:00:00Z');
const OTHER_SECRET = `whsec_${Buffer.from('another secret of this account').toString('base64')}`;

const check = ({ headers, payload: body }: ReturnType<typeof signedRequest>, secrets = [WEBHOOK_SECRET]) =>
  resendWebhook(secrets, () => NOW).read(headers, body) !== null;

describe('a webhook', () => {
  const body = payload('email.delivered');

  it('is accepted exactly when the provider’s SDK accepts it', () => {
    const sdk = new Resend('re_not_used');
    const accepted = (request: ReturnType<typeof signedRequest>) => {
      try {
        sdk.webhooks.verify({
          payload: request.payload.toString(),
          headers: {
            id: request.headers['svix-id'] ?? '',
            timestamp: request.headers['svix-timestamp'] ?? '',
            signature: request.headers['svix-signature'] ?? '',
          },
          webhookSecret: WEBHOOK_SECRET,
        });
        return true;
      } catch {
        return false;
      }
    };
    const now = new Date();
    const seconds = (offset: number) => new Date(now.getTime() + offset * 1_000);
    const forged = (change: (headers: Record<string, string>) => void) => {
      const request = signedRequest(body, { at: now });
      change(request.headers);
      return request;
    };
    const cases = {
      genuine: signedRequest(body, { at: now }),
      'not ASCII': signedRequest({ ...body, type: 'é ☃ \u2028' }, { at: now }),
      'signed twice while a secret is rotated': signedRequest(body, {
        at: now,
        secrets: [OTHER_SECRET, WEBHOOK_SECRET],
      }),
      'by another secret': signedRequest(body, { at: now, secrets: [OTHER_SECRET] }),
      'some minutes old': signedRequest(body, { at: seconds(-290) }),
      'too old': signedRequest(body, { at: seconds(-310) }),
      'some minutes early': signedRequest(body, { at: seconds(290) }),
      'too early': signedRequest(body, { at: seconds(320) }),
      'under another id': forged((headers) => {
        headers['svix-id'] = 'msg_other';
      }),
      'without an id': forged((headers) => {
        headers['svix-id'] = '';
      }),
      'at another time': forged((headers) => {
        headers['svix-timestamp'] = String(Number(headers['svix-timestamp']) - 1);
      }),
      'without a signature': forged((headers) => {
        headers['svix-signature'] = '';
      }),
      'of another version': forged((headers) => {
        headers['svix-signature'] = (headers['svix-signature'] ?? '').replace('v1,', 'v2,');
      }),
    };
    const ours = Object.entries(cases).map(([name, request]) => [name, check(request)]);
    const theirs = Object.entries(cases).map(([name, request]) => [name, accepted(request)]);
    expect(ours).toEqual(theirs);
    expect(ours.filter(([, genuine]) => genuine).map(([name]) => name)).toEqual([
      'genuine',
      'not ASCII',
      'signed twice while a secret is rotated',
      'some minutes old',
      'some minutes early',
    ]);
  });

  it('is accepted with any of our secrets', () => {
    const request = signedRequest(body);
    expect(check(request, [OTHER_SECRET, WEBHOOK_SECRET])).toBe(true);
    expect(check(request, [OTHER_SECRET])).toBe(false);
    expect(check(request, [])).toBe(false);
  });

  it('with one changed byte is refused', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (place, change) => {
        const request = signedRequest(body);
        const at = place % request.payload.length;
        request.payload[at] = (request.payload[at] ?? 0) ^ change;
        return !check(request);
      }),
    );
  });
});

describe('a stored event', () => {
  const read = (body: unknown) => readResendEvent('msg_1', Buffer.from(JSON.stringify(body)), NOW);

  it('has its class, its ids and its time, and no personal data', () => {
    const delivery = '0f8fad5b-d9cb-469f-a165-70867728950e';
    const event = read(
      payload('email.bounced', {
        tags: { issue: '2026-11-24', delivery },
        bounce: { type: 'Permanent', subType: 'NoEmail', message: 'reader@readers.example is unknown' },
      }),
    );
    expect(event).toMatchObject({
      kind: 'hard_bounce',
      reason: 'NoEmail',
      deliveryId: delivery,
      at: new Date('2026-11-24T09:00:00Z'),
    });
    expect(JSON.stringify(event)).not.toMatch(/@|unsubscribe|Hermes/);
  });

  it.each([
    ['email.bounced', { bounce: { type: 'Permanent', subType: 'General' } }, 'hard_bounce', 'General'],
    [
      'email.bounced',
      { bounce: { type: 'Permanent', subType: 'OnAccountSuppressionList' } },
      'hard_bounce',
      'OnAccountSuppressionList',
    ],
    [
      'email.bounced',
      { bounce: { type: 'Transient', subType: 'MailboxFull' } },
      'soft_bounce',
      'MailboxFull',
    ],
    ['email.bounced', { bounce: { type: 'Temporary', subType: 'General' } }, 'soft_bounce', 'General'],
    [
      'email.bounced',
      { bounce: { type: 'Undetermined', subType: 'Undetermined' } },
      'soft_bounce',
      'Undetermined',
    ],
    ['email.bounced', { bounce: { type: 'Cosmic' } }, 'soft_bounce', 'Undetermined'],
    ['email.bounced', {}, 'soft_bounce', 'Undetermined'],
    [
      'email.suppressed',
      { suppressed: { type: 'OnAccountSuppressionList' } },
      'hard_bounce',
      'OnAccountSuppressionList',
    ],
    ['email.failed', { failed: { reason: 'reached_daily_quota' } }, 'failed', 'reached_daily_quota'],
    ['email.sent', {}, 'accepted', null],
    ['email.delivery_delayed', {}, 'delayed', null],
    ['email.received', {}, 'other', null],
    ['contact.updated', { unsubscribed: true }, 'other', null],
    ['suppression.removed', { email: 'reader@readers.example' }, 'other', null],
  ])('%s with %j is %s, %s', (type, data, kind, reason) => {
    expect(read(payload(type, data))).toMatchObject({ type, kind, reason });
  });

  it.each([[null], [[]], ['text'], [{}], [{ type: 7 }], [{ type: '' }], [{ type: '<b>\u0000' }]])(
    'of nonsense (%j) is that it came',
    (body) => {
      expect(read(body)).toMatchObject({ id: 'msg_1', type: 'unreadable', kind: 'other', at: NOW });
    },
  );

  it('ignores fields whose type is not as documented', () => {
    const odd = {
      ...payload('email.delivered', { tags: ['delivery'], email_id: 7, to: null }),
      created_at: 12,
    };
    expect(read(odd)).toMatchObject({ kind: 'delivered', deliveryId: null, providerId: null, at: NOW });
    expect(read({ type: 'email.delivered', data: null })).toMatchObject({ kind: 'delivered' });
  });

  it('can be stored for any input', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const { at, type, reason, link } = readResendEvent('msg_1', Buffer.from(json), NOW);
        return !Number.isNaN(at.getTime()) && ![type, reason, link].some((text) => text?.includes('\u0000'));
      }),
    );
  });

  it.each([
    [
      'https://site.example/compare/hermes-vs-parrot?utm_source=x&token=y#z',
      'https://site.example/compare/hermes-vs-parrot',
    ],
    [
      'https://v.example/unsubscribe/1.Ab3dEf.AAECAwQFBgcICQoLDA0ODw.1.AAECAwQFBgcICQoLDA0ODw',
      'https://v.example/unsubscribe/:token',
    ],
    ['https://v.example/x/0f8fad5b-d9cb-469f-a165-70867728950e', 'https://v.example/x/:token'],
    ['https://v.example/confirm/dGhpcyBpcyBhIHRva2VuIG9mIDMyIGI', 'https://v.example/confirm/:token'],
    ['mailto:reader@readers.example', 'mailto:'],
    ['not a link', 'unreadable'],
  ])('of the link %s is %s', (link, kept) => {
    expect(withoutTokens(link)).toBe(kept);
  });
});

describe('gathered writes', () => {
  it('wait for a running write, are written together, and fail together', async () => {
    const writes: number[][] = [];
    const answers: ((error?: Error) => void)[] = [];
    const write = gatherWrites<number>((values) => {
      writes.push(values);
      return new Promise<void>((resolve, reject) =>
        answers.push((error) => (error ? reject(error) : resolve())),
      );
    }, 3);
    const outcomes = [1, 2, 3, 4, 5].map((value) =>
      write(value).then(
        () => `${value} done`,
        (error: Error) => `${value} ${error.message}`,
      ),
    );
    expect(writes).toEqual([[1]]);
    answers.shift()?.();
    await outcomes[0];
    expect(writes).toEqual([[1], [2, 3, 4]]);
    answers.shift()?.(new Error('lost'));
    await outcomes[1];
    expect(writes).toEqual([[1], [2, 3, 4], [5]]);
    answers.shift()?.();
    expect(await Promise.all(outcomes)).toEqual(['1 done', '2 lost', '3 lost', '4 lost', '5 done']);
  });
});
