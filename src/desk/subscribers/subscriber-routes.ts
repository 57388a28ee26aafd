import { AppError } from '../../platform/errors.ts';
import { fromDatabase } from '../../platform/http/problems.ts';
import { eventsAbout } from '../../sending/counters/counter-store.ts';
import { eraseSubscriber, exportSubscriber } from '../../subscribers/erase/own-data-store.ts';
import { restoreSubscriber, searchSubscribers, suppressSubscriber } from '../../subscribers/people-store.ts';
import { countSubscribers, findSubscriber } from '../../subscribers/subscriber-store.ts';
import { audit } from '../audit/audit.ts';
import type { DeskSession, EditorPage } from '../auth/editor-page.ts';
import type { DeskContext } from '../desk-context.ts';
import { reasonIn } from '../this-week/decisions.ts';
import { erasePage, personPage } from './subscriber-page.tsx';
import { peoplePage } from './subscribers-page.tsx';

const HTML = 'text/html; charset=utf-8';

const PAGE = 50;

/** As long as an address can be. */
const ADDRESS_MAX_LENGTH = 254;

/** The subscribers. An address is sent in a form and shown on a page; it is never part of a URL. */
export function peopleRoutes(editorPage: EditorPage, { db, site, desk, onErased }: DeskContext): void {
  /** Reading a person's data is recorded, like changing it. */
  const recordReading = (session: DeskSession, subscriber: string): Promise<void> =>
    fromDatabase(audit(db, { who: session.editor.email, what: 'person_read', details: { subscriber } }));

  editorPage('/editor/people', {
    GET: async (session, _request, reply) => {
      const counts = await fromDatabase(countSubscribers(db));
      return reply.type(HTML).send(peoplePage(site, { session, zone: desk.zone, counts }));
    },

    // A search, not a change: it is posted so that the typed text stays out of logs and histories.
    POST: async (session, _request, reply) => {
      const typed = (session.form.get('address') ?? '').trim().slice(0, ADDRESS_MAX_LENGTH);
      const after = session.form.get('after')?.slice(0, ADDRESS_MAX_LENGTH);
      const [counts, found] = await fromDatabase(
        Promise.all([
          countSubscribers(db),
          typed === '' ? [] : searchSubscribers(db, typed, { after, limit: PAGE }),
        ]),
      );
      if (typed !== '') {
        // Not the address itself: the audit log is not changed when somebody is erased.
        const details = { letters: [...typed].length, subscribers: found.map(({ id }) => id) };
        await fromDatabase(audit(db, { who: session.editor.email, what: 'people_searched', details }));
      }
      const [only] = found;
      if (only !== undefined && found.length === 1 && only.key === typed.toLowerCase())
        return reply.redirect(`/editor/people/${only.id}`, 303);
      const more = found.length === PAGE ? found.at(-1)?.key : undefined;
      const search = { typed, found, more };
      return reply.type(HTML).send(peoplePage(site, { session, zone: desk.zone, counts, search }));
    },
  });

  editorPage<{ id: string }>('/editor/people/:id', {
    GET: async (session, request, reply) => {
      const id = idOf(request.params.id);
      const [data, events] = await fromDatabase(Promise.all([exportSubscriber(db, id), eventsAbout(db, id)]));
      if (data === undefined) throw new AppError('page-unknown', 'No such person.');
      await recordReading(session, id);
      // IP addresses are only for publishers, who must judge abuse.
      const consents = data.consents.map((each) =>
        session.isPublisher ? each : { ...each, ip: null, userAgent: null },
      );
      const history = { ...data, consents, events };
      return reply.type(HTML).send(personPage(site, { session, zone: desk.zone, id, history }));
    },
  });

  editorPage<{ id: string }>('/editor/people/:id/suppress', {
    publisher: true,
    POST: async (session, request, reply) => {
      const id = idOf(request.params.id);
      const reason = reasonIn(session.form);
      if (reason === '') throw new AppError('form-unknown', 'No reason.');
      const who = session.editor.email;
      await fromDatabase(
        db.transaction().execute(async (tx) => {
          if (await suppressSubscriber(tx, id, reason))
            await audit(tx, { who, what: 'suppressed', details: { reader: id, reason } });
        }),
      );
      return reply.redirect(`/editor/people/${id}`, 303);
    },
  });

  editorPage<{ id: string }>('/editor/people/:id/restore', {
    publisher: true,
    POST: async (session, request, reply) => {
      const id = idOf(request.params.id);
      const reason = reasonIn(session.form);
      if (reason === '') throw new AppError('form-unknown', 'No reason.');
      const who = session.editor.email;
      const restored = await fromDatabase(
        db.transaction().execute(async (tx) => {
          const outcome = await restoreSubscriber(tx, id, { reason });
          if (outcome?.kind === 'restored')
            await audit(tx, { who, what: 'restored', details: { reader: id, reason } });
          return outcome;
        }),
      );
      if (restored === undefined) throw new AppError('page-unknown', 'No such person.');
      if (restored.kind === 'kept' || restored.kind === 'never-confirmed')
        throw new AppError('suppression-kept', 'Not a bounce of a reader.');
      return reply.redirect(`/editor/people/${id}`, 303);
    },
  });

  editorPage<{ id: string }>('/editor/people/:id/erase', {
    publisher: true,
    GET: async (session, request, reply) => {
      const person = await fromDatabase(findSubscriber(db, idOf(request.params.id)));
      if (person === undefined) throw new AppError('page-unknown', 'No such person.');
      await recordReading(session, person.id);
      return reply.type(HTML).send(erasePage(site, { session, person }));
    },
    POST: async (session, request, reply) => {
      const id = idOf(request.params.id);
      const who = session.editor.email;
      await fromDatabase(
        eraseSubscriber(db, { id }, 'admin', (tx) =>
          audit(tx, { who, what: 'erased', details: { reader: id } }),
        ),
      );
      onErased?.();
      return reply.redirect(`/editor/people/${id}`, 303);
    },
  });
}

/** @throws AppError `page-unknown`. */
function idOf(text: string): string {
  if (!/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(text))
    throw new AppError('page-unknown', 'Not an id.');
  return text;
}
