import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { networksOf } from '../../src/platform/http/networks.ts';
import {
  BUDGET_OF_ALL,
  BUDGET_OF_DOMAIN_AT_MOST,
  type Candidate,
  type Decision,
  decideRequests,
  domainBudget,
  foldAddress,
  type History,
  hasRoom,
  MAIL_REQUEST_KINDS,
  SHARE_OF,
  SHARES,
  type Share,
  suspiciousPart,
} from '../../src/transactional/requests/request-policy.ts';

const NOTHING: History = {
  refused: new Set(),
  answered: [],
  lastHour: [],
  readers: new Map(),
  isMailHost: () => false,
};

let made = 0;
/** A request of a new person at a new domain, unless the test gives others. */
function request(more: Partial<Candidate> = {}): Candidate {
  made += 1;
  const inbox = more.inbox ?? `inbox ${made}`;
  return {
    id: `id ${String(made).padStart(9, '0')}`,
    kind: 'sign_up',
    askedBy: inbox,
    inbox,
    domain: `domain${made}.example`,
    isSuspicious: false,
    ageSeconds: 0,
    ...more,
  };
}
const many = (count: number, more: Partial<Candidate> = {}) =>
  Array.from({ length: count }, () => request(more));

function decide(candidates: readonly Candidate[], history: Partial<History> = {}) {
  const { decisions, budgetsExceeded: exceeded } = decideRequests(candidates, { ...NOTHING, ...history });
  const count = (wanted: Decision) => candidates.filter(({ id }) => decisions.get(id) === wanted).length;
  return { of: (one: Candidate) => decisions.get(one.id), count, exceeded: [...exceeded] };
}

describe('the networks of an address', () => {
  test.each([
    ['192.0.2.77', ['192.0.2.77', '192.0.2.0/24']],
    ['::ffff:192.0.2.77', ['192.0.2.77', '192.0.2.0/24']],
    ['2001:db8:1:2ff:aaaa:bbbb:cccc:dddd', ['2001:db8:1:2ff::/64', '2001:db8:1:200::/56', '2001:db8:1::/48']],
    ['2001:db8:1:201::9', ['2001:db8:1:201::/64', '2001:db8:1:200::/56', '2001:db8:1::/48']],
    ['fe80::1%eth0', ['fe80::/64', 'fe80::/56', 'fe80::/48']],
    ['no address', ['no address']],
  ])('%s', (ip, names) => expect(networksOf(ip).map(({ name }) => name)).toEqual(names));

  test('of an IPv6 address: addresses that share a narrow one share all wider ones, and each wider one may send more', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.ipV6(), (one, other) => {
        const [first, second] = [networksOf(one), networksOf(other)];
        expect(first.map(({ factor }) => factor)).toEqual([...first.map(({ factor }) => factor)].sort());
        for (const [at, { name }] of first.entries()) {
          if (second[at]?.name !== name) continue;
          expect(second.slice(at)).toEqual(first.slice(at));
        }
      }),
    );
  });
});

describe('F9: the hourly budget of a domain', () => {
  it('is far below 300 without readers, and grows with each reader', () => {
    expect(domainBudget(0, false)).toBe(30);
    expect(domainBudget(100, false)).toBe(130);
    expect(domainBudget(0, true)).toBe(300);
    expect(domainBudget(1_000, true)).toBe(1_030);
  });

  it('never shrinks with one more reader, and is never more than half of the budget of all', () => {
    fc.assert(
      fc.property(fc.nat(5_000_000), fc.boolean(), (readers, isMailHost) => {
        const budget = domainBudget(readers, isMailHost);
        expect(domainBudget(readers + 1, isMailHost)).toBeGreaterThanOrEqual(budget);
        expect(budget).toBeLessThanOrEqual(BUDGET_OF_DOMAIN_AT_MOST);
        expect(suspiciousPart(budget)).toBeLessThanOrEqual(budget / 3);
      }),
    );
  });

  it('leaves two thirds to people when 310 suspicious posts come first', () => {
    const bots = many(310, { domain: 'mailhost.example', isSuspicious: true, ageSeconds: 60 });
    const person = request({ domain: 'mailhost.example' });
    const decided = decide([...bots, person]);
    expect(decided.count('answer')).toBe(11);
    expect(decided.of(person)).toBe('answer');
    expect(decided.exceeded).toEqual(['mailhost.example']);
  });

  it("is the rest of this hour's; a request that waits longer than a day is dropped", () => {
    const before = [{ share: 'newcomers' as const, domain: 'small.example', isSuspicious: false, count: 29 }];
    const [first, second] = many(2, { domain: 'small.example', ageSeconds: 60 });
    const old = request({ domain: 'small.example', ageSeconds: 25 * 3_600 });
    const asked = [first, second].filter((each) => each !== undefined);
    const decided = decide(asked, { lastHour: before });
    expect([decided.count('answer'), decided.count('postpone')]).toEqual([1, 1]);
    expect(decide([old], { lastHour: before.map((each) => ({ ...each, count: 30 })) }).of(old)).toBe('drop');
  });

  it('of all domains together has a limit, and suspicious requests have a third of it', () => {
    expect(decide(many(BUDGET_OF_ALL + 5)).count('answer')).toBe(BUDGET_OF_ALL);
    expect(decide(many(BUDGET_OF_ALL, { isSuspicious: true })).count('answer')).toBe(BUDGET_OF_ALL / 3);
  });
});

