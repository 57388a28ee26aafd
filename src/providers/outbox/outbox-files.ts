import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PRIVATE_FILE } from '../../platform/private-folder.ts';
import { listing, mailItem, readMailItems, readTitle } from './outbox-pages.ts';

/**
 * What the outbox keeps, for whoever ends it. It holds whole mails, with addresses and personal links, so they go
 * after a time, and those of one person when that person is erased. `answer.json` stays for longer: it holds
 * no address, and without it a key that was accepted would look as if nothing had been.
 */
export interface OutboxFiles {
  /** The batches that still hold mails, one after the other. */
  parcels(): AsyncGenerator<OutboxParcel>;
  /** Removes every mail that was accepted before. @returns how many there were. */
  removeBefore(time: Date): Promise<number>;
  measure(): Promise<{ mails: number; bytes: number }>;
}

export interface OutboxParcel {
  acceptedAt: Date;
  mails: OutboxMail[];
  /** Removes some of its mails, by name. */
  remove(names: ReadonlySet<string>): Promise<void>;
}

export interface OutboxMail {
  /** Of its files, without an ending. */
  name: string;
  /** Of the delivery, or of the transactional mail; null where the answer does not tell. */
  id: string | null;
  recipient: string;
}

/** An answer is asked for again within a day; a process that was down for longer may ask once it is back. */
const ANSWER_DAYS = 365;

/** Drafts are filled within seconds; what is older was left by a process that died. */
const DRAFT_HOURS = 1;

const HOUR_MS = 3_600_000;

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** @param dataDir of the outbox; it need not hold one. */
export function openOutboxFiles(dataDir: string): OutboxFiles {
  const outbox = path.join(dataDir, 'outbox');
  const aside = path.join(dataDir, 'outbox.tmp');

  async function* folders(): AsyncGenerator<{ folder: string; acceptedAt: Date }> {
    for (const section of await directoriesIn(outbox)) {
      for (const folder of await directoriesIn(section)) {
        const acceptedAt = await modifiedAt(path.join(folder, 'answer.json'));
        if (acceptedAt !== undefined) yield { folder, acceptedAt };
      }
    }
  }

  return {
    async *parcels() {
      for await (const { folder, acceptedAt } of folders()) {
        const page = await readText(path.join(folder, 'index.html'));
        const ids = await idsIn(folder);
        const mails = readMailItems(page).map(({ name, recipient }) => ({
          ...{ name, recipient },
          id: ids[Number(name) - 1] ?? null,
        }));
        if (mails.length === 0) continue;
        yield { acceptedAt, mails, remove: (names) => removeMails(folder, page, mails, names) };
      }
    },

    async removeBefore(time) {
      let removed = 0;
      for await (const { folder, acceptedAt } of folders()) {
        if (acceptedAt >= time) continue;
        const page = await readText(path.join(folder, 'index.html'));
        const mails = readMailItems(page);
        if (mails.length > 0) {
          await removeMails(folder, page, mails, new Set(mails.map(({ name }) => name)));
          removed += mails.length;
        }
        if (acceptedAt.getTime() < time.getTime() - ANSWER_DAYS * 24 * HOUR_MS)
          await rm(folder, { recursive: true, force: true });
      }
      for (const draft of await directoriesIn(aside)) {
        const at = await modifiedAt(draft);
        if (at !== undefined && at.getTime() < Date.now() - DRAFT_HOURS * HOUR_MS)
          await rm(draft, { recursive: true, force: true });
      }
      return removed;
    },

    async measure() {
      let mails = 0;
      let bytes = 0;
      for await (const { folder } of folders()) {
        for (const name of await namesIn(folder)) {
          if (name.endsWith('.eml')) mails += 1;
          bytes += await stat(path.join(folder, name)).then(
            ({ size }) => size,
            () => 0,
          );
        }
      }
      return { mails, bytes };
    },
  };
}

/** The list first: what it does not name any more is not looked for again, and what it names can still be removed. */
async function removeMails(
  folder: string,
  page: string,
  mails: readonly Omit<OutboxMail, 'id'>[],
  names: ReadonlySet<string>,
): Promise<void> {
  for (const name of names) {
    for (const ending of ['eml', 'html']) await rm(path.join(folder, `${name}.${ending}`), { force: true });
  }
  const items = mails.map(({ name, recipient }) =>
    names.has(name) ? `${name}: removed` : mailItem(name, recipient),
  );
  const draft = path.join(folder, `.index.${randomUUID()}`);
  await writeFile(draft, listing(readTitle(page), items), { mode: PRIVATE_FILE });
  await rename(draft, path.join(folder, 'index.html'));
}

async function idsIn(folder: string): Promise<(string | null)[]> {
  const { items = [] } = JSON.parse(await readText(path.join(folder, 'answer.json'))) as {
    items?: { accepted?: string }[];
  };
  return items.map(({ accepted }) => (accepted !== undefined && UUID.test(accepted) ? accepted : null));
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(ignoreMissing([]));
}

async function directoriesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(ignoreMissing([]));
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => path.join(folder, name));
}

async function modifiedAt(file: string): Promise<Date | undefined> {
  return stat(file).then(({ mtime }) => mtime, ignoreMissing(undefined));
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(ignoreMissing(''));
}

/** Somebody else may remove it meanwhile; another fault is one. */
function ignoreMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}
