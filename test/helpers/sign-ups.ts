import type { FastifyInstance, InjectOptions } from 'fastify';
import { sql } from 'kysely';
import { afterAll, beforeEach, expect } from 'vitest';
import { createServer } from '../../src/app/server.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import type { Mailer, SingleMail } from '../../src/providers/port.ts';
import { createMailSender } from '../../src/sending/transactional/send-transactional-email.ts';
import { signFormToken } from '../../src/subscribers/sign-up/form-token.ts';
import { KEYS } from './ledger.ts';
import type { WithDatabase } from './locations.ts';
import { answerRequests, passRequests } from './mail-requests.ts';
import { SITE, signUpParts } from './site.ts';

export const PRIVACY = { url: 'https://site.example/privacy', version: '3' };

let networks = 0;

/** A server to sign up at for all tests of a group, with its people, jobs and clock. */
export function signUpsForAll(withDatabase: WithDatabase) {
  let db: Connection;
  let app: FastifyInstance;
  let sendMail: ReturnType<typeof createMailSender>;
  /** Every mail accepted since the test began. */
  const sent: SingleMail[] = [];
  withDatabase(async (database) => {
    db = database.kysely;
    app = await createServer({
      db,
      keys: KEYS,
      site: SITE,
      outbox: null,
      ready: async () => {},
      enqueueMail() {},
      logger: false,
      signUp: { ...signUpParts(database.queuePool()), privacy: PRIVACY },
    });
    const mailer: Mailer = {
      destination: 'the test',
      submit: () => Promise.reject(new Error('no batches here')),
      async send(mail) {
        sent.push(mail);
        return { kind: 'accepted', items: [{ accepted: `p-${mail.mailId}` }] };
      },
    };
    sendMail = createMailSender(db, mailer, KEYS, {
      from: 'hello@verdicts.example',
      replyTo: SITE.replyTo,
      newsletter: { name: SITE.newsletterName, url: SITE.publicUrl, postalAddress: SITE.postalAddress },
    });
  });
  afterAll(() => app?.close());
  beforeEach(() => {
    sent.length = 0;
  });

  const ask = (request: InjectOptions | string) => app.inject(request);

  /** Each request comes from a new network, unless the test gives one. */
  const post = (fields: Record<string, unknown>, more: InjectOptions = {}) => {
    networks += 1;
    return ask({
      method: 'POST',
      url: '/subscribe',
      remoteAddress: `10.${networks >> 8}.${networks & 255}.1`,
      payload: { stamp: signFormToken(KEYS, new Date(Date.now() - 60_000)), ...fields },
      ...more,
    });
  };

  /** Runs the jobs. @returns the domains whose budget is exceeded. */
  const work = async () => {
    const { mailIds, budgetsExceeded: spent } = await answerRequests(db, KEYS);
    for (const id of mailIds) await sendMail(id);
    return spent;
  };

  const row = (email: string) =>
    db.selectFrom('subscribers').selectAll().where('email_key', '=', email.toLowerCase()).executeTakeFirst();

  return {
    sent,
    ask,
    post,
    work,
    row,
    /** Sends the mail of this id, as its job does. */
    sendMail: (id: string) => sendMail(id),
    /** Posts the form and runs the jobs. */
    async signUp(email: string, fields: Record<string, unknown> = {}, headers: Record<string, string> = {}) {
      const answer = await post({ email, ...fields }, { headers });
      expect(answer.statusCode).toBe(202);
      await work();
      return answer;
    },
    /** Presses the button of a page. */
    press: (url: string, payload = 'confirm=1') =>
      ask({
        method: 'POST',
        url,
        payload,
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' },
      }),
    /** The consent log of one person. */
    async events(email: string) {
      const { id } = (await row(email)) ?? { id: '' };
      return db
        .selectFrom('consent_events')
        .select(['event', 'method', 'source', 'details'])
        .where('subscriber_id', '=', id)
        .orderBy('id')
        .execute();
    },
    /** Moves all rows of earlier sign-ups into the past. */
    async pass(interval: string) {
      await passRequests(db, interval);
      await sql`update mails set created_at = created_at - ${interval}::interval`.execute(db);
      await sql`update confirmations set created_at = created_at - ${interval}::interval,
        expires_at = expires_at - ${interval}::interval`.execute(db);
      await sql`update subscribers set created_at = created_at - ${interval}::interval`.execute(db);
      await sql`update consent_evidence set at = at - ${interval}::interval`.execute(db);
    },
  };
}

/** The path of the link in a confirm mail. */
export function linkIn(mail: SingleMail | undefined): string {
  return /https:\/\/verdicts\.example(\/confirm\/[\w-]{43})\n/.exec(mail?.text ?? '')?.[1] ?? '';
}
