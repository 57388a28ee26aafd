import type { FastifyInstance, InjectOptions } from 'fastify';
import { sql } from 'kysely';
import { afterAll, beforeAll } from 'vitest';
import { signFormToken } from '../../../src/subscribers/sign-up/form-token.ts';
import { waitingRequests } from '../../helpers/mail-requests.ts';
import { openSite, type TestSite } from '../../helpers/site.ts';

/** What a browser asks for, and how its form arrives. */
export const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
export const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

export type SubscribeForm = ReturnType<typeof formForAll>;

/** The sign-up form of a site for all tests of a file; `no-mail.example` is the one domain that takes no mail. */
export function formForAll() {
  let site: TestSite;
  let app: FastifyInstance;
  beforeAll(async () => {
    site = await openSite();
    const checkDomain = async (domain: string) => (domain === 'no-mail.example' ? 'no' : 'yes');
    app = await site.serve({ signUp: { ...site.signUp, checkDomain } });
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  let networks = 0;
  /** An address in a network that nobody has come from. */
  const network = () => {
    networks += 1;
    return `10.${networks >> 8}.${networks & 255}.1`;
  };
  /** As of a page that was opened a minute ago. */
  const stamp = () => signFormToken(site.keys, new Date(Date.now() - 60_000));
  const post = (more: InjectOptions, server = app) =>
    server.inject({ method: 'POST', url: '/subscribe', remoteAddress: network(), ...more });

  return {
    get site() {
      return site;
    },
    get app() {
      return app;
    },
    network,
    stamp,
    post,
    /** Posted by a program, with a stamp. */
    json: (fields: object, more: InjectOptions = {}, server = app) =>
      post({ payload: { stamp: stamp(), ...fields }, ...more }, server),
    /** The sign-ups that no job has answered. */
    waiting: () => waitingRequests(site.db),
    clear: () => sql`delete from mail_requests`.execute(site.db),
  };
}
