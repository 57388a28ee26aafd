import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import MailComposer from 'nodemailer/lib/mail-composer';
import { makePrivate, PRIVATE_DIRECTORY, PRIVATE_FILE } from '../../platform/private-folder.ts';
import {
  type ItemOutcome,
  type Mailer,
  type Message,
  messagesOf,
  type Outcome,
  type Provider,
} from '../port.ts';
import { folderItem, listing, mailItem } from './outbox-pages.ts';

/** The outbox as a provider: no mail leaves this machine, so there are no events. */
export async function openOutboxProvider(dataDir: string, clock: () => Date): Promise<Provider> {
  const mailer = await openOutbox(dataDir, clock);
  return { mailer, canSend: true, rate: null, webhook: null, browsable: path.join(dataDir, 'outbox') };
}

/**
 * A provider that stores everything on this machine. It gives the same guarantee as a real one: a batch is accepted as
 * a whole, under its key, once. A batch is written to a draft folder and moved into the outbox by one atomic `rename`.
 * The existing directory is the record that the key was accepted, and answers a replay.
 *
 * ```
 * outbox/index.html                     the issues
 * outbox/2026-11-24/index.html          the batches of one issue
 * outbox/2026-11-24/<key>/index.html    the messages of a batch: 001.eml, 001.html, …
 * outbox/2026-11-24/<key>/answer.json   the answer
 * outbox/transactional/<key>/…          confirm mails and other transactional emails, one a folder
 * ```
 */
export async function openOutbox(dataDir: string, clock: () => Date = () => new Date()): Promise<Mailer> {
  const outbox = path.join(dataDir, 'outbox');
  const drafts = path.join(dataDir, 'outbox.tmp');
  makePrivate(dataDir);
  await mkdir(outbox, PRIVATE);

  /** Returns the stored answer of `key`; without one, fills a new folder with `fill` and returns its answer. */
  async function answerOnce(
    section: string,
    key: string,
    fill: (draft: string) => Promise<Answer>,
  ): Promise<Answer> {
    const folder = path.join(outbox, section, folderName(key));
    const answer =
      (await readAnswer(folder)) ?? (await createFolder(folder, fill)) ?? (await readAnswer(folder));
    if (answer === undefined) throw new Error(`${folder} holds no answer`);
    // Also after a replay: the process that accepted it may have died before it wrote the index.
    await writeIndexes(outbox, section);
    return answer;
  }

  /** Fills a draft folder and moves it to its final name. @returns undefined when another process was first. */
  async function createFolder<T>(
    folder: string,
    fill: (draft: string) => Promise<T>,
  ): Promise<T | undefined> {
    const draft = path.join(drafts, randomUUID());
    await mkdir(draft, PRIVATE);
    try {
      const filled = await fill(draft);
      await mkdir(path.dirname(folder), PRIVATE);
      return await rename(draft, folder).then(
        () => filled,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST') return undefined;
          throw error;
        },
      );
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }

  async function accept(section: string, parcel: Parcel): Promise<Outcome> {
    const answer = await answerOnce(section, parcel.key, (draft) => writeParcel(draft, parcel, clock()));
    if (answer.payloadHash === parcel.payloadHash) return { kind: 'accepted', items: answer.items };
    return answer.payloadHash === null
      ? { kind: 'ambiguous', reason: 'this key was given up', final: true }
      : { kind: 'conflict', reason: 'this key was used with other messages' };
  }

  return {
    destination: `${outbox} (nothing leaves this machine)`,

    submit({ key, payloadHash, ...batch }) {
      return accept(batch.variant.issue, { key, payloadHash, messages: () => messagesOf(batch) });
    },

    send(mail, key) {
      const { mailId, kind: _, ...rest } = mail;
      const messages = () => [{ ...rest, deliveryId: mailId, issue: TRANSACTIONAL }];
      const payloadHash = createHash('sha256').update(JSON.stringify(mail)).digest('base64url');
      return accept(TRANSACTIONAL, { key, payloadHash, messages });
    },

    async recall(key, issue) {
      // Occupies the key's folder, so that a worker that wakes up late cannot use the key.
      const answer = await answerOnce(issue, key, (draft) => writeVoidedKey(draft, key));
      return answer.payloadHash === null ? 'unknown-key' : answer.items;
    },
  };
}

/** Mails hold their readers' personal links. */
const PRIVATE = { recursive: true, mode: PRIVATE_DIRECTORY };

const write = (file: string, content: string | Buffer) => writeFile(file, content, { mode: PRIVATE_FILE });

const TRANSACTIONAL = 'transactional';

interface Parcel {
  key: string;
  payloadHash: string;
  /** Composed only when they are written. */
  messages(): Message[];
}

interface Answer {
  /** null: nothing was accepted, and nothing will be. */
  payloadHash: string | null;
  items: ItemOutcome[];
}

function folderName(key: string): string {
  return key.replace(/[^\w-]/g, '-');
}

async function readAnswer(folder: string): Promise<Answer | undefined> {
  try {
    return JSON.parse(await readFile(path.join(folder, 'answer.json'), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeParcel(folder: string, parcel: Parcel, date: Date): Promise<Answer> {
  const items: string[] = [];
  const messages = parcel.messages();
  for (const [index, message] of messages.entries()) {
    const name = String(index + 1).padStart(3, '0');
    await write(path.join(folder, `${name}.eml`), await compose(message, date));
    await write(path.join(folder, `${name}.html`), message.html);
    items.push(mailItem(name, message.to));
  }
  const answer: Answer = {
    payloadHash: parcel.payloadHash,
    items: messages.map((message) => ({ accepted: message.deliveryId })),
  };
  await write(path.join(folder, 'index.html'), listing(messages[0]?.subject ?? parcel.key, items));
  await write(path.join(folder, 'answer.json'), JSON.stringify(answer));
  return answer;
}

async function writeVoidedKey(folder: string, key: string): Promise<Answer> {
  const answer: Answer = { payloadHash: null, items: [] };
  await write(path.join(folder, 'index.html'), listing(`${key}: given up, nothing was accepted`, []));
  await write(path.join(folder, 'answer.json'), JSON.stringify(answer));
  return answer;
}

/** RFC 5322 and MIME by nodemailer; the ids and the boundary follow from the delivery. */
async function compose(message: Message, date: Date): Promise<Buffer> {
  const domain = /@([^>\s]+)>?$/.exec(message.from)?.[1] ?? 'localhost';
  return new MailComposer({
    from: message.from,
    to: message.to,
    replyTo: message.replyTo,
    subject: message.subject,
    text: message.text,
    html: message.html,
    headers: message.headers,
    date,
    messageId: `<${message.deliveryId}@${domain}>`,
    baseBoundary: message.deliveryId,
    newline: 'windows',
    disableUrlAccess: true,
    disableFileAccess: true,
  })
    .compile()
    .build();
}

/**
 * Written to a draft and renamed, so that a browser never reads an incomplete page. Repeated until the page lists the
 * whole folder: of two processes that write at once, neither removes the other's entry.
 */
async function writeIndexes(outbox: string, issue: string): Promise<void> {
  for (const [folder, title] of [
    [path.join(outbox, issue), issue],
    [outbox, 'Outbox'],
  ] as const) {
    for (let written: string | undefined; ; ) {
      const page = listing(title, (await subfolders(folder)).sort().map(folderItem));
      if (page === written) break;
      const draft = path.join(folder, `.index.${randomUUID()}`);
      await write(draft, page);
      await rename(draft, path.join(folder, 'index.html'));
      written = page;
    }
  }
}

async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
