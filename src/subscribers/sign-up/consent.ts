import { createHash } from 'node:crypto';

/** The text that people agree to. */
export interface ConsentText {
  /** Names the wording and, by a hash, the newsletter's name: a renamed newsletter gets a new version. */
  version: string;
  /** sha256 of `text`, hex. */
  hash: string;
  /** Shown beside the button, and stored with every consent permanently. */
  text: string;
}

/** Another text shown with it, which the operator publishes; we store only its address and version. */
export interface PrivacyNote {
  url: string;
  /** null when the operator names no version. */
  version: string | null;
}

/** Change it with every change of the wording. */
const WORDING = '2026-11';

/** No box is ticked in advance, and consent is not tied to anything else (GDPR Art. 7). */
export function consentText(newsletterName: string): ConsentText {
  const text =
    `Send me ${newsletterName} by mail, one issue a week. First I get one mail with a link, and only when I ` +
    'confirm there does it begin. I can leave at any time, with one press.';
  return named(WORDING, text);
}

/** The confirm mail as a consent text: its plain text without the link, which differs for everybody. */
export function confirmText(text: string): ConsentText {
  return named('confirm', text.replaceAll(/\/confirm\/[\w-]{43}/g, '/confirm/…'));
}

function named(wording: string, text: string): ConsentText {
  const hash = createHash('sha256').update(text).digest('hex');
  return { version: `${wording}.${hash.slice(0, 8)}`, hash, text };
}
