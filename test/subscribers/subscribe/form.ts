import type { FastifyInstance, InjectOptions } from 'fastify';
import { sql } from 'kysely';
import { afterAll, beforeAll } from 'vitest';
import { signFormToken } from '../../../src/subscribers/sign-up/form-token.ts';
import { waitingRequests } from '../../helpers/mail-requests.ts';
import { openSite, type TestSite } from '../../helpers/site.ts';

/** The Accept header of a browser, and the type of its forms. */
export const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
export const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

export type SubscribeForm = ReturnType<typeof formForAll>;

/** The sign-up form of one site for all tests of a file; only `no-mail.example` takes no mail. */
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
  /** An IP address of a network without earlier requests. */
  const network = () => {
    networks += 1;
    return `10.${networks >> 8}.${networks & 255}.1`;
  };
  /** A form token of a page that was opened a minute ago. */
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
    /** Posted by a program, with a form token. */
    json: (fields: object, more: InjectOptions = {}, server = app) =>
      post({ payload: { stamp: stamp(), ...fields }, ...more }, server),
    /** Sign-ups that no job has answered yet. */
    waiting: () => waitingRequests(site.db),
    clear: () => sql`delete from mail_requests`.execute(site.db),
  };
}
