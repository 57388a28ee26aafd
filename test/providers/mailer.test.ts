import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { load } from 'cheerio';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openOutbox } from '../../src/providers/outbox/outbox.ts';
import type { Mailer, Message } from '../../src/providers/port.ts';
import { batch, describeMailer, describeRecall, message } from '../conformance/mailer.ts';
import { type Mail, readMail } from '../helpers/eml.ts';
import { temporaryFolder } from '../helpers/locations.ts';
import { start } from '../helpers/processes.ts';

/** Every .eml of an outbox, by path. */
async function mailsIn(dataDir: string): Promise<Map<string, Mail>> {
  const outbox = path.join(dataDir, 'outbox');
  const files = (await readdir(outbox, { recursive: true })).filter((file) => file.endsWith('.eml')).sort();
  const mails = new Map<string, Mail>();
  for (const file of files) mails.set(file, readMail(await readFile(path.join(outbox, file))));
  return mails;
}

const recipients = async (dataDir: string) =>
  [...(await mailsIn(dataDir)).values()].map((mail) => mail.one('To'));

const openHome = async () => {
  const folder = temporaryFolder();
  return {
    mailer: await openOutbox(folder.path),
    copies: () => recipients(folder.path),
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  };
};
describeMailer('the outbox', openHome);
describeRecall('the memory of the outbox', openHome);

let folder: ReturnType<typeof temporaryFolder>;
let dataDir: string;
let mailer: Mailer;
beforeEach(async () => {
  folder = temporaryFolder();
  dataDir = folder.path;
  mailer = await openOutbox(dataDir, () => new Date('2026-11-24T09:00:00Z'));
});
afterEach(() => folder[Symbol.dispose]());

/** Sends one message and parses the stored mail. */
async function delivered(more: Partial<Message>): Promise<Mail> {
  const sent = message(more);
  await mailer.submit(batch([sent]));
  const mail = [...(await mailsIn(dataDir)).values()].find(
    (each) => each.one('Message-ID') === `<${sent.deliveryId}@verdicts.example>`,
  );
  if (mail === undefined) throw new Error('not delivered');
  return mail;
}

const LIST_HEADERS = {
  'List-Unsubscribe':
    '<https://verdicts.example/unsubscribe/1.abcdef.AAAAAAAAAAAAAAAAAAAAAA.1.BBBBBBBBBBBBBBBBBBBBBB>, <mailto:u+1.abcdef.AAAAAAAAAAAAAAAAAAAAAA.1.BBBBBBBBBBBBBBBBBBBBBB@verdicts.example>',
  'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
  'List-Id': 'Weekly AI Tool Verdicts <digest.verdicts.example>',
  'List-Help': '<https://verdicts.example/>',
  'List-Archive': '<https://verdicts.example/issues>',
  'List-Post': 'NO',
  'List-Owner': '<mailto:desk@verdicts.example>',
  'Feedback-ID': 'issue47:weekly:digest:weeklyverdict',
  'X-Entity-Ref-ID': '2026-11-24',
};

