import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { linkSentPage } from '../../src/desk/auth/sign-in-page.tsx';
import type { Connection } from '../../src/platform/db/database.ts';
import { renderTransactional } from '../../src/render/render-variant.ts';
import { TRANSACTIONAL_EMAILS } from '../../src/sending/transactional/transactional-emails.ts';
import { expiredPage } from '../../src/subscribers/confirm/confirm-page.tsx';
import { addressChangePage } from '../../src/subscribers/preferences/address-change-page.tsx';
import { preferencesPage } from '../../src/subscribers/preferences/preferences-page.tsx';
import { PAUSE_WEEKS } from '../../src/subscribers/preferences/preferences-store.ts';
import { ALREADY_DAYS } from '../../src/subscribers/sign-up/limits.ts';
import {
  freshLinkExpiredPage,
  freshLinkSentPage,
  newAddressRequestedPage,
} from '../../src/subscribers/step-up/step-up-page.tsx';
import {
  CHANGE_LINK_HOURS,
  CONFIRM_LINK_HOURS,
  FRESH_LINK_MINUTES,
  SIGN_IN_LINK_MINUTES,
} from '../../src/transactional/link-lifetimes.ts';
import type { MailKind } from '../../src/transactional/mail-kinds.ts';
import { SITE } from '../helpers/site.ts';

/**
 * Other values than the real ones, all different: a text with a number of its own, or of another lifetime, is detected.
 */
vi.mock('../../src/transactional/link-lifetimes.ts', () => ({
  CONFIRM_LINK_HOURS: 1_041,
  CHANGE_LINK_HOURS: 1_042,
  FRESH_LINK_MINUTES: 1_043,
  SIGN_IN_LINK_MINUTES: 1_044,
}));
vi.mock('../../src/subscribers/sign-up/limits.ts', async (original) => ({
  ...(await original<object>()),
  ALREADY_DAYS: 1_045,
}));

const newsletter = { name: SITE.newsletterName, url: SITE.publicUrl, postalAddress: SITE.postalAddress };

/** Mails whose props come from their row alone. */
async function mailOf(kind: MailKind, content: Record<string, unknown> = {}): Promise<string> {
  const subscriber = { id: crypto.randomUUID(), status: 'active', reason: null, topics: [], tokenVersion: 1 };
  const mail = { id: crypto.randomUUID(), kind, content, keyId: 'k', subscriber };
  const row = { ...mail, leaseId: '', to: 'reader@readers.example', forgotten: false };
  const context = { db: null as unknown as Connection, keys: ['a key of thirty-two characters..'] as const };
  const written = await TRANSACTIONAL_EMAILS[kind].write(row, { ...context, newsletter });
  if (written === null || 'html' in written) throw new Error(`nothing was written for ${kind}`);
  const { html, text } = await renderTransactional(written);
  return `${html}\n${text}`;
}

const change = { state: 'over' as const, from: 'a@b.example', to: 'c@d.example' };
const preferences = { token: 't', address: 'r…@b.example', choices: [], pausedUntil: null, notice: null };

/** Every text that says how long something lasts. */
const TEXTS: [name: string, text: () => string | Promise<string>, says: string][] = [
  ['the confirm mail', () => mailOf('confirm'), `${CONFIRM_LINK_HOURS} hours`],
  ['the page of a confirm link that is over', () => expiredPage(SITE), `${CONFIRM_LINK_HOURS} hours`],
  ['the mail to a new address', () => mailOf('change'), `${CHANGE_LINK_HOURS} hours`],
  ['the page of a change that is over', () => addressChangePage(SITE, change), `${CHANGE_LINK_HOURS} hours`],
  ['the page after a new address', () => newAddressRequestedPage(SITE, 'x'), `${CHANGE_LINK_HOURS} hours`],
  [
    'the mail with a fresh link',
    () => mailOf('step_up', { purpose: 'erase' }),
    `${FRESH_LINK_MINUTES} minutes`,
  ],
  ['the page after asking for one', () => freshLinkSentPage(SITE, 'x'), `${FRESH_LINK_MINUTES} minutes`],
  [
    'the page of a fresh link that is over',
    () => freshLinkExpiredPage(SITE),
    `${FRESH_LINK_MINUTES} minutes`,
  ],
  ['the sign-in mail', () => mailOf('sign_in'), `${SIGN_IN_LINK_MINUTES} minutes`],
  ['the page after asking for it', () => linkSentPage(SITE), `${SIGN_IN_LINK_MINUTES} minutes`],
  ['the note to a reader who signs up again', () => mailOf('already'), `${ALREADY_DAYS} days`],
  ['the preferences', () => preferencesPage(SITE, preferences), `${PAUSE_WEEKS} weeks`],
];

const LENGTH = /\b\d[\d,]* (?:minutes|hours|days|weeks)\b/gu;

describe('a text about the lifetime of a link', () => {
  it.each(TEXTS)('%s follows from the constant', async (_, text, says) => {
    // Removes markup between a number and its unit, which people do not see.
    const read = (await text()).replace(/<!--.*?-->/gsu, '').replace(/\s+/gu, ' ');
    expect([...new Set(read.match(LENGTH))]).toEqual([says]);
  });
});

/** Without comments, because they promise readers nothing. */
function code(source: string): string {
  return source.replace(/\/\*.*?\*\//gsu, '').replace(/(?<=^|\s)\/\/.*$/gmu, '');
}

it('no text and no statement contains such a number', () => {
  const root = resolve(import.meta.dirname, '../..');
  const found = ['src', 'emails', 'jobs'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/u.test(file) && !file.includes('migrations'))
      .flatMap((file) =>
        (code(readFileSync(join(root, folder, file), 'utf8')).match(LENGTH) ?? []).map(
          (literal) => `${folder}/${file}: "${literal}"`,
        ),
      ),
  );
  expect(found, 'name it as a constant beside its rule, and print that').toEqual([]);
});
