import { load } from 'cheerio';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { PasskeyPolicy } from '../../src/config/editors.ts';
import { listAudit, REFUSALS_PER_HOUR } from '../../src/desk/audit/audit.ts';
import { passkeyStep } from '../../src/desk/auth/passkeys.ts';
import type { Issue } from '../../src/issues/issue-store.ts';
import { type Authenticator, softwareAuthenticator } from '../helpers/authenticator.ts';
import {
  CHIEF,
  deskForAll,
  draftAt,
  EDITOR,
  type NewDeskDatabase,
  type TestDesk,
  type Visitor,
} from '../helpers/desk.ts';
import { forgetRequests } from '../helpers/mail-requests.ts';

/** The second factor of the desk, over HTTP on whatever database `newDatabase` makes. */
export function describePasskeys(name: string, newDatabase: NewDeskDatabase): void {
  describe(`passkeys on ${name}`, () => {
    describe('where publishers must have one', () => {
      let desk: TestDesk;
      let issue: Issue;
      let chief: Visitor;
      let editor: Visitor;
      deskForAll(
        newDatabase,
        async (opened) => {
          ({ desk, chief, editor } = opened);
          issue = await desk.compose();
        },
        { DESK_PASSKEYS: 'required' },
      );
      const { fresh, lastAction } = draftAt(() => ({ desk, issue }));
      const key = softwareAuthenticator();
      const approve = async (by: Visitor) =>
        by.post(`/editor/issues/${issue.slug}/do/approve`, { plan: (await fresh()).planHash ?? '' });

      it('a publisher without one is asked to add one, can read and edit, but decides nothing', async () => {
        const visitor = desk.visitor();
        await visitor.post('/editor/sign-in', { email: CHIEF });
        const entered = await visitor.post(new URL(desk.links.at(-1) ?? '').pathname, {});
        expect(entered.headers.location).toBe('/editor/account');
        const page = await visitor.get('/editor');
        expect([page.statusCode, page.body]).toEqual([
          200,
          expect.stringContaining('Publishers must have a passkey here.'),
        ]);
        const refused = await approve(visitor);
        expect([refused.statusCode, load(refused.body)('h1').text()]).toEqual([403, 'That takes a passkey']);
        expect((await fresh()).status).toBe('review');
        expect(await lastAction()).toMatchObject({ who: CHIEF, what: 'passkey_refused' });
        expect((await visitor.get('/editor/queues')).headers.location).toBe('/editor/account');
        expect((await visitor.put('/editor/queues/api/queues/issues/retry/failed')).statusCode).toBe(403);
      });

      it('every form of a publisher is refused without one, and the typed text is kept', async () => {
        const id = '00000000-0000-4000-8000-000000000000';
        for (const [url, form] of Object.entries({
          ...Object.fromEntries(
            ['approve', 'take-back', 'send', 'pause', 'resume', 'cancel'].map((action) => [
              `/editor/issues/${issue.slug}/do/${action}`,
              { reason: 'because of this' },
            ]),
          ),
          [`/editor/issues/${issue.slug}/settle`]: { reason: 'because of this' },
          [`/editor/issues/${issue.slug}/checks/override`]: { reason: 'because of this' },
          [`/editor/people/${id}/suppress`]: { reason: 'because of this' },
          [`/editor/people/${id}/erase`]: { reason: 'because of this' },
        })) {
          const answer = await chief.post(url, form);
          const page = load(answer.body);
          expect([url, answer.statusCode, page('main form').attr('action')]).toEqual([url, 403, url]);
          expect(page('input[name=reason]').attr('value')).toBe('because of this');
        }
      });

      it('an editor needs none', async () => {
        expect((await editor.get('/editor')).statusCode).toBe(200);
        expect((await editor.get('/editor')).body).not.toContain('Publishers must have a passkey here.');
      });

      it('a publisher who adds one can decide at once, and after the next sign-in once they have used it', async () => {
        expect((await add(chief, key, 'Blue key')).headers.location).toBe('/editor/account');
        expect(await lastAction()).toMatchObject({
          who: CHIEF,
          what: 'passkey_added',
          details: { passkey: 'Blue key' },
        });
        expect((await approve(chief)).statusCode).toBe(303);
        expect((await fresh()).status).toBe('approved');
        await chief.post(`/editor/issues/${issue.slug}/do/take-back`, {
          plan: (await fresh()).planHash ?? '',
        });

        const again = desk.visitor();
        await again.post('/editor/sign-in', { email: CHIEF });
        const entered = await again.post(new URL(desk.links.at(-1) ?? '').pathname, {});
        expect(entered.headers.location).toBe('/editor/sign-in/passkey');
        for (const url of ['/editor', '/editor/log', '/editor/account', '/editor/people', '/editor/queues'])
          expect([url, (await again.get(url)).headers.location]).toEqual([url, '/editor/sign-in/passkey']);
        expect((await approve(again)).statusCode).toBe(403);
        expect((await use(again, key)).headers.location).toBe('/editor');
        expect((await approve(again)).statusCode).toBe(303);
        expect((await fresh()).status).toBe('approved');
      });

      it('a session that was open when the first one was added must use it as well', async () => {
        await forgetRequests(desk.app.db);
        const early = await desk.signIn(EDITOR);
        const other = softwareAuthenticator();
        await add(editor, other, 'Phone');
        expect((await early.get('/editor')).headers.location).toBe('/editor/sign-in/passkey');
        await use(early, other);
        expect((await early.get('/editor')).statusCode).toBe(200);
      });

      it('the only passkey of a publisher cannot be removed; with another one it can', async () => {
        const [first] = await idsOf(chief);
        const kept = await chief.post(`/editor/passkeys/${first}/remove`, {});
        expect([kept.statusCode, kept.body]).toEqual([409, expect.stringContaining('Add another one first')]);
        await add(chief, softwareAuthenticator(), 'Spare');
        expect((await chief.post(`/editor/passkeys/${first}/remove`, {})).statusCode).toBe(303);
        expect(await lastAction()).toMatchObject({
          what: 'passkey_removed',
          details: { passkey: 'Blue key' },
        });
      });
    });

    describe('where they are optional', () => {
      let desk: TestDesk;
      let chief: Visitor;
      let editor: Visitor;
      deskForAll(newDatabase, (opened) => {
        ({ desk, chief, editor } = opened);
      });
      const key = softwareAuthenticator();
      const refusals = async () =>
        (await listAudit(desk.app.db, { limit: 50 })).filter(({ what }) => what === 'passkey_refused');
      const forgetLinks = () => forgetRequests(desk.app.db);
      const signedIn = async () => {
        await forgetLinks();
        return desk.signIn(CHIEF);
      };

      it('are listed with the time of their last use, and renamed', async () => {
        expect((await chief.get('/editor')).statusCode).toBe(200);
        await add(chief, key, '  Blue   key ');
        const page = load((await chief.get('/editor/account')).body);
        expect(page('#passkeys h3').text()).toBe('Blue key');
        expect(page('#passkeys li .meta').text()).toMatch(/^Added .+\. Last used .+\. Kept on one device\.$/);
        const [id] = await idsOf(chief);
        await chief.post(`/editor/passkeys/${id}/rename`, { name: 'Desk drawer' });
        expect((await chief.get('/editor/account')).body).toContain('Desk drawer');
        expect((await chief.post(`/editor/passkeys/${id}/rename`, { name: ' ' })).statusCode).toBe(422);
        // Another editor's passkey is reported as unknown.
        for (const action of ['rename', 'remove'])
          expect((await editor.post(`/editor/passkeys/${id}/${action}`, { name: 'mine' })).statusCode).toBe(
            404,
          );
        expect((await chief.get('/editor/account')).body).toContain('Desk drawer');
      });

      it.each<[string, RegExp, (visitor: Visitor) => Promise<string>]>([
        [
          'of another origin',
          /origin "https:\/\/evil\.example"/,
          async (visitor) => key.claiming({ origin: 'https://evil.example' }).get(await ask(visitor)),
        ],
        [
          'of another host',
          /RP ID/,
          async (visitor) => key.claiming({ relyingParty: 'evil.example' }).get(await ask(visitor)),
        ],
        [
          'for another challenge',
          /challenge/,
          async (visitor) => {
            await ask(visitor);
            return key.get({ challenge: 'A'.repeat(43) });
          },
        ],
        [
          'for a challenge of another session',
          /challenge/,
          async (visitor) => {
            const elsewhere = await ask(chief);
            await ask(visitor);
            return key.get(elsewhere);
          },
        ],
        [
          'for a challenge that is too old',
          /too old/,
          async (visitor) => {
            const asked = await ask(visitor);
            await sql`update desk_challenges set expires_at = now()`.execute(desk.app.db);
            return key.get(asked);
          },
        ],
        ['without a challenge', /no open challenge/, async () => key.get({ challenge: 'A'.repeat(43) })],
        [
          'whose counter stands still, as that of a copy does',
          /counter/,
          async (visitor) => {
            const asked = await ask(visitor);
            key.counter -= 1;
            return key.get(asked);
          },
        ],
        [
          'that nobody registered',
          /no passkey of this editor/,
          async (visitor) => softwareAuthenticator().get(await ask(visitor)),
        ],
        ['with a wrong signature', /signature/i, async (visitor) => spoilt(key.get(await ask(visitor)))],
        [
          'that registers instead',
          /type/,
          async (visitor) => {
            const { id, rawId, ...made } = JSON.parse(key.create(await ask(visitor)));
            return JSON.stringify({ id, rawId, ...made });
          },
        ],
        [
          'that is no JSON',
          /no passkey of this editor/,
          async (visitor) => {
            await ask(visitor);
            return 'null and void';
          },
        ],
      ])('an answer %s is refused, opens nothing, and is written down', async (_name, why, answerOf) => {
        const visitor = await signedIn();
        // The counter of the copy is lower than that of the original, which was used in the meantime.
        await use(await signedIn(), key);
        const before = (await refusals()).length;
        const refused = await visitor.post('/editor/sign-in/passkey', { answer: await answerOf(visitor) });
        expect([refused.statusCode, load(refused.body)('p').text()]).toEqual([
          403,
          expect.stringContaining('not accepted'),
        ]);
        expect((await visitor.get('/editor')).headers.location).toBe('/editor/sign-in/passkey');
        const [latest, ...others] = await refusals();
        expect(others).toHaveLength(before);
        expect(latest).toMatchObject({ who: CHIEF, details: { why: expect.stringMatching(why) } });
      });

      it('an answer counts once: replayed, it is refused', async () => {
        const visitor = await signedIn();
        const answer = key.get(await ask(visitor));
        expect((await visitor.post('/editor/sign-in/passkey', { answer })).statusCode).toBe(303);
        const thief = await signedIn();
        await ask(thief);
        for (const each of [visitor, thief])
          expect((await each.post('/editor/sign-in/passkey', { answer })).statusCode).toBe(403);
      });

      it('a refused answer uses its challenge up', async () => {
        const visitor = await signedIn();
        const asked = await ask(visitor);
        await visitor.post('/editor/sign-in/passkey', { answer: spoilt(key.get(asked)) });
        const again = await visitor.post('/editor/sign-in/passkey', { answer: key.get(asked) });
        expect(again.statusCode).toBe(403);
        expect((await use(visitor, key)).statusCode).toBe(303);
      });

      it('none is added or removed by a session without a recent proof of identity', async () => {
        const visitor = await signedIn();
        await use(visitor, key);
        await sql`update desk_sessions set created_at = created_at - interval '16 minutes', passkey_at = passkey_at - interval '16 minutes'`.execute(
          desk.app.db,
        );
        const [id] = await idsOf(visitor);
        const options = await visitor.post('/editor/passkeys/options', { purpose: 'register' });
        expect([options.statusCode, options.body]).toEqual([403, expect.stringContaining('15 minutes')]);
        expect((await visitor.post(`/editor/passkeys/${id}/remove`, {})).statusCode).toBe(403);
        expect(load((await visitor.get('/editor/account')).body)('form[data-passkey=register]')).toHaveLength(
          0,
        );
        await use(visitor, key);
        expect((await add(visitor, softwareAuthenticator(), 'Spare')).statusCode).toBe(303);
      });

      it('one is registered once, by whichever editor', async () => {
        await forgetLinks();
        const other = await desk.signIn(EDITOR);
        const answer = key.create(
          (await other.post('/editor/passkeys/options', { purpose: 'register' })).json(),
        );
        const taken = await other.post('/editor/passkeys', { name: 'Not mine', answer });
        expect(taken.statusCode).toBe(403);
        expect((await refusals())[0]).toMatchObject({ who: EDITOR, details: { why: 'registered before' } });
      });

      it('removing one ends the sessions that were opened with it, and no others', async () => {
        const lost = softwareAuthenticator();
        const [mine, thief] = [await signedIn(), await signedIn()];
        await use(mine, key);
        await add(mine, lost, 'Lost phone');
        await use(thief, lost);
        await use(mine, key);
        const page = load((await mine.get('/editor/account')).body);
        const action = page('li:contains("Lost phone") form[action$="/remove"]').attr('action') ?? '';
        expect((await mine.post(action, {})).statusCode).toBe(303);
        expect((await thief.get('/editor')).headers.location).toBe('/editor/sign-in');
        expect((await mine.get('/editor')).statusCode).toBe(200);
      });

      it('a form without a response says that it needs JavaScript', async () => {
        const answer = await chief.post('/editor/passkeys', { name: 'Phone' });
        expect([answer.statusCode, answer.body]).toEqual([
          422,
          expect.stringContaining('Passkeys need JavaScript'),
        ]);
      });

      it('its options ask for this host, for the passkeys of this editor, and for five minutes', async () => {
        const visitor = await signedIn();
        const options = (await visitor.post('/editor/passkeys/options', { purpose: 'authenticate' })).json();
        expect(options).toMatchObject({
          rpId: 'verdicts.example',
          userVerification: 'preferred',
          timeout: 300_000,
        });
        expect(options.allowCredentials[0]).toEqual({
          id: key.credentialId,
          type: 'public-key',
          transports: ['usb'],
        });
        // Without a form token there are no options.
        const forged = await visitor.post('/editor/passkeys/options', { purpose: 'authenticate', csrf: 'x' });
        expect(forged.statusCode).toBe(403);
      });
    });

    describe('where they are switched off', () => {
      let chief: Visitor;
      deskForAll(
        newDatabase,
        (opened) => {
          ({ chief } = opened);
        },
        { DESK_PASSKEYS: 'off' },
      );

      it('no editor is asked for one, and none can be added', async () => {
        expect((await chief.get('/editor')).statusCode).toBe(200);
        expect((await chief.get('/editor/account')).body).toContain(
          'Passkeys are switched off at this desk.',
        );
        const options = await chief.post('/editor/passkeys/options', { purpose: 'register' });
        expect(options.statusCode).toBe(404);
      });
    });
  });
}

