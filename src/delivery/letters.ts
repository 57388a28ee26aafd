import type { Connection } from '../db/index.ts';
import { type Keys, oneTimeToken } from '../subscribers/index.ts';
import type { ClaimedMail, Letter, MailKind } from '../transactional/index.ts';

export interface LetterContext {
  db: Connection;
  /** Make the links. */
  keys: Keys;
  newsletter: Letter['newsletter'];
}

type Writer = (mail: ClaimedMail, context: LetterContext) => Promise<Letter | null>;

/** What each kind of mail says. Deterministic, like everything that is sent under a key. */
const writers: Partial<Record<MailKind, Writer>> = {
  async confirm(mail, { keys, newsletter }) {
    const url = `${newsletter.url}/confirm/${oneTimeToken(keys, mail.id, mail.keyId)}`;
    return {
      newsletter,
      subject: `Confirm your subscription to ${newsletter.name}`,
      preheader: 'One step is left. If you did not ask for this, do nothing.',
      heading: 'One step is left',
      paragraphs: [
        `Somebody, hopefully you, asked for ${newsletter.name} to be sent to this address.`,
        'Open the page and press its button, and the next issue is yours. The link works for 72 hours.',
      ],
      action: { label: 'Confirm my subscription', url },
      list: null,
      notes: [
        { text: 'This was not you? Do nothing: without the button nobody is subscribed.', link: null },
        { text: 'And if it happens again:', link: { label: 'Never mail me again', url: `${url}#never` } },
      ],
      why: 'You get this one mail because this address was typed into our sign-up form.',
    };
  },
};

/** @returns null when there is nothing to say any more: the mail is dropped. */
export async function writeLetter(mail: ClaimedMail, context: LetterContext): Promise<Letter | null> {
  return (await writers[mail.kind]?.(mail, context)) ?? null;
}
