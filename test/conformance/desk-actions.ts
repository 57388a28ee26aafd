import { load } from 'cheerio';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { listSetAside } from '../../src/comparisons/votes/vote-store.ts';
import { listAudit } from '../../src/desk/audit/audit.ts';
import type { AuditAction } from '../../src/desk/audit/audit-actions.ts';
import { findIssue, type Issue, requireIssue } from '../../src/issues/issue-store.ts';
import { failedReasons } from '../../src/sending/retries/retry-store.ts';
import { findSubscriberByAddress } from '../../src/subscribers/subscriber-store.ts';
import { addMailRequest } from '../../src/transactional/requests/request-store.ts';
import { softwareAuthenticator } from '../helpers/authenticator.ts';
import {
  deskForAll,
  draftAt,
  EDITOR,
  type NewDeskDatabase,
  type TestDesk,
  type Visitor,
  WEEK,
} from '../helpers/desk.ts';
import { everyRow } from '../helpers/everywhere.ts';
import { sendingIssue } from '../helpers/ledger.ts';
import { forgetRequests } from '../helpers/mail-requests.ts';

/** Reading changes nothing, but is recorded too: see desk-access.ts. */
type Read = 'people_searched' | 'person_read' | 'exported';

/** Responses to a challenge, which every press uses up: see desk-passkeys.ts. */
type Answer = 'passkey_added' | 'passkey_used';

/** Actions of no page: the operator's command, and a start without an editor. */
type Elsewhere = 'link_printed' | 'passkeys_reset' | 'access_ended';

/**
 * Actions of the desk that change the database. Refusals change nothing, queues are tested in desk-queues.ts, and a
 * job mails links.
 */
type Done = Exclude<
  AuditAction,
  `${string}_refused` | 'job_tended' | 'link_asked' | Read | Elsewhere | Answer
>;

/** A form that does the action, as the editor sees it. */
interface Form {
  by: Visitor;
  url: string;
  form?: Record<string, string>;
  /** Whether pressing it twice does it once. */
  isOnce?: boolean;
}

