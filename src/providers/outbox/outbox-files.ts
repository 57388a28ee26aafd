import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PRIVATE_FILE } from '../../platform/private-folder.ts';
import { listing, mailItem, readMailItems, readTitle } from './outbox-pages.ts';

/**
 * The files of the outbox, for the job that deletes them. It holds whole mails, with addresses and personal links, so
 * they are deleted after a time, and the mails of a person when that person is erased. `answer.json` stays longer: it
 * holds no address, and without it an accepted key would look unused.
 */
export interface OutboxFiles {
  /** The batches that still hold mails, one by one. */
  parcels(): AsyncGenerator<OutboxParcel>;
  /** Removes every mail accepted before `time`. @returns how many mails were removed. */
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
  /** Name of its files, without extension. */
  name: string;
  /** Id of the delivery or of the transactional email; null when the answer does not say. */
  id: string | null;
  recipient: string;
}

/** A worker asks for an answer again within a day; after a longer downtime it may ask later. */
const ANSWER_DAYS = 365;

/** Drafts are filled within seconds; an older draft belongs to a process that died. */
const DRAFT_HOURS = 1;

const HOUR_MS = 3_600_000;

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** @param dataDir directory of the outbox; it may be empty. */
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

/**
 * Rewrites the list first: a mail that the list no longer names is not looked up again, and a mail that it still names
 * can be removed later.
 */
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

/** Another process may remove the file meanwhile; every other error is thrown. */
function ignoreMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}
