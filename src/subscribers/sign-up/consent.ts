import { createHash } from 'node:crypto';

/** What people are told when they agree. */
export interface ConsentText {
  /** Names the wording and, by its hash, the newsletter it was said of: a renamed one gets a version of its own. */
  version: string;
  /** sha256 of `text`, hex. */
  hash: string;
  /** Shown beside the button, and kept with every consent for ever. */
  text: string;
}

/** Another text that people were shown with it, which is not ours to keep. */
export interface PrivacyNote {
  url: string;
  /** null where the operator does not name it. */
  version: string | null;
}

/** Raise it with every change of the wording. */
const WORDING = '2026-11';

/** Nothing is ticked beforehand, and nothing else hangs on it (GDPR Art. 7). */
export function consentText(newsletterName: string): ConsentText {
  const text =
    `Send me ${newsletterName} by mail, one issue a week. First I get one mail with a link, and only when I ` +
    'confirm there does it begin. I can leave at any time, with one press.';
  return named(WORDING, text);
}

/** The confirm mail as it was written to everybody, from its plain text: what differs is the link. */
export function confirmText(text: string): ConsentText {
  return named('confirm', text.replaceAll(/\/confirm\/[\w-]{43}/g, '/confirm/…'));
}

function named(wording: string, text: string): ConsentText {
  const hash = createHash('sha256').update(text).digest('hex');
  return { version: `${wording}.${hash.slice(0, 8)}`, hash, text };
}