/** Every action and its log entry are stored together, or neither is. */
export function describeActions(name: string, newDatabase: NewDeskDatabase): void {
  describe(`an action at the desk and its entry, on ${name}`, () => {
    let desk: TestDesk;
    let issue: Issue;
    let chief: Visitor;
    let editor: Visitor;

    deskForAll(newDatabase, async (opened) => {
      ({ desk, chief, editor } = opened);
      await sql`
        create function lose_entry() returns trigger language plpgsql as $$
        begin raise exception 'no room for another entry'; end $$
      `.execute(desk.app.db);
      await sql`
        create trigger lose_entry before insert on desk_audit for each row execute function lose_entry()
      `.execute(desk.app.db);
      await logTakes(true);
      // Nothing listens there, so the request is refused at once.
      issue = await desk.compose(WEEK.map((each) => ({ ...each, url: `http://127.0.0.1:9/${each.slug}` })));
      await desk.addReaders(['ada@readers.example', 'bea@readers.example', 'cleo@readers.example']);
    });

    const logTakes = (takes: boolean) =>
      sql`alter table desk_audit ${sql.raw(takes ? 'disable' : 'enable')} trigger lose_entry`.execute(
        desk.app.db,
      );
    const { fresh } = draftAt(() => ({ desk, issue }));
    const here = () => `/editor/issues/${issue.slug}`;
    const edit = async (form: Record<string, string>): Promise<Form> => ({
      by: editor,
      url: `${here()}/edit`,
      form: { revision: String((await fresh()).revision), ...form },
    });
    const decision = async (action: string): Promise<Form> => ({
      by: chief,
      url: `${here()}/do/${action}`,
      form: { plan: (await fresh()).planHash ?? '' },
      isOnce: true,
    });
    const press = ({ by, url, form = {} }: Form) => by.post(url, form);
    let owner: Visitor;
    const ownPasskey = async (action: 'rename' | 'remove') => {
      const page = load((await owner.get('/editor/account')).body);
      return page(`form[action$="/${action}"]`).attr('action') ?? '';
    };
    const readerId = async (email: string) => (await findSubscriberByAddress(desk.app.db, email))?.id;

    /** Creates votes that wait for an editor, and the form that decides about them. */
    const voteDecision = async (decision: string): Promise<Omit<Form, 'by'>> => {
      const { db } = desk.app;
      await sql`insert into votes (subscriber_id, tool_key, call, comparison_id, state, set_aside_at)
        select s.id, ${decision}, 'ship', c.id, 'set_aside', now() from subscribers s, comparisons c
        where s.email_key = 'cleo@readers.example' limit 1`.execute(db);
      const [waiting] = await listSetAside(db);
      const form = { tool: decision, until: waiting?.until ?? '', decision };
      return { url: '/editor/comparisons/votes', form, isOnce: true };
    };

    /** In an order in which all of them can be done to one issue. */
    const ACTIONS: Record<Done, () => Promise<Form>> = {
      signed_in: async () => {
        const by = desk.visitor();
        await by.post('/editor/sign-in', { email: EDITOR });
        return { by, url: new URL(desk.links.at(-1) ?? '').pathname };
      },
      signed_out: async () => ({ by: await desk.signIn(EDITOR), url: '/editor/sign-out' }),
      composed: async () => ({ by: editor, url: `${here()}/compose` }),
      gone_left_out: async () => {
        await sql`update comparisons set gone_at = now(), gone_by = 'page', gone_reason = 'answered 404'
          where slug = 'moth-vs-lamp'`.execute(desk.app.db);
        return { by: editor, url: `${here()}/checks/leave-out-gone`, isOnce: true };
      },
      edited: async () => {
        const subject = 'Orca: 99% would ship it, says nobody';
        return edit({ kind: 'words', subject, preheader: '', intro: '' });
      },
      check_overridden: async () => {
        const { planHash, template } = await fresh();
        const form = { key: 'figure.subject', reason: 'The figure is of another test.', template };
        return {
          by: chief,
          url: `${here()}/checks/override`,
          form: { ...form, plan: planHash ?? '' },
          isOnce: true,
        };
      },
      links_followed: async () => ({ by: editor, url: `${here()}/checks/links` }),
      review_opened: async () => ({ by: editor, url: `${here()}/reviews` }),
      review_revoked: async () => {
        const page = load((await editor.get(`${here()}/preview`)).body);
        const revoke = page('[name=revoke]').attr('value') ?? '';
        return { by: editor, url: `${here()}/reviews`, form: { revoke }, isOnce: true };
      },
      test_sent: async () => ({ by: editor, url: `${here()}/test`, form: { to: EDITOR } }),
      approved: () => decision('approve'),
      approval_taken_back: () => decision('take-back'),
      moved: async () => {
        const move = await decision('move');
        return { ...move, form: { ...move.form, to: '2026-11-25T09:00' } };
      },
      paused: async () => {
        await press(await decision('approve'));
        return decision('pause');
      },
      resumed: () => decision('resume'),
      sent: () => decision('send'),
      cancelled: () => decision('cancel'),
      batch_settled: async () => {
        const { db } = desk.app;
        const { id, batches } = await sendingIssue(db);
        await sql`update batches set status = 'uncertain', claimed_at = now() where issue_id = ${id}`.execute(
          db,
        );
        await sql`update deliveries set status = 'uncertain' where issue_id = ${id}`.execute(db);
        const slug = (await findIssue(db, { id }))?.slug;
        const form = { batch: batches[0] ?? '', decision: 'accepted' };
        return { by: chief, url: `/editor/issues/${slug}/settle`, form, isOnce: true };
      },
      retried: async () => {
        const { db } = desk.app;
        const { id } = await sendingIssue(db);
        await sql`update batches set status = 'failed' where issue_id = ${id}`.execute(db);
        await sql`update deliveries set status = 'failed', reason = 'quota' where issue_id = ${id}`.execute(
          db,
        );
        const { slug } = await requireIssue(db, { id });
        const [failed] = await failedReasons(db, id);
        const form = { reason: 'quota', readers: String(failed?.retryable) };
        return { by: chief, url: `/editor/issues/${slug}/retry`, form, isOnce: true };
      },
      suppressed: async () => ({
        by: chief,
        url: `/editor/people/${await readerId('ada@readers.example')}/suppress`,
        form: { reason: 'asked by letter' },
        isOnce: true,
      }),
      restored: async () => {
        await desk.addReaders(['cleo@readers.example']);
        const id = (await readerId('cleo@readers.example')) ?? '';
        const bounced = { status: 'suppressed' as const, reason: 'bounced' };
        await desk.app.db.updateTable('subscribers').set(bounced).where('id', '=', id).execute();
        return { by: chief, url: `/editor/people/${id}/restore`, form: { reason: 'mended' }, isOnce: true };
      },
      erased: async () => ({
        by: chief,
        url: `/editor/people/${await readerId('bea@readers.example')}/erase`,
        isOnce: true,
      }),
      comparison_hidden: async () => ({
        by: editor,
        url: '/editor/comparisons/pike-vs-perch/hide',
        form: { reason: 'asked by its maker' },
        isOnce: true,
      }),
      comparison_shown: async () => ({
        by: editor,
        url: '/editor/comparisons/pike-vs-perch/show',
        isOnce: true,
      }),
      votes_counted: async () => ({ by: editor, ...(await voteDecision('count')) }),
      votes_discarded: async () => ({ by: editor, ...(await voteDecision('discard')) }),
      reprint_answered: async () => {
        const { rows } = await sql<{ id: string }>`
          insert into reprints (field, way, keeps_figures, is_told, archive_size)
          values ('price', 'from → starts at', true, true, 4) returning id`.execute(desk.app.db);
        const url = `/editor/sources/reprints/${rows[0]?.id}`;
        return { by: editor, url, form: { answer: 'not_news' }, isOnce: true };
      },
      missing_confirmed: async () => {
        await sql`insert into comparison_listings (comparison_id, source, entry, missed)
          select id, 'folder:x', 'reed.json', 3 from comparisons where slug = 'reed-vs-rush'`.execute(
          desk.app.db,
        );
        return { by: editor, url: '/editor/sources/missing', form: { source: 'folder:x' }, isOnce: true };
      },
      gather_rung: async () => ({ by: editor, url: '/editor/sources/gather' }),
      signed_out_everywhere: async () => ({
        by: editor,
        url: '/editor/sign-out',
        form: { everywhere: '1' },
      }),
      passkey_renamed: async () => {
        await forgetRequests(desk.app.db);
        owner = await desk.signIn(EDITOR);
        const options = (await owner.post('/editor/passkeys/options', { purpose: 'register' })).json();
        const answer = softwareAuthenticator().create(options);
        await owner.post('/editor/passkeys', { name: 'Blue key', answer });
        return { by: owner, url: await ownPasskey('rename'), form: { name: 'Desk drawer' } };
      },
      passkey_removed: async () => ({ by: owner, url: await ownPasskey('remove'), isOnce: true }),
    };

    it.each(Object.entries(ACTIONS))(
      'are one: "%s" is not done when it cannot be written down',
      async (what, formOf) => {
        const { db, queue } = desk.app;
        const form = await formOf();
        const entries = async () =>
          (await listAudit(db, { limit: 200 })).filter((each) => each.what === what);
        const [rows, waiting, written] = [await everyRow(db), await queue.waiting('issues'), await entries()];

        await logTakes(false);
        const refused = await press(form);
        expect(refused.statusCode).toBeGreaterThanOrEqual(500);
        expect(await everyRow(db)).toBe(rows);
        expect(await queue.waiting('issues')).toBe(waiting);

        await logTakes(true);
        expect((await press(form)).statusCode).toBe(303);
        expect(await everyRow(db)).not.toBe(rows);
        expect(await entries()).toHaveLength(written.length + 1);
        if (!form.isOnce) return;
        await press(form);
        expect(await entries()).toHaveLength(written.length + 1);
      },
    );

    it('are stored together: no sign-in link is mailed when it cannot be recorded, and the request waits', async () => {
      const { db } = desk.app;
      const address = { email: EDITOR, key: EDITOR };
      await addMailRequest(db, { kind: 'desk_sign_in', address, details: { browserHash: 'x' } });
      const [rows, before] = [await everyRow(db), desk.links.length];
      await logTakes(false);
      await expect(desk.answer()).rejects.toThrow();
      expect(await everyRow(db)).toBe(rows);
      await logTakes(true);
      await desk.answer();
      expect(desk.links).toHaveLength(before + 1);
      expect((await listAudit(db, { limit: 1 }))[0]).toMatchObject({ who: EDITOR, what: 'link_asked' });
    });
  });
}
