import { createHash, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BatchRequest, Mailer, Message, Segments } from '../../src/providers/port.ts';

/** A mailer, with access to the mails it delivered. */
export interface TestMailer extends AsyncDisposable {
  mailer: Mailer;
  /** The recipient of every copy that was accepted. */
  copies(): Promise<string[]>;
}

const ISSUE = '2026-11-24';

export function message(more: Partial<Message> = {}): Message {
  const deliveryId = more.deliveryId ?? randomUUID();
  return {
    deliveryId,
    issue: ISSUE,
    from: 'Weekly Verdicts <digest@verdicts.example>',
    to: `reader-${deliveryId.slice(0, 8)}@readers.example`,
    replyTo: 'desk@verdicts.example',
    subject: 'Ship Inkwell over Ferret',
    html: '<!doctype html><html><body><p>Ship it.</p></body></html>',
    text: 'Ship it.\n',
    headers: { 'List-Id': 'Weekly Verdicts <digest.verdicts.example>' },
    ...more,
  };
}

const BODY: Segments = { literals: ['', ''], slots: ['body'] };

/** A batch of these messages; sender, subject and header fields are those of the first. */
export function batch(messages: Message[], key = `batch/${randomUUID()}/r1`): BatchRequest {
  const { issue, from, replyTo, subject, headers } = messages[0] ?? message();
  const payloadHash = createHash('sha256').update(JSON.stringify(messages)).digest('base64url');
  const variant = {
    issue,
    from,
    replyTo,
    subject,
    html: BODY,
    text: BODY,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, { literals: [value], slots: [] }]),
    ),
  };
  const copies = messages.map(({ deliveryId, to, html, text }) => ({
    deliveryId,
    to,
    values: { body: text },
    htmlValues: { body: html },
  }));
  return { key, payloadHash, batchId: key.split('/')[1] ?? '', variant, copies };
}

/** What sending relies on: a batch is accepted as a whole, under its key, once. */
export function describeMailer(name: string, open: () => Promise<TestMailer>): void {
  describe(name, () => {
    let opened: TestMailer;
    let mailer: Mailer;
    beforeEach(async () => {
      opened = await open();
      mailer = opened.mailer;
    });
    afterEach(() => opened?.[Symbol.asyncDispose]());

    it('accepts every message of a batch, in order', async () => {
      const messages = Array.from({ length: 100 }, () => message());
      const outcome = await mailer.submit(batch(messages));
      expect(outcome).toMatchObject({ kind: 'accepted' });
      if (outcome.kind !== 'accepted') return;
      expect(outcome.items).toHaveLength(100);
      for (const item of outcome.items) expect(item).toEqual({ accepted: expect.any(String) });
      expect(new Set(outcome.items.map((item) => ('accepted' in item ? item.accepted : ''))).size).toBe(100);
      expect((await opened.copies()).sort()).toEqual(messages.map(({ to }) => to).sort());
    });

    it('answers a replay with the first answer, and mails nobody again', async () => {
      const first = batch([message(), message()]);
      const answer = await mailer.submit(first);
      expect(await mailer.submit(structuredClone(first))).toEqual(answer);
      expect(await opened.copies()).toHaveLength(2);
    });

    it('accepts the same messages under another key as another batch', async () => {
      const messages = [message()];
      await mailer.submit(batch(messages));
      await mailer.submit(batch(messages));
      expect(await opened.copies()).toHaveLength(2);
    });

    it('refuses other bytes under a used key', async () => {
      const first = batch([message()]);
      await mailer.submit(first);
      const outcome = await mailer.submit(batch([message()], first.key));
      expect(outcome).toMatchObject({ kind: 'conflict' });
      expect(await opened.copies()).toEqual([first.copies[0]?.to]);
      // And the first answer is still returned.
      expect(await mailer.submit(first)).toMatchObject({ kind: 'accepted' });
    });

    it('delivers one copy after many simultaneous calls under one key', async () => {
      const first = batch([message(), message(), message()]);
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => mailer.submit(first)));
      for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
      expect(outcomes[0]).toMatchObject({ kind: 'accepted' });
      expect((await opened.copies()).sort()).toEqual(first.copies.map(({ to }) => to).sort());
    });

    it('accepts one of two different batches under one key', async () => {
      const key = `batch/${randomUUID()}/r1`;
      const outcomes = await Promise.all(
        Array.from({ length: 6 }, () => mailer.submit(batch([message()], key))),
      );
      expect(outcomes.filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
      expect(outcomes.filter(({ kind }) => kind === 'conflict')).toHaveLength(5);
      expect(await opened.copies()).toHaveLength(1);
    });

    it('sends one mail once under its key, and answers a replay with the first answer', async () => {
      const mailId = randomUUID();
      const { deliveryId: _, issue: __, ...rest } = message({ to: 'one@readers.example' });
      const mail = { ...rest, mailId, kind: 'confirm' };
      const answer = await mailer.send(mail, `mail/${mailId}`);
      expect(answer).toEqual({ kind: 'accepted', items: [{ accepted: expect.any(String) }] });
      expect(await mailer.send(structuredClone(mail), `mail/${mailId}`)).toEqual(answer);
      const other = await mailer.send({ ...mail, subject: 'Another' }, `mail/${mailId}`);
      expect(other).toMatchObject({ kind: 'conflict' });
      expect(await opened.copies()).toEqual(['one@readers.example']);
    });
  });
}

/** For a provider that can report the outcome of a key. */
export function describeRecall(name: string, open: () => Promise<TestMailer>): void {
  describe(name, () => {
    let opened: TestMailer;
    let mailer: Mailer;
    const recall = async (key: string) => mailer.recall?.(key, ISSUE);
    beforeEach(async () => {
      opened = await open();
      mailer = opened.mailer;
    });
    afterEach(() => opened?.[Symbol.asyncDispose]());

    it('remembers what it accepted', async () => {
      const first = batch([message(), message()]);
      const outcome = await mailer.submit(first);
      expect(outcome.kind === 'accepted' && outcome.items).toEqual(await recall(first.key));
      expect(await recall(first.key.replace('/r1', '/r2'))).toBe('unknown-key');
    });

    it('never accepts a key that it once reported as unknown, however late the request comes', async () => {
      const late = batch([message()]);
      expect(await recall(late.key)).toBe('unknown-key');
      expect(await mailer.submit(late)).toMatchObject({ kind: 'ambiguous', final: true });
      expect(await recall(late.key)).toBe('unknown-key');
      expect(await opened.copies()).toEqual([]);
      // Of the two simultaneous calls one wins, and both get the same answer.
      const race = batch([message()]);
      const [answer, outcome] = await Promise.all([recall(race.key), mailer.submit(race)]);
      expect(outcome.kind === 'accepted').toBe(answer !== 'unknown-key');
      expect(await opened.copies()).toHaveLength(answer === 'unknown-key' ? 0 : 1);
    });
  });
}
