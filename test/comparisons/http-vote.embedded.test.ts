import { load } from 'cheerio';
import fc from 'fast-check';
import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saveComparisons } from '../../src/comparisons/comparison-store.ts';
import type { Call } from '../../src/comparisons/model.ts';
import { eraseSubscriber } from '../../src/subscribers/erase/own-data-store.ts';
import { pause } from '../../src/subscribers/preferences/preferences-store.ts';
import { findSubscriber, unsubscribe } from '../../src/subscribers/subscriber-store.ts';
import { signer } from '../../src/subscribers/tokens.ts';
import { comparison, tool } from '../helpers/compose.ts';
import { everyRow } from '../helpers/everywhere.ts';
import { openSite, SITE, type TestSite } from '../helpers/site.ts';

/** Votes by links in mail. */

let site: TestSite;
beforeAll(async () => {
  site = await openSite();
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
});

const SLUG = 'kestrel-vs-quillwright';
let readers = 0;
const subscribe = () => site.subscribe(`voter${++readers}@mail.example`);
const link = (id: string, more = `/${SLUG}/a/ship`) => `/vote/${site.token('vote', id)}${more}`;
const get = (url: string) => site.app.inject({ url, headers: { accept: 'text/html' } });
const post = (url: string, more: InjectOptions = {}) =>
  site.app.inject({ method: 'POST', url, headers: { accept: 'text/html' }, ...more });
const h1 = (body: string) => load(body)('h1').text();
const votesOf = async (id: string) =>
  Object.fromEntries(
    (
      await site.db.selectFrom('votes').select(['tool_key', 'call']).where('subscriber_id', '=', id).execute()
    ).map((row) => [row.tool_key, row.call]),
  );
/** "Readers ship (3 votes)" and so on, as a page prints the figures of each tool. */
const figures = (body: string) => {
  const page = load(body);
  return page('.figures dt')
    .toArray()
    .map((label) => `${page(label).text()} ${page(label).next().text()}`);
};

describe('a vote', () => {
  it('is shown by GET and counted by POST, with one button that needs no script', async () => {
    const id = await subscribe();
    const before = await everyRow(site.db);
    for (let time = 0; time < 50; time += 1) {
      for (const more of [`/${SLUG}`, `/${SLUG}/a/ship`, `/${SLUG}/b/skip?confirm=1`]) {
        const method = (['GET', 'HEAD', 'OPTIONS'] as const)[time % 3] ?? 'GET';
        expect((await site.app.inject({ method, url: link(id, more) })).statusCode).toBe(
          method === 'OPTIONS' ? 204 : 200,
        );
      }
    }
    expect(await everyRow(site.db)).toBe(before);
    const page = load((await get(link(id))).body);
    expect(h1(page.html())).toBe('Would you ship Kestrel?');
    expect(page('form').attr()).toEqual({ method: 'post' });
    expect(page('form button').length).toBe(1);
    expect(page('script, [onclick]').length).toBe(0);

    const answer = await post(link(id));
    expect(answer.statusCode).toBe(200);
    expect(load(answer.body)('[role=status]').text()).toBe('Counted. You would ship Kestrel.');
    expect(await votesOf(id)).toEqual({ kestrel: 'ship' });
  });

  it('is one per reader and tool: the same vote again changes nothing, another one replaces it', async () => {
    const id = await subscribe();
    for (let time = 0; time < 2; time += 1) await post(link(id));
    await post(link(id, `/${SLUG}/b/skip`));
    expect(await votesOf(id)).toEqual({ kestrel: 'ship', quillwright: 'skip' });
    expect(load((await get(link(id, `/${SLUG}/a/skip`))).body)('main').text()).toContain(
      'So far you say Ship.',
    );
    await post(link(id, `/${SLUG}/a/skip`));
    expect(await votesOf(id)).toEqual({ kestrel: 'skip', quillwright: 'skip' });
  });

  it('counts for the tool, in whichever comparison it was cast', async () => {
    await saveComparisons(site.db, [comparison('kestrel-vs-crow', tool('KESTREL', 75), tool('Crow', 50))]);
    const id = await subscribe();
    await post(link(id));
    await post(link(id, '/kestrel-vs-crow/a/skip'));
    expect(await votesOf(id)).toEqual({ kestrel: 'skip' });
  });

  it('in any order of votes and changes, the last vote on each tool counts', async () => {
    const choice = fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom<Call>('ship', 'skip'));
    await fc.assert(
      fc.asyncProperty(fc.array(choice, { maxLength: 12 }), async (choices) => {
        const id = await subscribe();
        const expected: Record<string, Call> = {};
        for (const [side, call] of choices) {
          await post(link(id, `/${SLUG}/${side}/${call}`));
          expected[side === 'a' ? 'kestrel' : 'quillwright'] = call;
        }
        expect(await votesOf(id)).toEqual(expected);
      }),
      { numRuns: 25 },
    );
  });

  it('two simultaneous votes are one', async () => {
    const id = await subscribe();
    const answers = await Promise.all(
      ['ship', 'skip', 'ship', 'skip'].map((call) => post(link(id, `/${SLUG}/a/${call}`))),
    );
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200]);
    expect(Object.keys(await votesOf(id))).toEqual(['kestrel']);
  });
});

