import { randomUUID } from 'node:crypto';
import { readdir, readFile, utimes } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { processors } from '../../jobs/all-jobs.ts';
import { claimableBatches } from '../../src/sending/batches/batch-store.ts';
import { eraseSubscriber } from '../../src/subscribers/erase/own-data-store.ts';
import { findSubscriberByAddress } from '../../src/subscribers/subscriber-store.ts';
import { queueMail } from '../../src/transactional/transactional-store.ts';
import { cleanOutbox } from '../../src/workflow/clean-outbox.ts';
import { approve, prepare } from '../../src/workflow/week.ts';
import { deskForAll, type NewDeskDatabase, type TestDesk, type Visitor } from '../helpers/desk.ts';

const DAY_MS = 24 * 3_600_000;

/** How long an event may take on a busy machine. */
const PATIENCE = { timeout: 60_000 };

/** How long the outbox stores whole mails, and whose mails it deletes. */
export function describeOutboxKeeping(name: string, newDatabase: NewDeskDatabase): void {
  describe(`what the outbox keeps, on ${name}`, () => {
    let desk: TestDesk;
    let chief: Visitor;
    let outbox: string;
    const SLUG = '2026-11-24';
    const [ANNA, BERT, CLEO] = ['Anna@readers.example', 'bert@readers.example', 'cleo@readers.example'];

    deskForAll(newDatabase, async (opened) => {
      ({ desk, chief } = opened);
      outbox = path.join(desk.app.config.dataDir, 'outbox');
      const { app } = desk;
      await desk.addReaders([BERT, CLEO]);
      await desk.addReaders([ANNA.toLowerCase()]);
      await sql`update subscribers set email = ${ANNA} where email_key = ${ANNA.toLowerCase()}`.execute(
        app.db,
      );
      const issue = await approve(app, await desk.compose());
      await prepare(app, issue.id);
      for (const batch of await claimableBatches(app.db, issue.id)) await app.submit(batch);
    });

    const idOf = async (email: string) =>
      (await findSubscriberByAddress(desk.app.db, email.toLowerCase()))?.id ?? '';
    /** Files that contain a text. */
    const filesWith = async (text: string) => {
      const found: string[] = [];
      for (const file of await readdir(outbox, { recursive: true })) {
        const content = await readFile(path.join(outbox, file), 'utf8').catch(() => '');
        if (content.toLowerCase().includes(text.toLowerCase())) found.push(file);
      }
      return found;
    };
    /** One transactional email, as in the outbox. */
    const mailTo = (to: string, mailId: string = randomUUID()) =>
      desk.app.mailer.send(
        {
          ...{
            mailId,
            kind: 'welcome',
            from: 'hello@verdicts.example',
            to,
            replyTo: 'desk@verdicts.example',
          },
          ...{ subject: 'A letter', html: `<p>To ${to}</p>`, text: `To ${to}\n`, headers: {} },
        },
        `mail/${mailId}`,
      );
    const answers = async () =>
      (await readdir(outbox, { recursive: true })).filter((file) => file.endsWith('answer.json'));

    it('F19: holds no mail to an erased reader, once a worker has cleaned it', async () => {
      const { app } = desk;
      const id = await idOf(ANNA);
      // A transactional email, an editor's test copy, and a mail to an earlier address of hers.
      await mailTo(ANNA);
      await mailTo('ANNA@readers.example');
      const earlier = await queueMail(app.db, { kind: 'changed', subscriberId: id, keyId: 'k' });
      await mailTo('earlier@readers.example', earlier);
      const mails = async (address: string) =>
        (await filesWith(address)).filter((file) => file.endsWith('.eml')).length;
      expect([await mails(ANNA), await mails('earlier@readers.example')]).toEqual([3, 1]);
      const others = await filesWith(BERT);

      await using _workers = await app.queue.work(processors(app), { concurrency: 1, onFailure() {} });
      expect((await chief.post(`/editor/people/${id}/erase`, {})).statusCode).toBe(303);
      await expect
        .poll(async () => [...(await filesWith(ANNA)), ...(await filesWith('earlier@'))], PATIENCE)
        .toEqual([]);
      expect(await filesWith(BERT)).toEqual(others);
      const list = others.find((file) => file.endsWith('index.html')) ?? '';
      expect(await readFile(path.join(outbox, list), 'utf8')).toMatch(/>\d{3}: removed</);
    });

    it('F19: holds the mails to a person who came back, until they are erased again', async () => {
      const { app } = desk;
      const key = 'dora@readers.example';
      await eraseSubscriber(app.db, { key }, 'admin');
      // The kernel dates files by its tick, up to 10 ms behind the clock of the database.
      await sql`update erased_addresses set at = at - interval '1 second'`.execute(app.db);
      await mailTo(key);
      await cleanOutbox(app);
      expect(await filesWith(key)).not.toEqual([]);
      await eraseSubscriber(app.db, { key }, 'admin');
      await cleanOutbox(app);
      expect(await filesWith(key)).toEqual([]);
    });

    it('F19: holds no mail for longer than OUTBOX_DAYS, and still has the answer of its key', async () => {
      const { app } = desk;
      const now = app.clock().getTime();
      const accepted = await answers();
      const days = app.config.outbox.days;
      const [section = '', key = ''] = (accepted.find((file) => file.startsWith(SLUG)) ?? '').split('/');
      const answer = path.join(outbox, section, key, 'answer.json');
      const recalled = () => app.mailer.recall?.(key.replace(/^batch-(.+)-r(\d+)$/, 'batch/$1/r$2'), SLUG);
      const items = await recalled();
      expect(items).toHaveLength(3);
      const mails = () => filesWith(CLEO);

      await utimes(answer, new Date(now), new Date(now - days * DAY_MS + 60_000));
      await cleanOutbox(app);
      expect(await mails()).not.toEqual([]);
      await utimes(answer, new Date(now), new Date(now - days * DAY_MS - 60_000));
      await cleanOutbox(app);
      expect((await readdir(path.dirname(answer))).sort()).toEqual(['answer.json', 'index.html']);
      expect(await mails()).toEqual([]);
      expect(await recalled()).toEqual(items);

      await utimes(answer, new Date(now), new Date(now - 400 * DAY_MS));
      await cleanOutbox(app);
      expect(await answers()).not.toContain(path.join(section, key, 'answer.json'));
    });
  });
}