describe('a message in the outbox', () => {
  it('has every header once, as given', async () => {
    const mail = await delivered({ headers: LIST_HEADERS, to: 'reader@readers.example' });
    for (const [name, value] of Object.entries(LIST_HEADERS)) expect(mail.one(name), name).toBe(value);
    expect(mail.one('From')).toBe('Weekly Verdicts <digest@verdicts.example>');
    expect(mail.one('To')).toBe('reader@readers.example');
    expect(mail.one('Reply-To')).toBe('desk@verdicts.example');
    expect(mail.one('Subject')).toBe('Ship Inkwell over Ferret');
    expect(mail.one('Date')).toBe('Tue, 24 Nov 2026 09:00:00 +0000');
    expect(mail.one('MIME-Version')).toBe('1.0');
    const names = mail.rawHeaders.map(([name]) => name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
  });

  it('has the text part first and the html part second, in UTF-8', async () => {
    const text =
      'Ship „Zażółć“ 検索くん 🚢\n\nA line that ends in a space \n.\n-- \nUnsubscribe: https://x.example/u\n';
    const html = `<!doctype html><html lang="en"><p>${'Zażółć 検索くん '.repeat(120)}&amp; = 100%</p></html>`;
    const mail = await delivered({ text, html });
    expect(mail.one('Content-Type')).toMatch(/^multipart\/alternative;/);
    expect(mail.parts.map(({ type, charset }) => [type, charset])).toEqual([
      ['text/plain', 'utf-8'],
      ['text/html', 'utf-8'],
    ]);
    expect(mail.parts[0]?.content.trimEnd()).toBe(text.trimEnd());
    expect(mail.parts[1]?.content.trimEnd()).toBe(html);
  });

  it('encodes non-ASCII names and subjects', async () => {
    const mail = await delivered({
      from: 'Wöchentliche Urteile „KI“ <digest@verdicts.example>',
      replyTo: 'Redaktion, die 検索 <desk@verdicts.example>',
      subject:
        'Ship データ舟 🚢 — not “Ñandú” (a long subject that has to be folded, more than once, to fit its line)',
      headers: { 'List-Id': 'Urteile für 検索 <digest.verdicts.example>' },
    });
    expect(mail.one('Subject')).toContain('Ship データ舟 🚢 — not “Ñandú” (a long subject');
    expect(mail.one('From')).toMatch(/^"?Wöchentliche Urteile „KI“"? <digest@verdicts\.example>$/);
    expect(mail.one('Reply-To')).toMatch(/^"?Redaktion, die 検索"? <desk@verdicts\.example>$/);
    expect(mail.one('List-Id')).toBe('Urteile für 検索 <digest.verdicts.example>');
    for (const line of mail.lines) expect([...line].every((byte) => byte < 128)).toBe(true);
  });

  it('keeps the line lengths of RFC 5322, whatever its content', async () => {
    const anything = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 400 }),
      fc.constantFrom('x'.repeat(3_000), '検'.repeat(1_500), `${'word '.repeat(600)}`, '.\n..\n.'),
    );
    await fc.assert(
      fc.asyncProperty(anything, anything, anything, async (subject, text, html) => {
        const mail = await delivered({
          // The checks of an issue refuse a line that cannot be folded.
          subject: subject.slice(0, 300).replace(/[\r\n]/g, ' '),
          text,
          html,
          headers: LIST_HEADERS,
        });
        for (const line of mail.lines) {
          expect(line.length).toBeLessThanOrEqual(998);
          expect(line.includes('\n') || line.includes('\r')).toBe(false);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('lets no input add a header', async () => {
    const evil = '\r\nBcc: everybody@elsewhere.example\r\n\r\n<b>body</b>';
    const breaks = fc.constantFrom('\r\n', '\n', '\r', '\r\n ', '\n\t', '\u2028', '\u0085', '\0', '\v', '\f');
    const hostile = fc.oneof(
      fc.constant(evil),
      fc
        .tuple(
          fc.string({ maxLength: 20 }),
          breaks,
          fc.constantFrom('Bcc: x@evil.example', 'X-Evil: 1', '', '\r\nbody'),
        )
        .map((parts) => parts.join('')),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          subject: hostile,
          name: hostile,
          replyTo: hostile,
          value: hostile,
          issue: fc.constant('2026-11-24'),
        }),
        async ({ subject, name, replyTo, value }) => {
          const mail = await delivered({
            subject,
            from: `${name} <digest@verdicts.example>`,
            replyTo: `${replyTo} <desk@verdicts.example>`,
            headers: { 'List-Id': value, 'X-Entity-Ref-ID': value },
          });
          const names = mail.rawHeaders.map(([field]) => field.toLowerCase());
          const known = [
            'from',
            'to',
            'reply-to',
            'subject',
            'date',
            'message-id',
            'mime-version',
            'content-type',
          ];
          expect(names.filter((field) => ![...known, 'list-id', 'x-entity-ref-id'].includes(field))).toEqual(
            [],
          );
          expect(mail.parts).toHaveLength(2);
          expect(mail.parts[0]?.content.trim()).toBe('Ship it.');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('stays in its folder, whatever its key', async () => {
    await mailer.submit(batch([message()], '../../../escape/../r1'));
    expect(await readdir(path.join(dataDir, 'outbox', '2026-11-24'))).toHaveLength(2);
    expect((await readdir(dataDir)).sort()).toEqual(['outbox', 'outbox.tmp']);
  });
});

describe('the pages of the outbox', () => {
  /** Every page that can be reached from the front page by links. */
  async function reachable(): Promise<Set<string>> {
    const found = new Set<string>();
    const follow = async (page: string) => {
      if (found.has(page)) return;
      found.add(page);
      if (!page.endsWith('index.html')) return;
      const $ = load(await readFile(path.join(dataDir, 'outbox', page), 'utf8'));
      for (const link of $('a').toArray())
        await follow(path.join(path.dirname(page), decodeURIComponent($(link).attr('href') ?? '')));
    };
    await follow('index.html');
    return found;
  }

  const written = async () =>
    (await readdir(path.join(dataDir, 'outbox'), { recursive: true }))
      .filter((file) => /\.(?:html|eml)$/.test(file))
      .sort();

  it('lead to every message of every issue, even when many are written at once', async () => {
    const issues = ['2026-11-17', '2026-11-24', '2026-12-01'];
    await Promise.all(
      Array.from({ length: 24 }, (_, number) =>
        mailer.submit(
          batch([message({ issue: issues[number % 3] ?? '' }), message({ issue: issues[number % 3] ?? '' })]),
        ),
      ),
    );
    const files = await written();
    expect(files.filter((file) => file.endsWith('.eml'))).toHaveLength(48);
    expect([...(await reachable())].sort()).toEqual(files);
  });

  it('show addresses and subjects as text', async () => {
    const subject = 'A <script>alert(1)</script> & "more"';
    const to = `"<img src=x onerror=alert(1)>"@readers.example`;
    await mailer.submit(batch([message({ subject, to })], 'batch/one/r1'));
    const page = await readFile(path.join(dataDir, 'outbox/2026-11-24/batch-one-r1/index.html'), 'utf8');
    const $ = load(page);
    expect($('script, img').length).toBe(0);
    expect($('h1').text()).toBe(subject);
    expect($('li').text()).toContain(to);
  });

  it('exist after a crash between accepting and listing', async () => {
    const first = batch([message()]);
    await mailer.submit(first);
    await writeFile(path.join(dataDir, 'outbox/2026-11-24/index.html'), '<p>nothing yet</p>');
    await mailer.submit(first);
    expect([...(await reachable())].sort()).toEqual(await written());
  });
});

describe('a crash', () => {
  it('within a batch leaves nothing visible, and the batch is sent once', async () => {
    const first = batch([message(), message()]);
    const draft = path.join(dataDir, 'outbox.tmp', randomUUID());
    await mkdir(draft, { recursive: true });
    await writeFile(path.join(draft, '001.eml'), 'To: half@readers.example\r\n\r\nha');
    const again = await openOutbox(dataDir);
    expect(await recipients(dataDir)).toEqual([]);
    expect(await again.submit(first)).toMatchObject({ kind: 'accepted' });
    expect(await again.recall?.(first.key, '2026-11-24')).toHaveLength(2);
    expect((await recipients(dataDir)).sort()).toEqual(first.copies.map(({ to }) => to).sort());
  });

  it('of one of two processes under one key leaves one copy', async () => {
    const first = batch(Array.from({ length: 60 }, () => message()));
    const request = path.join(dataDir, 'request.json');
    await writeFile(request, JSON.stringify(first));
    const children = Array.from({ length: 3 }, () =>
      start('test/helpers/child-outbox.ts', [dataDir, request]),
    );
    const [victim, ...others] = children;
    try {
      await Promise.all(children.map((child) => child.says('ready')));
      for (const child of children) child.tell('go');
      await victim?.says('submitting');
      victim?.kill('SIGKILL');
      const ends = await Promise.all(others.map((child) => child.ended));
      expect(new Set(ends.map(({ stdout }) => stdout)).size).toBe(1);
      expect(ends[0]?.stdout).toContain('"kind":"accepted"');
      expect((await recipients(dataDir)).sort()).toEqual(first.copies.map(({ to }) => to).sort());
    } finally {
      for (const child of children) await child[Symbol.asyncDispose]();
    }
  });
});
