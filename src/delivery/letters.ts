import type { Connection } from '../db/index.ts';
import { type Keys, oneTimeToken, signer } from '../subscribers/index.ts';
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

  async change(mail, { keys, newsletter }) {
    if (mail.subscriber?.status !== 'active') return null;
    const url = `${newsletter.url}/change/${oneTimeToken(keys, mail.id, mail.keyId)}`;
    return {
      newsletter,
      subject: `Send ${newsletter.name} to this address?`,
      preheader: 'Press one button, and issues come here. If you did not ask, do nothing.',
      heading: 'Shall issues come here?',
      paragraphs: [
        `Somebody, hopefully you, asked for ${newsletter.name} to be sent to this address instead of another.`,
        'Open the page and press its button, and the next issue comes here. The link works for 72 hours.',
      ],
      action: { label: 'Use this address', url },
      list: null,
      notes: [{ text: 'This was not you? Do nothing: without the button nothing changes.', link: null }],
      why: 'You get this one mail because a reader gave this address as their new one.',
    };
  },

  async changed(_mail, { newsletter }) {
    return {
      newsletter,
      subject: `${newsletter.name} does not come here any more`,
      preheader: 'Your subscription has moved to another address, as you asked.',
      heading: 'Your subscription has moved',
      paragraphs: [
        `From now on ${newsletter.name} goes to another address, which confirmed that it wants it.`,
        'Nothing more is sent to this one.',
      ],
      action: null,
      list: null,
      notes: [{ text: 'This was not you? Answer this mail, and a person will look into it.', link: null }],
      why: `You get this one mail because ${newsletter.name} was sent to this address until today.`,
    };
  },

  async link(mail, { keys, newsletter }) {
    if (mail.subscriber?.status !== 'active') return null;
    const { id, tokenVersion } = mail.subscriber;
    const token = signer(keys, 'preferences', mail.keyId)({ subscriberId: id, version: tokenVersion });
    return {
      newsletter,
      subject: `Your preferences for ${newsletter.name}`,
      preheader: 'The link you asked for: topics, a break, another address, or the end of it.',
      heading: 'Here is your link',
      paragraphs: [
        `Choose your topics of ${newsletter.name}, take a break, move to another address, or leave.`,
        'The link knows that it is you: keep it to yourself.',
      ],
      action: { label: 'Open my preferences', url: `${newsletter.url}/preferences/${token}` },
      list: null,
      notes: [{ text: 'You did not ask for it? Then nothing has happened, and nothing will.', link: null }],
      why: 'You get this one mail because somebody typed this address into the form for lost links.',
    };
  },
};

/** @returns null when there is nothing to say any more: the mail is dropped. */
export async function writeLetter(mail: ClaimedMail, context: LetterContext): Promise<Letter | null> {
  return (await writers[mail.kind]?.(mail, context)) ?? null;
}
