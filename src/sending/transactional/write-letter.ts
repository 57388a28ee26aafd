import { title } from '../../comparisons/names.ts';
import { verdict } from '../../comparisons/verdict.ts';
import { findIssue } from '../../issues/issue-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import { CHANGE_HOURS } from '../../subscribers/preferences/preferences-store.ts';
import { CONFIRM_HOURS } from '../../subscribers/sign-up/limits.ts';
import { FRESH_LINK_MINUTES, type FreshLinkPurpose } from '../../subscribers/step-up/step-up-store.ts';
import { type Keys, oneTimeToken, signer } from '../../subscribers/tokens.ts';
import type { Letter } from '../../transactional/letter.ts';
import type { ClaimedMail, MailKind } from '../../transactional/transactional-store.ts';
import { mailedIssue } from '../delivery-store.ts';
import { readTest } from '../preview/preview-store.ts';

export interface LetterContext {
  db: Connection;
  /** Make the links. */
  keys: Keys;
  newsletter: Letter['newsletter'];
}

/** A mail that was drawn before: an issue, sent to try it. */
export interface Drawn {
  from: string;
  subject: string;
  html: string;
  text: string;
}

type Writer = (mail: ClaimedMail, context: LetterContext) => Promise<Letter | Drawn | null>;

/** What a fresh link is for. */
const STEP_UP: Record<FreshLinkPurpose, { subject: string; heading: string; about: string; action: string }> =
  {
    export: {
      subject: 'Download your data from',
      heading: 'Download your data',
      about: 'Open the page and press its button, and you get all that we know about you, in one file.',
      action: 'Download my data',
    },
    erase: {
      subject: 'Erase your data at',
      heading: 'Erase all we know about you?',
      about: 'Open the page and press its button, and we forget you. It cannot be taken back.',
      action: 'Erase me',
    },
    change_address: {
      subject: 'Change your address for',
      heading: 'Change your address',
      about: 'Open the page and type the new address. We ask there, too, before anything changes.',
      action: 'Change my address',
    },
  };

