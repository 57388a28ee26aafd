import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/platform/db/database.ts';
import type { SubscriberStatus } from '../../src/platform/db/schema.ts';
import { exportSubscribers } from '../../src/subscribers/import-export/export.ts';
import { type ImportOptions, importSubscribers } from '../../src/subscribers/import-export/import.ts';
import { followLink, unsubscribeByLink } from '../../src/subscribers/links/link-store.ts';
import type { Keys } from '../../src/subscribers/tokens.ts';
import { KEYS } from '../helpers/ledger.ts';
import type { DatabaseLocation, WithDatabase } from '../helpers/locations.ts';
import { peopleForEach } from '../helpers/people.ts';

const AT = '2026-10-01T08:00:00Z';
const EVERYBODY: SubscriberStatus[] = ['active', 'pending', 'unsubscribed', 'suppressed'];
const OTHER_KEYS: Keys = ['the key of quite another house...'];

/** B13: links in mail when their readers' list moves to another installation. */
export function describeLinks(
  withDatabase: WithDatabase,
  newLocation: () => Promise<DatabaseLocation>,
): void {
  describe('B13: the links of a list that moves', () => {
    const people = peopleForEach(withDatabase);
    let target: Database;

    /** Runs with an empty installation as the target. */
    const moving = async (test: () => Promise<void>) => {
      await using location = await newLocation();
      await using database = await location.open();
      target = database;
      await test();
    };
    const list = async (keys = KEYS, db = people.db): Promise<string> => {
      let text = '';
      for await (const page of exportSubscribers(db, 'csv', EVERYBODY, keys)) text += page.text;
      const [head, ...rows] = text.trimEnd().split('\n');
      return `${[head, ...rows.filter((row) => row.includes(`@${people.host},`))].join('\n')}\n`;
    };
    const take = async (text: string, options: Partial<ImportOptions> = {}) =>
      importSubscribers(target.kysely, await people.file(text), { source: 'moved', keys: KEYS, ...options });
    const follow = (subscriberId: string, version = 1) =>
      followLink(target.kysely, { subscriberId, version });
    const idThere = async (local: string) =>
      (
        await target.kysely
          .selectFrom('subscribers')
          .select('id')
          .where('email_key', '=', `${local}@${people.host}`)
          .executeTakeFirst()
      )?.id ?? '';
    const emailOf = (local: string) => `${local}@${people.host}`;

    it('lead to the same people, in any status, and everybody keeps the id of their row', async () => {
      await people.load(
        `email,status,confirmed_at\na@${people.host},active,${AT}\nb@${people.host},unsubscribed,\nc@${people.host},bounced,\nd@${people.host},pending,\n`,
      );
      await moving(async () => {
        expect(await take(await list())).toMatchObject({
          rows: 4,
          rejected: 0,
          links: { kept: 4, refused: 0 },
        });
        for (const [local, state] of [
          ['a', 'on'],
          ['b', 'off'],
          ['c', 'off'],
          ['d', 'on'],
        ] as const) {
          const id = await people.idOf(local);
          expect(await idThere(local)).toBe(id);
          expect(await follow(id)).toMatchObject({ list: state, owner: { id, email: emailOf(local) } });
        }
        expect(await target.kysely.selectFrom('link_ids').selectAll().execute()).toEqual([]);
      });
    });

    it('that were void stay void, and valid links open the same as before', async () => {
      await people.load(`email,confirmed_at\na@${people.host},${AT}\n`);
      const id = await people.idOf('a');
      await people.db.updateTable('subscribers').set({ token_version: 3 }).where('id', '=', id).execute();
      await moving(async () => {
        await take(await list());
        expect((await follow(id, 3)).owner?.id).toBe(id);
        for (const version of [1, 2, 4])
          expect(await follow(id, version)).toMatchObject({ list: 'on', owner: undefined });
      });
    });

    it('lead to the existing row of a known person; unsubscribing by either id works', async () => {
      for (const id of ['theirs', 'ours'] as const) {
        people.moveOn();
        await people.load(`email,confirmed_at\nme@${people.host},${AT}\n`);
        const theirs = await people.idOf('me');
        await moving(async () => {
          await take(`email,confirmed_at\nme@${people.host},${AT}\n`);
          const ours = await idThere('me');
          expect(ours).not.toBe(theirs);
          expect((await follow(theirs)).list).toBe('unknown');
          expect(await take(await list())).toMatchObject({ known: 1, links: { kept: 1 } });
          expect((await follow(theirs)).owner?.id).toBe(ours);
          const left = await unsubscribeByLink(
            target.kysely,
            { subscriberId: { theirs, ours }[id], version: 1 },
            'one_click',
          );
          expect(left).toMatchObject({ list: 'off', people: [{ id: ours, status: 'unsubscribed' }] });
        });
      }
    });

    it('can be imported twice without change, and a list without links can be followed by one with them', async () => {
      await people.load(`email,confirmed_at\na@${people.host},${AT}\nb@${people.host},${AT}\n`);
      await moving(async () => {
        const whole = await list();
        const before = whole.replaceAll(/,[^,\n]*$/gm, '');
        expect(before.split('\n')[0]).not.toContain('links');
        expect((await take(before)).links).toBeUndefined();
        expect((await follow(await people.idOf('a'))).list).toBe('unknown');
        for (let time = 0; time < 2; time += 1)
          expect(await take(whole)).toMatchObject({ known: 2, links: { kept: 2, refused: 0 } });
        expect((await follow(await people.idOf('a'))).owner?.email).toBe(emailOf('a'));
      });
    });

    it('move from list to list, with all ids that a person has had', async () => {
      await people.load(`email,confirmed_at\na@${people.host},${AT}\n`);
      const first = await people.idOf('a');
      await moving(async () => {
        await take(`email,confirmed_at\na@${people.host},${AT}\n`);
        await take(await list());
        const second = await idThere('a');
        const onwards = await list(KEYS, target.kysely);
        await moving(async () => {
          expect(await take(onwards)).toMatchObject({ links: { kept: 1 } });
          for (const id of [first, second]) expect((await follow(id)).owner?.email).toBe(emailOf('a'));
        });
      });
    });

    it('do not move when the list was made under another key, unless that key is configured', async () => {
      await people.load(`email,confirmed_at\na@${people.host},${AT}\n`);
      const id = await people.idOf('a');
      await moving(async () => {
        const foreign = await list(OTHER_KEYS);
        expect(await take(foreign)).toMatchObject({ added: { active: 1 }, links: { kept: 0, refused: 1 } });
        expect((await follow(id)).list).toBe('unknown');
        expect(await take(foreign, { keys: [KEYS[0], ...OTHER_KEYS] })).toMatchObject({ links: { kept: 1 } });
        expect((await follow(id)).owner?.email).toBe(emailOf('a'));
      });
    });

    it('cannot be claimed by a forged list, for any address except the signed one', async () => {
      await people.load(`email,confirmed_at\nvictim@${people.host},${AT}\nthief@${people.host},${AT}\n`);
      const victim = await people.idOf('victim');
      const links =
        (await list())
          .split('\n')
          .find((row) => row.startsWith('victim@'))
          ?.split(',')
          .at(-1) ?? '';
      const [form, key, signature, ...body] = links.split('.');
      expect(body.length).toBe(3);
      const forged = [
        links,
        [form, key, signature, ...body, ...body].join('.'),
        [form, key, signature, body[0], '2', '0'].join('.'),
        [form, key, 'A'.repeat(22), ...body].join('.'),
        [form, 'AAAAAA', signature, ...body].join('.'),
        victim,
        'x'.repeat(10_000),
      ];
      await moving(async () => {
        const rows = forged.map((cell, index) => `thief${index}@${people.host},${AT},${cell}`);
        const report = await take(`email,confirmed_at,links\n${rows.join('\n')}\n`);
        expect(report).toMatchObject({
          added: { active: forged.length },
          links: { kept: 0, refused: forged.length },
        });
        expect(await follow(victim)).toMatchObject({ list: 'unknown', people: [] });
      });
    });

    it('with one id and two addresses, as in two lists of different days, lead to both', async () => {
      await people.load(`email,confirmed_at\nbefore@${people.host},${AT}\n`);
      const id = await people.idOf('before');
      const early = await list();
      await people.db
        .updateTable('subscribers')
        .set({ email: emailOf('after'), email_key: emailOf('after'), token_version: 2 })
        .where('id', '=', id)
        .execute();
      const late = (await list()).split('\n').slice(1).join('\n');
      await moving(async () => {
        expect(await take(early + late)).toMatchObject({ added: { active: 2 }, links: { kept: 2 } });
        expect((await follow(id, 1)).owner?.email).toBe(emailOf('before'));
        expect((await follow(id, 2)).owner?.email).toBe(emailOf('after'));
        const left = await unsubscribeByLink(target.kysely, { subscriberId: id, version: 2 }, 'one_click');
        expect(left.people.map(({ email, status }) => [email, status]).sort()).toEqual([
          [emailOf('after'), 'unsubscribed'],
          [emailOf('before'), 'unsubscribed'],
        ]);
      });
    });

    it('of simultaneous imports are all stored', async () => {
      const rows = Array.from({ length: 1_500 }, (_, index) => `reader-${index}@${people.host},${AT}`);
      await people.load(`email,confirmed_at\n${rows.join('\n')}\n`);
      const whole = await list();
      await moving(async () => {
        const [head, ...lines] = whole.trimEnd().split('\n');
        const backwards = `${[head, ...lines.toReversed()].join('\n')}\n`;
        const reports = await Promise.all([take(whole), take(backwards)]);
        expect(reports.map(({ added }) => added.active).reduce((sum, count) => sum + count)).toBe(1_500);
        const ids = await people.db
          .selectFrom('subscribers')
          .select(['id', 'email'])
          .where('email', 'like', `%@${people.host}`)
          .execute();
        for (const { id, email } of ids) expect((await follow(id)).owner?.email).toBe(email);
      });
    });

    it('are counted by a dry run, which stores none of them', async () => {
      await people.load(`email,confirmed_at\na@${people.host},${AT}\n`);
      await moving(async () => {
        expect(await take(await list(), { dryRun: true })).toMatchObject({ links: { kept: 1, refused: 0 } });
        expect((await follow(await people.idOf('a'))).list).toBe('unknown');
      });
    });
  });
}