/** The step that a session lacks, by the setting, the role and the passkeys of its owner. */
export function describePasskeySteps(): void {
  it.each<[PasskeyPolicy, 'editor' | 'publisher', boolean, boolean, string | undefined]>([
    ['off', 'publisher', true, false, undefined],
    ['optional', 'publisher', false, false, undefined],
    ['optional', 'editor', true, false, 'use'],
    ['optional', 'editor', true, true, undefined],
    ['required', 'editor', false, false, undefined],
    ['required', 'publisher', false, false, 'register'],
    ['required', 'publisher', true, false, 'use'],
    ['required', 'publisher', true, true, undefined],
    // The used passkey has been removed since.
    ['required', 'publisher', false, true, 'register'],
  ])('%s, %s, owns one: %s, used it: %s', (policy, role, ownsPasskey, usedPasskey, step) => {
    const session = { editor: { email: 'a@b.example', role }, hash: '', isFresh: true };
    expect(passkeyStep(policy, { ...session, ownsPasskey, usedPasskey })).toBe(step);
  });

  it('strangers have a smaller quota in the log than an editor', () => {
    expect(REFUSALS_PER_HOUR.strangers).toBeLessThan(REFUSALS_PER_HOUR.oneEditor);
  });
}

/** The options of the second step, with the current challenge. */
async function ask(visitor: Visitor): Promise<{ challenge: string }> {
  return (await visitor.post('/editor/passkeys/options', { purpose: 'authenticate' })).json();
}

const use = async (visitor: Visitor, key: Authenticator) =>
  visitor.post('/editor/sign-in/passkey', { answer: key.get(await ask(visitor)) });

const add = async (visitor: Visitor, key: Authenticator, name: string) => {
  const options = (await visitor.post('/editor/passkeys/options', { purpose: 'register' })).json();
  return visitor.post('/editor/passkeys', { name, answer: key.create(options) });
};

const idsOf = async (visitor: Visitor) =>
  [
    ...(await visitor.get('/editor/account')).body.matchAll(/\/editor\/passkeys\/([\da-f-]{36})\/rename/g),
  ].map(([, id]) => id ?? '');

/** Returns the response with one flipped bit in its signature. */
function spoilt(answer: string): string {
  const parsed = JSON.parse(answer);
  const signature = Buffer.from(parsed.response.signature, 'base64url');
  signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  parsed.response.signature = signature.toString('base64url');
  return JSON.stringify(parsed);
}