describe('a voter', () => {
  it('must be active: a paused reader may vote, an unsubscribed or erased one may not, and erasure deletes the votes', async () => {
    const [paused, left, bounced, erased] = [
      await subscribe(),
      await subscribe(),
      await subscribe(),
      await subscribe(),
    ];
    await pause(site.db, paused);
    await post(link(left));
    await post(link(erased));
    await unsubscribe(site.db, left, 'one_click');
    await site.db
      .updateTable('subscribers')
      .set({ status: 'suppressed' })
      .where('id', '=', bounced)
      .execute();
    await eraseSubscriber(site.db, { id: erased }, 'post_button');

    expect(h1((await post(link(paused))).body)).toBe('Kestrel');
    for (const id of [left, bounced, erased]) {
      for (const answer of [
        await get(link(id)),
        await get(link(id, `/${SLUG}`)),
        await post(link(id, `/${SLUG}/a/skip`)),
      ]) {
        expect(answer.statusCode).toBe(200);
        expect(h1(answer.body)).toBe('Votes are for readers');
      }
    }
    expect([
      await votesOf(paused),
      await votesOf(left),
      await votesOf(bounced),
      await votesOf(erased),
    ]).toEqual([{ kestrel: 'ship' }, { kestrel: 'ship' }, {}, {}]);
  });

  it('has a link that opens nothing else, and no other link votes', async () => {
    const id = await subscribe();
    const token = site.token('vote', id);
    for (const url of [
      `/preferences/${token}`,
      `/preferences/${token}/export`,
      `/unsubscribe/${token}`,
      `/change/${token}`,
    ])
      expect((await get(url)).statusCode).toBe(404);
    expect(token).not.toContain('voter');

    const pages = new Set<string>();
    const forged = [site.token('preferences', id), site.token('unsubscribe', id), `${token}x`, 'x', '%00'];
    const before = await everyRow(site.db);
    for (const one of forged) {
      for (const method of ['GET', 'POST'] as const) {
        const answer = await site.app.inject({
          method,
          url: `/vote/${one}/${SLUG}/a/ship`,
          headers: { accept: 'text/html' },
        });
        expect(answer.statusCode, one).toBe(404);
        pages.add(answer.body);
      }
    }
    expect(pages.size).toBe(1);
    // A genuine link of a person who may not vote says so.
    for (const [one, status] of [
      [site.token('vote', id, 2), 410],
      [site.token('vote', '00000000-0000-4000-8000-000000000000'), 410],
      [signer(['a key that is not ours at all....'], 'vote')({ subscriberId: id, version: 1 }), 404],
    ] as const) {
      const answer = await post(`/vote/${one}/${SLUG}/a/ship`);
      expect(answer.statusCode, one).toBe(status);
      expect(load(answer.body)('form').attr('action')).toBe('/preferences');
    }
    expect(await everyRow(site.db)).toBe(before);
  });

  it('may use a link that was signed with the previous key', async () => {
    const id = await subscribe();
    const old = signer([site.keys[1] ?? ''], 'vote')({ subscriberId: id, version: 1 });
    await post(`/vote/${old}/${SLUG}/a/ship`);
    expect(await votesOf(id)).toEqual({ kestrel: 'ship' });
  });

  it.each([
    '/nothing-vs-nobody/a/ship',
    `/${SLUG}/c/ship`,
    `/${SLUG}/a/split`,
    `/${SLUG}/0/ship`,
    '/%00/a/ship',
    `/${'x'.repeat(500)}/a/ship`,
    '/..%2f/a/ship',
  ])('cannot vote on %s', async (more) => {
    const id = await subscribe();
    for (const answer of [await get(link(id, more)), await post(link(id, more))])
      expect(answer.statusCode).toBe(404);
    expect(await votesOf(id)).toEqual({});
  });

  it('can vote on every comparison, whatever the script and length of its name', async () => {
    const slug = `${'データ'.repeat(26)}-vs-${'舟'.repeat(75)}`;
    await saveComparisons(site.db, [comparison(slug, tool('データ', 75), tool('舟', 50))]);
    const id = await subscribe();
    expect((await post(link(id, `/${encodeURIComponent(slug)}/b/ship`))).statusCode).toBe(200);
    expect(await votesOf(id)).toEqual({ 舟: 'ship' });
  });

  it('has a token that stays out of caches, search engines and referrers; without one, the page explains how to vote', async () => {
    const id = await subscribe();
    for (const url of [link(id), link(id, `/${SLUG}`), '/vote', `/vote/${SLUG}`, `/vote/${SLUG}/a/ship`]) {
      const { statusCode, headers, body } = await get(url);
      expect(statusCode, url).toBe(200);
      expect(headers['cache-control']).toBe('no-store');
      expect(headers['x-robots-tag']).toBe('noindex');
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(headers['set-cookie']).toBeUndefined();
      if (!url.includes(site.token('vote', id))) expect(h1(body)).toBe('How to vote');
    }
  });
});

