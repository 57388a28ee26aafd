import { canHavePasskeys } from '../../config/editors.ts';
import { AppError } from '../../platform/errors.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import type { DeskContext } from '../desk-context.ts';
import { accountPage } from './account-page.tsx';
import { type EditorPage, entranceOf, PASSKEY_PAGE } from './editor-page.ts';
import { passkeyPage } from './passkey-page.tsx';
import {
  addPasskey,
  listPasskeys,
  passkeyOptions,
  relyingPartyOf,
  removePasskey,
  renamePasskey,
  usePasskey,
} from './passkeys.ts';

const HTML = 'text/html; charset=utf-8';

const HERE = '/editor/account';

/** An editor's own account: their passkeys, and the second step of signing in. */
export function accountRoutes(editorPage: EditorPage, { db, site, desk }: DeskContext): void {
  const policy = desk.passkeys;
  const relyingParty = relyingPartyOf(site);
  const state = policy === 'off' ? 'off' : canHavePasskeys(site.publicUrl) ? 'on' : 'impossible';

  editorPage(HERE, {
    GET: async (session, _request, reply) => {
      const passkeys = await fromDatabase(listPasskeys(db, session.editor));
      return reply.type(HTML).send(accountPage(site, { session, zone: desk.zone, passkeys, state }));
    },
  });

  // For the script of a page whose forms can be sent again after the editor signed in in another tab.
  editorPage('/editor/session', {
    GET: ({ editor, csrf }, _request, reply) => reply.send({ email: editor.email, csrf }),
  });

  editorPage(PASSKEY_PAGE, {
    beforePasskey: true,
    GET: (session, _request, reply) =>
      session.stored.ownsPasskey && policy !== 'off'
        ? reply.type(HTML).send(passkeyPage(site, session))
        : reply.redirect(entranceOf(session.step), 303),
    POST: async (session, _request, reply) => {
      assertOn();
      const wasMissing = session.step === 'use';
      await usePasskey(db, session.stored, { site: relyingParty, answer: answerIn(session.form) });
      return reply.redirect(wasMissing ? '/editor' : HERE, 303);
    },
  });

  editorPage('/editor/passkeys/options', {
    beforePasskey: true,
    POST: async (session, _request, reply) => {
      assertOn();
      const purpose = session.form.get('purpose') === 'register' ? 'register' : 'authenticate';
      return reply.send(await passkeyOptions(db, session.stored, { purpose, site: relyingParty }));
    },
  });

  editorPage('/editor/passkeys', {
    POST: async ({ stored: session, form }, _request, reply) => {
      assertOn();
      const name = form.get('name') ?? '';
      await addPasskey(db, session, { site: relyingParty, name, answer: answerIn(form) });
      return reply.redirect(HERE, 303);
    },
  });

  editorPage<{ id: string }>('/editor/passkeys/:id/rename', {
    POST: async ({ stored: session, form }, { params: { id } }, reply) => {
      await renamePasskey(db, session, { id: idOf(id), name: form.get('name') ?? '' });
      return reply.redirect(HERE, 303);
    },
  });

  editorPage<{ id: string }>('/editor/passkeys/:id/remove', {
    POST: async ({ stored: session }, { params: { id } }, reply) => {
      await removePasskey(db, session, { id: idOf(id), policy });
      return reply.redirect(HERE, 303);
    },
  });

  /** @throws AppError `passkey-unavailable`. */
  function assertOn(): void {
    if (state === 'on') return;
    throw new AppError('passkey-unavailable', 'There are no passkeys at this desk.', {
      help:
        state === 'off'
          ? 'They are switched off: DESK_PASSKEYS=off.'
          : 'Browsers make them for https with a host name, or for http://localhost: see PUBLIC_URL.',
    });
  }
}

/** @throws AppError `passkey-script`. */
function answerIn(form: URLSearchParams): string {
  const answer = form.get('answer');
  if (answer) return answer;
  throw new AppError('passkey-script', 'Your browser brought no passkey.', {
    help: 'Passkeys need JavaScript. Switch it on for this page, and press the button again.',
  });
}

/** @throws AppError `page-unknown`. */
function idOf(text: string): string {
  if (!/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(text))
    throw new AppError('page-unknown', 'Not an id.');
  return text;
}