/** What each kind of mail says. Deterministic, like everything that is sent under a key. */
const writers: Partial<Record<MailKind, Writer>> = {
  /** Nothing but the question: a confirm mail that advertises is spam, and one that quotes a form carries it. */
  async confirm(mail, { keys, newsletter }) {
    const url = `${newsletter.url}/confirm/${oneTimeToken(keys, mail.id, mail.keyId)}`;
    return {
      newsletter,
      subject: `Confirm your subscription to ${newsletter.name}`,
      preheader: 'One step is left. If you did not ask for this, do nothing.',
      heading: 'One step is left',
      paragraphs: [
        `Somebody, hopefully you, asked for ${newsletter.name} to be sent to this address.`,
        `Open the page and press its button, and the next issue is yours. The link works for ${CONFIRM_HOURS} hours.`,
      ],
      action: { label: 'Confirm my subscription', url },
      list: null,
      notes: [
        { text: 'This was not you? Do nothing: without the button nobody is subscribed.', link: null },
        {
          text: 'Does it happen again and again?',
          link: { label: 'Never mail me again', url: `${url}/never` },
        },
      ],
      why: 'You get this one mail because this address was typed into our sign-up form.',
    };
  },

  async welcome(mail, { db, keys, newsletter }) {
    if (mail.subscriber?.status !== 'active') return null;
    const { issue: slug } = mail.content;
    const issue = typeof slug === 'string' ? await mailedIssue(db, slug) : undefined;
    const links = personalLinks(mail, keys, newsletter);
    return {
      newsletter,
      subject: `Welcome to ${newsletter.name}`,
      preheader: issue
        ? [...`While you wait for the next issue: ${issue.subject}`].slice(0, 90).join('')
        : 'The next issue is yours. Here is what to expect until then.',
      heading: 'You are on the list',
      paragraphs: [
        'Once a week you get the verdicts on new AI tools, two at a time: which one to ship, which one to skip.',
        issue
          ? `While you wait for the next issue, here is the latest, No. ${issue.number}: ${issue.subject}`
          : 'The first issue is yet to come. It will be yours as soon as it goes out.',
      ],
      action: issue
        ? { label: `Read No. ${issue.number}`, url: `${newsletter.url}/issues/${issue.slug}` }
        : { label: 'See what was compared so far', url: `${newsletter.url}/comparisons` },
      list: issue?.comparisons.length
        ? {
            title: 'Its verdicts in ten seconds',
            rows: issue.comparisons.map(({ slug: each, tools }) => ({
              text: `${verdict(tools).words} (${title({ tools })})`,
              url: `${newsletter.url}/comparisons/${encodeURIComponent(each)}`,
            })),
          }
        : null,
      notes: [
        {
          text: 'Too much, or too little?',
          link: { label: 'Change topics or pause', url: links.preferences },
        },
        {
          text: 'Not for you after all?',
          link: { label: 'Unsubscribe in one step', url: links.unsubscribe },
        },
      ],
      unsubscribe: links.unsubscribe,
      why: `You get this because you confirmed your subscription to ${newsletter.name}.`,
    };
  },

  async already(mail, { keys, newsletter }) {
    if (mail.subscriber?.status !== 'active') return null;
    const links = personalLinks(mail, keys, newsletter);
    return {
      newsletter,
      subject: `You already get ${newsletter.name}`,
      preheader: 'There is nothing to do: the next issue comes to this address.',
      heading: 'You are on the list already',
      paragraphs: [
        `Somebody, probably you, asked for ${newsletter.name} to be sent to this address. It is: there is nothing to do.`,
        'Do issues not arrive? Look among the spam, and answer one of them: then your mail program knows us. If you paused, your preferences tell until when.',
      ],
      action: { label: 'My preferences', url: links.preferences },
      list: null,
      notes: [
        {
          text: 'Would you rather get no more issues?',
          link: { label: 'Unsubscribe in one step', url: links.unsubscribe },
        },
      ],
      unsubscribe: links.unsubscribe,
      why: 'You get this note, at most once in 30 days, because this address was typed into our sign-up form.',
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
        `Open the page and press its button, and the next issue comes here. The link works for ${CHANGE_HOURS} hours.`,
      ],
      action: { label: 'Use this address', url },
      list: null,
      notes: [
        { text: 'This was not you? Do nothing: without the button nothing changes.', link: null },
        {
          text: 'Does it happen again and again?',
          link: { label: 'Never mail me again', url: `${url}/never` },
        },
      ],
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
        'Whoever has the link can do most of that: keep it to yourself.',
      ],
      action: { label: 'Open my preferences', url: `${newsletter.url}/preferences/${token}` },
      list: null,
      notes: [{ text: 'You did not ask for it? Then nothing has happened, and nothing will.', link: null }],
      why: 'You get this one mail because somebody typed this address into the form for lost links.',
    };
  },

  /** For what a link in an issue may not do, because issues are forwarded. */
  async step_up(mail, { keys, newsletter }) {
    const words = STEP_UP[String(mail.content.purpose) as FreshLinkPurpose];
    if (words === undefined || mail.subscriber === null) return null;
    return {
      newsletter,
      subject: `${words.subject} ${newsletter.name}`,
      preheader: `The link you asked for works once, for ${FRESH_LINK_MINUTES} minutes.`,
      heading: words.heading,
      paragraphs: [words.about, `The link works once, for ${FRESH_LINK_MINUTES} minutes. Do not pass it on.`],
      action: {
        label: words.action,
        url: `${newsletter.url}/fresh/${oneTimeToken(keys, mail.id, mail.keyId)}`,
      },
      list: null,
      notes: [
        {
          text: 'You did not ask for it? Then nothing has happened, but somebody has one of your links, perhaps from an issue that was forwarded.',
          link: { label: 'Make my older links void', url: personalLinks(mail, keys, newsletter).preferences },
        },
      ],
      why: 'You get this one mail because it was asked for by a link that had been mailed to this address.',
    };
  },

  async exported(mail, { keys, newsletter }) {
    return {
      newsletter,
      subject: `Your data from ${newsletter.name} was downloaded`,
      preheader: 'By the link that we mailed you. If that was you, there is nothing to do.',
      heading: 'Your data was downloaded',
      paragraphs: [
        `Somebody, hopefully you, has just downloaded all that ${newsletter.name} knows about you, by the link that we mailed to this address.`,
      ],
      action: null,
      list: null,
      notes: [
        {
          text: 'This was not you? Then somebody reads your mail: change its password first.',
          link: { label: 'Make my older links void', url: personalLinks(mail, keys, newsletter).preferences },
        },
      ],
      why: `You get this one mail because data about you was handed out.`,
    };
  },

  async erased(_mail, { newsletter }) {
    return {
      newsletter,
      subject: `${newsletter.name} has forgotten you`,
      preheader: 'Your address and your data are gone, as you asked. This is the last mail.',
      heading: 'You are erased',
      paragraphs: [
        `Your address, your topics and your votes are gone from the records of ${newsletter.name}, by the link that we mailed to this address.`,
        'This is the last mail to it. With it, this copy of your address goes as well.',
      ],
      action: null,
      list: null,
      notes: [
        {
          text: 'This was not you? Then somebody reads your mail: change its password first. It cannot be taken back, but you can',
          link: { label: 'sign up again', url: `${newsletter.url}/subscribe` },
        },
      ],
      why: 'You get this one mail because everything about this address was erased.',
    };
  },

  async voided(mail, { keys, newsletter }) {
    if (mail.subscriber?.status !== 'active') return null;
    const links = personalLinks(mail, keys, newsletter);
    return {
      newsletter,
      subject: `Your older links from ${newsletter.name} are void`,
      preheader: 'Only their unsubscribe links still work. Here is a new link to your preferences.',
      heading: 'Your older links are void',
      paragraphs: [
        `Somebody, hopefully you, made every link void that ${newsletter.name} had mailed to this address. Those links still unsubscribe, and do nothing else.`,
        'The next issue brings new ones, and so does this mail.',
      ],
      action: { label: 'Open my preferences', url: links.preferences },
      list: null,
      notes: [
        {
          text: 'This was not you? Then nothing is lost: whoever did it has no link of yours any more that works.',
          link: null,
        },
      ],
      unsubscribe: links.unsubscribe,
      why: 'You get this one mail because it was asked for by a link that had been mailed to this address.',
    };
  },

  async leave(mail, { keys, newsletter }) {
    if (mail.subscriber?.status !== 'active') return null;
    const { unsubscribe } = personalLinks(mail, keys, newsletter);
    return {
      newsletter,
      subject: `Leave ${newsletter.name}`,
      preheader: 'The link you asked for: one press, and no further issue is sent to you.',
      heading: 'Here is your way out',
      paragraphs: [
        `Open the page and press its button, and no further issue of ${newsletter.name} is sent to this address.`,
      ],
      action: { label: 'Unsubscribe', url: unsubscribe },
      list: null,
      notes: [{ text: 'You did not ask for it? Do nothing: issues go on coming as before.', link: null }],
      unsubscribe,
      why: 'You get this one mail because somebody typed this address into the form for leaving.',
    };
  },

  async sign_in(mail, { keys, newsletter }) {
    return {
      newsletter,
      subject: `Sign in to the desk of ${newsletter.name}`,
      preheader: 'The link works once, for 15 minutes, in the browser that asked for it.',
      heading: 'Sign in to the desk',
      paragraphs: [
        'Open the page and press its button. The link works once, for 15 minutes, and only in the browser in which it was asked for.',
      ],
      action: {
        label: 'Open the desk',
        url: `${newsletter.url}/editor/sign-in/${oneTimeToken(keys, mail.id, mail.keyId)}`,
      },
      list: null,
      notes: [{ text: 'This was not you? Do nothing: nobody else can use this link.', link: null }],
      why: 'You get this because your address is among the editors of this newsletter.',
    };
  },

  async reminder(mail, { db, newsletter }) {
    const { about, issueId, due } = mail.content as Record<string, string>;
    const issue = await findIssue(db, { id: issueId ?? '' });
    // Somebody was faster than the mail.
    if (issue?.status !== 'review' || issue.plan === null) return null;
    const urgent = about === 'slot_nears';
    const count = issue.plan.comparisons.length;
    return {
      newsletter,
      subject: urgent
        ? `Issue ${issue.number} is not approved, and its slot is near`
        : `Issue ${issue.number} is ready for review`,
      preheader: `It is due ${due}, with ${count} ${count === 1 ? 'comparison' : 'comparisons'}.`,
      heading: urgent ? 'Nobody has approved it yet' : 'A draft waits for you',
      paragraphs: [
        urgent
          ? `Issue ${issue.number} is due ${due}. Without an approval it does not go out.`
          : `Issue ${issue.number} has ${count} ${count === 1 ? 'comparison' : 'comparisons'} and is due ${due}. It goes out when a publisher approves it.`,
      ],
      action: { label: 'Look at it', url: `${newsletter.url}/editor` },
      list: null,
      notes: [],
      why: 'You get this because your address is among the editors of this newsletter.',
    };
  },

  // The very bytes of the issue, as they were when the test was asked for.
  async test(mail, { db }) {
    return (await readTest(db, String(mail.content.testId))) ?? null;
  },
};

/** The same links as at the end of an issue. */
function personalLinks({ subscriber, keyId }: ClaimedMail, keys: Keys, { url }: Letter['newsletter']) {
  const claim = { subscriberId: subscriber?.id ?? '', version: subscriber?.tokenVersion ?? 0 };
  return {
    preferences: `${url}/preferences/${signer(keys, 'preferences', keyId)(claim)}`,
    unsubscribe: `${url}/unsubscribe/${signer(keys, 'unsubscribe', keyId)(claim)}`,
  };
}

/** @returns null when there is nothing to say any more: the mail is dropped. */
export async function writeLetter(mail: ClaimedMail, context: LetterContext): Promise<Letter | Drawn | null> {
  return (await writers[mail.kind]?.(mail, context)) ?? null;
}