describe("the readers' votes", () => {
  it("are on the page beside the source's community, each with its name and never added", async () => {
    const slug = 'raven-vs-rook';
    await saveComparisons(site.db, [
      comparison(slug, tool('Raven', 75, { communityShip: 62 }), tool('Rook', 50)),
    ]);
    const url = `/comparisons/${slug}`;
    const first = await get(url);
    expect(figures(first.body)).toEqual([
      'Panel ship 75%',
      'Community ship, site.example 62%',
      'Entry price Free',
      'Panel ship 50%',
      'Community ship, site.example —',
      'Entry price Free',
    ]);
    for (const [index, call] of (['ship', 'ship', 'skip'] as const).entries()) {
      await post(link(await subscribe(), `/${slug}/a/${call}`));
      if (index === 0) expect(figures((await get(url)).body)[2]).toBe('Readers ship (1 vote) 100%');
    }
    const counted = await get(url);
    expect(figures(counted.body).slice(0, 4)).toEqual([
      'Panel ship 75%',
      'Community ship, site.example 62%',
      'Readers ship (3 votes) 67%',
      'Entry price Free',
    ]);
    expect(counted.headers.etag).not.toBe(first.headers.etag);
    expect(Date.parse(String(counted.headers['last-modified']))).toBeGreaterThanOrEqual(
      Date.parse(String(first.headers['last-modified'])),
    );
    // Another installation that reads this page gets the source's figures, not our votes.
    expect(load(counted.body)('script[type="application/ld+json"]').text()).not.toContain('"readers"');
  });

  it('can question a verdict from ten votes on, on the page and in the list', async () => {
    const slug = 'wren-vs-jay';
    await saveComparisons(site.db, [comparison(slug, tool('Wren', 100), tool('Jay', 0))]);
    const said = async () => [
      load((await get(`/comparisons/${slug}`)).body)('meta[name=description]').attr('content'),
      load((await get('/comparisons')).body)(`a[href="/comparisons/${slug}"]`)
        .closest('li')
        .text(),
    ];
    for (let count = 0; count < 9; count += 1) await post(link(await subscribe(), `/${slug}/a/skip`));
    for (const text of await said()) expect(text).toContain('Wren');
    expect((await said())[0]).toMatch(/^Ship Wren\./);
    await post(link(await subscribe(), `/${slug}/a/skip`));
    expect((await said())[0]).toMatch(/^Split on Wren\..*but no reader would ship Wren/);
  });

  it("are cast on a reader's own page, with both tools and their earlier votes", async () => {
    const id = await subscribe();
    await post(link(id, `/${SLUG}/b/skip`));
    const page = load((await get(link(id, `/${SLUG}`))).body);
    const buttons = page('.votes button')
      .toArray()
      .map((one) => [page(one).attr('aria-label'), page(one).attr('aria-pressed')]);
    expect(buttons).toEqual([
      ['Vote ship for Kestrel', 'false'],
      ['Vote skip for Kestrel', 'false'],
      ['Vote ship for Quillwright', 'false'],
      ['Vote skip for Quillwright', 'true'],
    ]);
    const action = page('.votes form').first().attr('action') ?? '';
    expect((await post(action)).statusCode).toBe(200);
    expect(await votesOf(id)).toEqual({ kestrel: 'ship', quillwright: 'skip' });
    // The public page identifies no reader, and offers no vote.
    expect(load((await get(`/comparisons/${SLUG}`)).body)('.votes').length).toBe(0);
  });
});