describe('F4: an inbox', () => {
  it('gets one answer of each share at a time, for any requester and spelling', () => {
    const inbox = 'one inbox';
    const asked = [
      request({ inbox, askedBy: 'a' }),
      request({ inbox, askedBy: 'b' }),
      request({ inbox, askedBy: 'c', kind: 'change' }),
      request({ inbox, askedBy: 'd', kind: 'link' }),
      request({ inbox, askedBy: 'e', kind: 'link' }),
    ];
    const decided = decide(asked);
    expect(asked.map((each) => decided.of(each))).toEqual(['answer', 'drop', 'drop', 'answer', 'drop']);
  });

  it('whose owner refused mail is mailed nothing, but its requests still count against the limits', () => {
    const inbox = 'refused';
    const asked = [request({ inbox, askedBy: 'a' }), request({ inbox, askedBy: 'b', kind: 'change' })];
    const decided = decide(asked, { refused: new Set([inbox]) });
    expect(asked.map((each) => decided.of(each))).toEqual(['decline', 'drop']);
  });
});

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

it.each<[Share, number, string, number]>([
  ['newcomers', 1, '10 minutes', 10 * MINUTE],
  ['newcomers', 3, 'a day', DAY],
  ['newcomers', 5, '30 days', 30 * DAY],
  ['readers', 1, '10 minutes', 10 * MINUTE],
  ['readers', 3, 'a day', DAY],
  ['link_holders', 3, '10 minutes', 10 * MINUTE],
  ['link_holders', 6, 'a day', DAY],
  ['leavers', 1, '10 minutes', 10 * MINUTE],
  ['leavers', 3, 'a day', DAY],
  ['desk', 5, 'an hour', HOUR],
  ['desk', 15, 'a day', DAY],
  ['desk_own_browser', 10, 'an hour', HOUR],
  ['desk_own_browser', 40, 'a day', DAY],
  ['tests', 20, 'an hour', HOUR],
  ['tests', 60, 'a day', DAY],
])('an inbox has room for %s %i times in %s', (share, points, span, seconds) => {
  const room = (count: number, age: number) => hasRoom(share, Array<number>(count).fill(age));
  const limit = `${share}: ${points} in ${span}`;
  expect({
    limit,
    last: room(points - 1, seconds - 1),
    further: room(points, seconds - 1),
    later: room(points, seconds),
  }).toEqual({
    limit,
    last: true,
    further: false,
    later: true,
  });
});

describe('F6: the desk', () => {
  it("answers an editor's own browser after strangers used up their share", () => {
    const inbox = 'editor';
    const strangers = many(50, { inbox, kind: 'desk_sign_in', ageSeconds: 10 });
    const own = request({ inbox, kind: 'desk_sign_in_own_browser' });
    const decided = decide([...strangers, own]);
    expect(decided.count('answer')).toBe(6);
    expect(decided.of(own)).toBe('answer');
  });

  it('is not affected by "never mail me again" in a confirm mail', () => {
    const asked = request({ inbox: 'editor', kind: 'desk_sign_in' });
    expect(decide([asked], { refused: new Set(['editor']) }).of(asked)).toBe('answer');
  });
});

it('the newest request of a person replaces earlier ones, except at the desk', () => {
  const older = request({ askedBy: 'reader', inbox: 'typed wrong', kind: 'change', ageSeconds: 5 });
  const newer = request({ askedBy: 'reader', inbox: 'typed right', kind: 'change' });
  const decided = decide([older, newer]);
  expect([decided.of(older), decided.of(newer)]).toEqual(['drop', 'answer']);
  const links = many(2, { askedBy: 'editor', inbox: 'editor', kind: 'desk_sign_in' });
  expect(decide(links).count('answer')).toBe(2);
});

test('no limit is ever exceeded, whatever the earlier and the new requests are', () => {
  const seconds = fc.integer({ min: 0, max: 40 * 86_400 });
  const inbox = fc.constantFrom('a', 'b', 'c');
  const candidate = fc
    .record({
      kind: fc.constantFrom(...MAIL_REQUEST_KINDS),
      inbox,
      askedBy: fc.constantFrom('x', 'y', 'z'),
      domain: fc.constantFrom('one.example', 'two.example'),
      isSuspicious: fc.boolean(),
      ageSeconds: fc.integer({ min: 0, max: 3_000 }),
    })
    .map((fields) => request(fields));
  const share = fc.constantFrom(...Object.values(SHARE_OF));
  const answered = fc.array(fc.record({ share, inbox, ageSeconds: seconds }), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(candidate, { maxLength: 40 }), answered, (candidates, before) => {
      const { decisions } = decideRequests(candidates, { ...NOTHING, answered: before });
      expect([...decisions.keys()].sort()).toEqual(candidates.map(({ id }) => id).sort());
      const accepted = candidates.filter(({ id }) => decisions.get(id) === 'answer');
      for (const one of accepted) {
        const of = SHARE_OF[one.kind];
        const now = accepted.filter((each) => SHARE_OF[each.kind] === of && each.inbox === one.inbox).length;
        for (const { points, seconds: within } of SHARES[of].perInbox) {
          const earlier = before.filter(
            (each) => each.share === of && each.inbox === one.inbox && each.ageSeconds < within,
          ).length;
          expect(earlier + now).toBeLessThanOrEqual(points);
        }
      }
    }),
  );
});

test("F10: the decision about a request does not depend on the subscriber's row", () => {
  // The history has no field for it: add one only after you have read this.
  expect(Object.keys(NOTHING).sort()).toEqual(['answered', 'isMailHost', 'lastHour', 'readers', 'refused']);
});

test('all spellings of one inbox have one name', () => {
  expect(foldAddress('v.i.c.t.i.m+1@googlemail.com')).toBe('victim@gmail.com');
});
