import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { email, emails, FROM, resendForEach } from '../helpers/local-resend.ts';
import { eventsOf, type LocalResend, signHeaders } from '../resend/index.ts';

/** The events of the local Resend, and its suppression list. */

let local: LocalResend;
const { begin, clock, defer, post, sdk } = resendForEach((started) => {
  local = started;
});

/** An address that events are posted to; `answer` decides the answer to each post. */
async function listener(answer: (count: number) => number = () => 200) {
  const posts: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    posts.push({ headers: request.headers, body });
    response.writeHead(answer(posts.length)).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  defer(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/resend`, posts };
}

describe('events', () => {
  const SECRETS = ['first', 'second'].map((text) => `whsec_${Buffer.from(text).toString('base64')}`);
  const typesOf = (posts: { body: string }[]) => posts.map(({ body }) => JSON.parse(body).type);

  it('are signed so that the SDK accepts them, with both secrets during a rotation', async () => {
    const { url, posts } = await listener();
    const resend = await begin({ webhook: { url, secrets: SECRETS } });
    const tags = [{ name: 'delivery', value: 'd-1' }];
    await post([email('a@readers.example', { tags })], {}, resend);
    await resend.webhooks.idle();
    expect(posts).toHaveLength(2);
    for (const { headers, body } of posts) {
      for (const webhookSecret of SECRETS) {
        const verified = sdk().webhooks.verify({
          payload: body,
          headers: {
            id: String(headers['svix-id']),
            timestamp: String(headers['svix-timestamp']),
            signature: String(headers['svix-signature']),
          },
          webhookSecret,
        });
        expect(verified).toMatchObject({
          data: {
            email_id: resend.accepted()[0]?.id,
            to: ['a@readers.example'],
            tags: { delivery: 'd-1' },
          },
        });
      }
    }
    expect(() =>
      sdk().webhooks.verify({
        payload: `${posts[0]?.body} `,
        headers: {
          id: String(posts[0]?.headers['svix-id']),
          timestamp: String(posts[0]?.headers['svix-timestamp']),
          signature: String(posts[0]?.headers['svix-signature']),
        },
        webhookSecret: SECRETS[0] ?? '',
      }),
    ).toThrow();
    expect(signHeaders('{}', { id: 'msg_1', timestamp: 1, secrets: [] })).toMatchObject({
      'svix-signature': '',
    });
  });

  it('report the outcome for test recipients, and for every address with a rule', async () => {
    const { url, posts } = await listener();
    const resend = await begin({
      webhook: { url, secrets: SECRETS, concurrency: 1 },
      fate: (to) => (to.startsWith('full@') ? 'soft-bounced' : undefined),
    });
    const eventsOf = async (to: string) => {
      posts.length = 0;
      await post([email(to)], {}, resend);
      await resend.webhooks.idle();
      return typesOf(posts);
    };
    expect(await eventsOf('delivered+x@resend.dev')).toEqual(['email.sent', 'email.delivered']);
    expect(await eventsOf('bounced@resend.dev')).toEqual([
      'email.sent',
      'email.bounced',
      'suppression.added',
    ]);
    expect(await eventsOf('bounced@resend.dev')).toEqual(['email.suppressed']);
    expect(await eventsOf('complained@resend.dev')).toEqual([
      'email.sent',
      'email.delivered',
      'email.complained',
      'suppression.added',
    ]);
    expect(await eventsOf('suppressed@resend.dev')).toEqual(['email.suppressed']);
    expect(await eventsOf('full@readers.example')).toEqual(['email.sent', 'email.bounced']);
    const bounce = posts.map(({ body }) => JSON.parse(body)).find(({ type }) => type === 'email.bounced');
    expect(bounce.data.bounce).toMatchObject({ type: 'Transient', subType: 'MailboxFull' });
    expect(await eventsOf('full@readers.example')).toEqual(['email.sent', 'email.bounced']);
  });

  it('are repeated under the same id until they are accepted, and given up after the schedule', async () => {
    const { url, posts } = await listener((count) => (count <= 2 ? 503 : 200));
    const resend = await begin({ webhook: { url, secrets: SECRETS, schedule: [0, 5, 5] } });
    const message = { ...anyMessage, acceptedAt: clock.now.toISOString() };
    const id = resend.emit(message, 'email.delivered');
    await resend.webhooks.idle();
    expect(posts.map(({ headers }) => headers['svix-id'])).toEqual([id, id, id]);
    expect(resend.webhooks.counts).toEqual({ delivered: 1, failed: 2, abandoned: 0 });

    const deaf = await listener(() => 500);
    resend.webhooks.configure({ url: deaf.url, secrets: SECRETS, schedule: [0, 5] });
    resend.emit(message, 'email.opened');
    await resend.webhooks.idle();
    expect(deaf.posts).toHaveLength(2);
    expect(resend.webhooks.counts.abandoned).toBe(1);
  });

  it('are repeated and reordered when requested', async () => {
    const { url, posts } = await listener();
    const resend = await begin({
      webhook: { url, secrets: SECRETS, disorder: { seed: 5, duplicates: 0.3 }, concurrency: 1 },
    });
    resend.webhooks.hold();
    await post(emails(50), {}, resend);
    resend.webhooks.release();
    await resend.webhooks.idle();
    const ids = posts.map(({ headers }) => headers['svix-id']);
    expect(new Set(ids).size).toBe(100);
    expect(ids.length).toBeGreaterThan(110);
    const at = (type: string, to: string) =>
      posts.findIndex(({ body }) => body.includes(`"${type}"`) && body.includes(`"${to}"`));
    const early = emails(50).filter(({ to: [to = ''] }) => at('email.delivered', to) < at('email.sent', to));
    expect(early.length, 'delivered before it was sent').toBeGreaterThan(5);
  });

  it('of one message have increasing times', () => {
    for (const fate of ['delivered', 'delayed', 'complained'] as const) {
      const times = eventsOf(anyMessage, fate).map(({ created_at }) => created_at);
      expect(times).toEqual([...new Set(times)].sort());
    }
  });

  const anyMessage = {
    id: '00000000-0000-4000-8000-000000000001',
    key: null,
    position: 0,
    to: 'a@readers.example',
    others: [],
    deliveryId: null,
    tags: [],
    from: FROM,
    subject: 's',
    sha256: '',
    arrivedAt: '2026-11-24T09:00:00.000Z',
    acceptedAt: '2026-11-24T09:00:00.000Z',
  };
});

describe('the suppression list', () => {
  it('is read and written through the SDK', async () => {
    const { suppressions } = sdk();
    const added = await suppressions.add({ email: 'a@readers.example' });
    await suppressions.batch.add({ emails: ['b@readers.example', 'c@readers.example'] });
    const list = await suppressions.list({ limit: 2, origin: 'manual' });
    expect(list.data?.data.map(({ email: each }) => each)).toEqual([
      'c@readers.example',
      'b@readers.example',
    ]);
    expect(list.data?.has_more).toBe(true);
    expect((await suppressions.get('A@readers.example')).data?.id).toBe(added.data?.id);
    expect((await suppressions.remove(added.data?.id ?? '')).data?.deleted).toBe(true);
    expect((await suppressions.get('a@readers.example')).error?.name).toBe('not_found');
    const removed = await suppressions.batch.remove({ emails: ['b@readers.example', 'z@readers.example'] });
    expect(removed.data?.data).toHaveLength(1);
    expect(local.suppressions.list().map(({ email: each }) => each)).toEqual(['c@readers.example']);
  });
});
