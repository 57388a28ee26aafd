import type { FastifyInstance, InjectOptions } from 'fastify';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signFormToken } from '../../src/subscribers/sign-up/form-token.ts';
import { addSubscribers } from '../../src/subscribers/subscriber-store.ts';
import { tokenHash } from '../../src/subscribers/tokens.ts';
import { EDITOR, openDesk, type TestDesk } from '../helpers/desk.ts';
import { openSite, type TestSite } from '../helpers/site.ts';
import { separationOf } from '../helpers/two-samples.ts';

/**
 * F10: whether the duration of an answer reveals who is in the database. Each form gets 500 requests for a known person
 * and 500 for an unknown one, in pairs of random order, so that other load of the machine affects both alike.
 */

const PAIRS = 500;
const WARM_UP = 25;
const BOUNDS = [0.45, 0.55] as const;

/**
 * With 500 pairs the AUC of two equal groups has a standard deviation of 0.018, so one measurement in 150 is out of
 * bounds by chance, and one run in 30 of all forms. A measurement out of bounds is therefore repeated once; two in a
 * row by chance are one in 20,000. A leak as in F10 (AUC 0.63) is out of bounds each time.
 */
const MEASUREMENTS = 2;

const FORM = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' };

/** From a network without earlier requests, so that no limit applies. */
let networks = 0;
function network(): string {
  networks += 1;
  return `${11 + (networks >> 16)}.${(networks >> 8) & 255}.${networks & 255}.1`;
}

type Ask = (turn: number, isKnown: boolean) => InjectOptions;

async function timeOf(app: FastifyInstance, request: InjectOptions): Promise<number> {
  const began = performance.now();
  const { statusCode } = await app.inject({ method: 'POST', remoteAddress: network(), ...request });
  const took = performance.now() - began;
  expect(statusCode).toBeLessThan(400);
  return took;
}

/** @param answer runs the job, between the requests and outside of their measured time. */
async function measure(app: FastifyInstance, ask: Ask, answer: () => Promise<unknown>) {
  const times = { known: [] as number[], unknown: [] as number[] };
  for (let turn = 0; turn < PAIRS + WARM_UP; turn += 1) {
    const order = Math.random() < 0.5 ? [true, false] : [false, true];
    for (const isKnown of order) {
      const took = await timeOf(app, ask(turn, isKnown));
      if (turn >= WARM_UP) times[isKnown ? 'known' : 'unknown'].push(took);
    }
    if (turn % 100 === 99) await answer();
  }
  await answer();
  return separationOf(times.known, times.unknown);
}

async function expectNothingTold(
  name: string,
  app: FastifyInstance,
  answer: () => Promise<unknown>,
  ask: (measurement: number) => Ask,
): Promise<void> {
  for (let measurement = 1; measurement <= MEASUREMENTS; measurement += 1) {
    const { auc, z } = await measure(app, ask(measurement), answer);
    console.log(`${name}: ${PAIRS} pairs, AUC ${auc.toFixed(3)}, z ${z.toFixed(1)}`);
    if (auc >= BOUNDS[0] && auc <= BOUNDS[1]) return;
    if (measurement === MEASUREMENTS)
      expect.fail(
        `The time of ${name} tells who is known: AUC ${auc.toFixed(3)}, twice out of ${BOUNDS.join(' to ')}.`,
      );
  }
}

describe('F10: the duration of an answer does not reveal who is in the database', () => {
  let site: TestSite;
  let app: FastifyInstance;
  let desk: TestDesk;
  const reader = (turn: number) => `reader${String(turn).padStart(5, '0')}@known.example`;
  const nobody = (turn: number) => `nobody${String(turn).padStart(5, '0')}@known.example`;
  const someone = (turn: number, isKnown: boolean) => (isKnown ? reader(turn) : nobody(turn));
  const linkToken = (turn: number, isKnown: boolean) => `link-${turn}-${isKnown}`;
  const EVERYBODY = (PAIRS + WARM_UP) * MEASUREMENTS;

  beforeAll(async () => {
    site = await openSite();
    // Networks are counted before any address is looked up: without it, the rest is measured more precisely.
    app = await site.serve({ signUp: { ...site.signUp, limiter: { consume: async () => 0 } } });
    desk = await openDesk();
    const confirmedAt = new Date('2026-11-01T00:00:00Z');
    const rows = Array.from({ length: EVERYBODY }, (_, turn) => ({ email: reader(turn), key: reader(turn) }));
    await addSubscribers(
      site.db,
      rows.map((row) => ({ ...row, status: 'active' as const, topics: [], timezone: null, confirmedAt })),
      'test',
    );
    // Two fresh links for each, because they work once.
    const links = rows.flatMap((_, turn) =>
      [true, false].map((isKnown) => ({ email: reader(turn), hash: tokenHash(linkToken(turn, isKnown)) })),
    );
    await sql`
      insert into fresh_links (token_hash, subscriber_id, purpose, token_version, expires_at)
      select hash, s.id, 'change_address', s.token_version, now() + interval '1 day'
      from jsonb_to_recordset(${JSON.stringify(links)}::jsonb) as r (email text, hash text)
      join subscribers s using (email)
    `.execute(site.db);
  });
  afterAll(async () => {
    await site?.[Symbol.asyncDispose]();
    await desk?.[Symbol.asyncDispose]();
  });

  const answer = () => site.answer();
  const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString();
  const offset = (measurement: number) => (measurement - 1) * (PAIRS + WARM_UP);

  it('at the sign-up form', () =>
    expectNothingTold('/subscribe', app, answer, (measurement) => (turn, isKnown) => ({
      url: '/subscribe',
      headers: FORM,
      payload: form({
        email: someone(offset(measurement) + turn, isKnown),
        stamp: signFormToken(site.keys, new Date(Date.now() - 60_000)),
      }),
    })));

  const lostLink =
    (measurement: number): Ask =>
    (turn, isKnown) => ({
      url: '/preferences',
      headers: FORM,
      payload: form({ email: someone(offset(measurement) + turn, isKnown) }),
    });

  it('at the form for a lost link, for the first request', () =>
    expectNothingTold('lost link, first', app, answer, lostLink));

  it('at the form for a lost link, for a second request', () =>
    expectNothingTold('lost link, repeated', app, answer, lostLink));

  it('at the form for another address', () =>
    expectNothingTold('change of address', app, answer, (measurement) => (turn, isKnown) => ({
      url: `/fresh/${linkToken(offset(measurement) + turn, isKnown)}`,
      headers: FORM,
      // The readers request each other's addresses.
      payload: form({
        change_address: '1',
        email: someone((offset(measurement) + turn + 1) % EVERYBODY, isKnown),
      }),
    })));

  it('at the sign-in form of the desk', () =>
    expectNothingTold('desk sign-in', desk.server, desk.answer, () => (turn, isKnown) => ({
      url: '/editor/sign-in',
      headers: FORM,
      payload: form({ email: isKnown ? EDITOR : `edit${String(turn).padStart(3, '0')}@desk.example` }),
    })));
});