describe('the next issue', () => {
  it('compares panel and readers of the previous one, largest difference first, and does not change afterwards', async () => {
    const ids = await Promise.all([1, 2, 3, 4].map(subscribe));
    for (const id of ids) {
      await post(link(id, '/inkwell-vs-ferret/a/skip'));
      await post(link(id, '/orca-vs-hedge/a/ship'));
    }
    for (const id of ids.slice(0, 2)) await post(link(id, '/null-vs-void/a/ship'));
    await site.db.updateTable('issues').set({ status: 'sent' }).where('slug', '=', '2026-11-24').execute();
    const issue = await site.publish('2026-12-01', [
      comparison('inkwell-vs-quill', tool('Inkwell', 100), tool('Quill', 25)),
    ]);
    expect(
      issue.plan?.readers.map(({ row }) => [row.tool, row.panelShip, row.readersShip, row.votes]),
    ).toEqual([
      ['Inkwell', 100, 0, 4],
      ['Orca', 50, 100, 4],
    ]);
    // A new comparison of a known tool shows the readers' earlier votes.
    const planned = issue.plan?.comparisons.map(({ comparison: each }) => each) ?? [];
    expect(planned.find(({ slug }) => slug === 'inkwell-vs-quill')?.tools[0]).toMatchObject({
      readers: { ship: 0, skip: 4 },
    });
    const before = (await get('/issues/2026-12-01')).body;
    expect(load(before)('body').text()).toContain('What readers said');
    expect(load(before)('body').text()).toContain('4 votes since');

    for (const id of ids) await post(link(id, '/inkwell-vs-ferret/a/ship'));
    expect((await get('/issues/2026-12-01')).body).toBe(before);
    // The links in the archive have no token, so they cannot vote.
    const votes = load(before)('a')
      .toArray()
      .map((one) => load(before)(one).attr('href') ?? '')
      .filter((href) => href.includes('/vote/'));
    expect(votes).toContain(`${SITE.publicUrl}/vote/inkwell-vs-quill`);
    for (const url of new Set(votes))
      expect((await get(url.replace(SITE.publicUrl, ''))).statusCode).toBe(200);
  });
});

describe('F12: whether a vote counts', () => {
  const status = (body: string) => load(body)('[role=status]').text();

  it('is shown on the page, before and after voting: it counts from the second issue on', async () => {
    const id = await subscribe();
    await site.db.updateTable('subscribers').set({ created_at: new Date() }).where('id', '=', id).execute();
    const slug = 'tern-vs-skua';
    await saveComparisons(site.db, [comparison(slug, tool('Tern', 75), tool('Skua', 25))]);
    for (const more of [`/${slug}`, `/${slug}/a/ship`])
      expect(load((await get(link(id, more))).body)('main').text()).toContain(
        'count from your second issue on',
      );
    const { body } = await post(link(id, `/${slug}/a/ship`));
    expect(status(body)).toMatch(
      /^Kept\. You would ship Tern\. Your votes are kept, and count from your second issue on/,
    );
    expect(load(body)('title').text()).not.toContain('counts');
    expect(figures((await get(`/comparisons/${slug}`)).body).join()).not.toContain('Readers');
    const old = await subscribe();
    expect(load((await get(link(old, `/${slug}`))).body)('main').text()).not.toContain('second issue');
    expect(status((await post(link(old, `/${slug}/a/ship`))).body)).toBe('Counted. You would ship Tern.');
  });

  it('is denied when 100 come from one network, and when all voters have unsubscribed', async () => {
    const slug = 'gull-vs-rail';
    await saveComparisons(site.db, [comparison(slug, tool('Gull', 75), tool('Rail', 25))]);
    const app = await site.serve({ trustProxy: ['loopback'] });
    const vote = async (side: string, ip: string) => {
      const id = await subscribe();
      const answer = await app.inject({
        method: 'POST',
        url: link(id, `/${slug}/${side}/ship`),
        headers: { accept: 'text/html', 'x-forwarded-for': ip },
      });
      expect(answer.statusCode).toBe(200);
      return { id, said: status(answer.body) };
    };
    const readers = async () =>
      figures((await get(`/comparisons/${slug}`)).body).filter((figure) => figure.startsWith('Readers'));

    let last = '';
    for (let n = 0; n < 100; n += 1) last = (await vote('a', `203.0.113.${n}`)).said;
    expect(last).toMatch(
      /^Kept\. You would ship Gull\. Many votes on Gull came from your network within an hour\./,
    );
    expect(await readers()).toEqual([]);
    let one = '';
    for (let n = 0; n < 40; n += 1) one = (await vote('b', `2001:db8:7:${n.toString(16)}::1`)).said;
    expect(one).toMatch(/^Kept\./);

    const voters = [await vote('a', '198.51.100.7'), await vote('a', '192.0.2.9')];
    expect(voters.map(({ said }) => said)).toEqual(Array(2).fill('Counted. You would ship Gull.'));
    expect(await readers()).toEqual(['Readers ship (2 votes) 100%']);
    for (const { id } of voters) await unsubscribe(site.db, id, 'one_click');
    expect(await readers()).toEqual([]);
  });
});

it('no page contains an address', async () => {
  const id = await subscribe();
  const email = (await findSubscriber(site.db, id))?.email ?? '';
  for (const answer of [await get(link(id)), await post(link(id)), await get(link(id, `/${SLUG}`))]) {
    expect(answer.body).not.toContain(email.split('@')[0]);
    expect(JSON.stringify(answer.headers)).not.toContain('voter');
  }
});
