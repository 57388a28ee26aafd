import type {
  Newsletter,
  TransactionalContent,
  TransactionalEmail,
} from '../../../emails/parts/transactional-email.tsx';
import type { NoticeProps } from '../../../emails/transactional/notice.tsx';
import { title } from '../../comparisons/names.ts';
import { verdict } from '../../comparisons/verdict.ts';
import { findIssue } from '../../issues/issue-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import { ALREADY_DAYS } from '../../subscribers/sign-up/limits.ts';
import { FRESH_LINK_PURPOSES } from '../../subscribers/step-up/step-up-store.ts';
import { type Keys, oneTimeToken, signer } from '../../subscribers/tokens.ts';
import {
  CHANGE_LINK_HOURS,
  CONFIRM_LINK_HOURS,
  FRESH_LINK_MINUTES,
  SIGN_IN_LINK_MINUTES,
} from '../../transactional/link-lifetimes.ts';
import type { MailKind } from '../../transactional/mail-kinds.ts';
import type { ClaimedMail } from '../../transactional/transactional-store.ts';
import { mailedIssue } from '../delivery-store.ts';
import { readTest } from '../preview/preview-store.ts';

export interface EmailContext {
  db: Connection;
  /** Keys that sign the links. */
  keys: Keys;
  newsletter: Newsletter;
}

/** An email that is already rendered: a test of an issue. */
export interface FrozenEmail {
  from: string;
  subject: string;
  html: string;
  text: string;
}

interface RegisteredEmail {
  /** Whether a stranger can cause it; then it is not sent to an inbox whose owner refused all mail. */
  canStrangersCause: boolean;
  /**
   * Whether a second copy does no harm. Then it is still sent when the provider may have forgotten its key, because a
   * provider that was away for a day is just what it is about.
   */
  isHarmlessTwice?: boolean;
  /** @returns null when there is nothing to say any more: then the email is dropped. */
  write(mail: ClaimedMail, context: EmailContext): Promise<TransactionalContent | FrozenEmail | null>;
}

/**
 * Every kind of transactional email: its template, and how the template's props are read. The props depend on the
 * row and the database, never on the clock or on random values, because an email may be sent again under its key.
 */
export const TRANSACTIONAL_EMAILS: Readonly<Record<MailKind, RegisteredEmail>> = {
  confirm: {
    canStrangersCause: true,
    write: fromTemplate(
      () => import('../../../emails/transactional/confirm.tsx'),
      (mail, context) => ({ confirmUrl: oneTimeUrl('confirm', mail, context), hours: CONFIRM_LINK_HOURS }),
    ),
  },
  welcome: {
    canStrangersCause: false,
    write: fromTemplate(
      () => import('../../../emails/transactional/welcome.tsx'),
      async (mail, context) =>
        isActive(mail) ? { issue: await latestIssue(mail, context), ...personalLinks(mail, context) } : null,
    ),
  },
  already: {
    canStrangersCause: true,
    write: fromTemplate(
      () => import('../../../emails/transactional/already.tsx'),
      (mail, context) => (isActive(mail) ? { days: ALREADY_DAYS, ...personalLinks(mail, context) } : null),
    ),
  },
  change: {
    canStrangersCause: true,
    write: fromTemplate(
      () => import('../../../emails/transactional/change.tsx'),
      (mail, context) =>
        isActive(mail) ? { changeUrl: oneTimeUrl('change', mail, context), hours: CHANGE_LINK_HOURS } : null,
    ),
  },
  changed: {
    canStrangersCause: false,
    write: fromTemplate(
      () => import('../../../emails/transactional/changed.tsx'),
      () => ({}),
    ),
  },
  link: {
    canStrangersCause: true,
    write: fromTemplate(
      () => import('../../../emails/transactional/link.tsx'),
      (mail, context) => (isActive(mail) ? personalLinks(mail, context) : null),
    ),
  },
  leave: {
    canStrangersCause: true,
    write: fromTemplate(
      () => import('../../../emails/transactional/leave.tsx'),
      (mail, context) => (isActive(mail) ? personalLinks(mail, context) : null),
    ),
  },
  step_up: {
    canStrangersCause: true,
    write: fromTemplate(
      () => import('../../../emails/transactional/step-up.tsx'),
      (mail, context) => {
        const purpose = FRESH_LINK_PURPOSES.find((each) => each === mail.content.purpose);
        if (purpose === undefined || mail.subscriber === null) return null;
        return {
          purpose,
          freshUrl: oneTimeUrl('fresh', mail, context),
          minutes: FRESH_LINK_MINUTES,
          ...personalLinks(mail, context),
        };
      },
    ),
  },
  exported: {
    canStrangersCause: true,
    write: fromTemplate(() => import('../../../emails/transactional/exported.tsx'), personalLinks),
  },
  erased: {
    canStrangersCause: true,
    write: fromTemplate(
      () => import('../../../emails/transactional/erased.tsx'),
      () => ({}),
    ),
  },
  voided: {
    canStrangersCause: true,
    write: fromTemplate(
      () => import('../../../emails/transactional/voided.tsx'),
      (mail, context) => (isActive(mail) ? personalLinks(mail, context) : null),
    ),
  },
  sign_in: {
    canStrangersCause: false,
    write: fromTemplate(
      () => import('../../../emails/transactional/sign-in.tsx'),
      (mail, context) => ({
        signInUrl: oneTimeUrl('editor/sign-in', mail, context),
        minutes: SIGN_IN_LINK_MINUTES,
      }),
    ),
  },
  reminder: {
    canStrangersCause: false,
    write: fromTemplate(
      () => import('../../../emails/transactional/reminder.tsx'),
      async (mail, { db }) => {
        const { about, issueId, due = '' } = mail.content as Record<string, string>;
        const issue = await findIssue(db, { id: issueId ?? '' });
        // The issue was approved before the mail was sent.
        if (issue?.status !== 'review' || issue.plan === null) return null;
        return {
          number: issue.number ?? 0,
          comparisons: issue.plan.comparisons.length,
          due,
          isUrgent: about === 'slot_nears',
        };
      },
    ),
  },
  notice: {
    canStrangersCause: false,
    isHarmlessTwice: true,
    write: fromTemplate(
      () => import('../../../emails/transactional/notice.tsx'),
      // Written by src/workflow/mail-notices.ts; it stays true as what was found at that time.
      ({ content }) => content as unknown as NoticeProps,
    ),
  },
  test: {
    canStrangersCause: true,
    // The exact content of the issue when the test was requested.
    write: async (mail, { db }) => (await readTest(db, String(mail.content.testId))) ?? null,
  },
};

/**
 * @param load imports the template on first use: React Email is one of the slowest imports here.
 * @param readProps returns the template's own props; null when there is nothing to say any more.
 */
function fromTemplate<Props extends object>(
  load: () => Promise<{ default: TransactionalEmail<Props> }>,
  readProps: (
    mail: ClaimedMail,
    context: EmailContext,
  ) => NoInfer<Props> | null | Promise<NoInfer<Props> | null>,
): RegisteredEmail['write'] {
  return async (mail, context) => {
    const props = await readProps(mail, context);
    if (props === null) return null;
    const { default: email } = await load();
    return email.content({ ...props, newsletter: context.newsletter });
  };
}

const isActive = ({ subscriber }: ClaimedMail): boolean => subscriber?.status === 'active';

/** The URL of a page that opens with this email's own one-time token. */
function oneTimeUrl(path: string, { id, keyId }: ClaimedMail, { keys, newsletter }: EmailContext): string {
  return `${newsletter.url}/${path}/${oneTimeToken(keys, id, keyId)}`;
}

/** The same links as at the end of an issue. */
function personalLinks({ subscriber, keyId }: ClaimedMail, { keys, newsletter: { url } }: EmailContext) {
  const claim = { subscriberId: subscriber?.id ?? '', version: subscriber?.tokenVersion ?? 0 };
  return {
    preferences: `${url}/preferences/${signer(keys, 'preferences', keyId)(claim)}`,
    unsubscribe: `${url}/unsubscribe/${signer(keys, 'unsubscribe', keyId)(claim)}`,
  };
}

/** The latest issue for a welcome mail, without parts that were taken down since. */
async function latestIssue({ content }: ClaimedMail, { db, newsletter: { url } }: EmailContext) {
  const { issue: slug } = content;
  const issue = typeof slug === 'string' ? await mailedIssue(db, slug) : undefined;
  if (issue === undefined) return null;
  return {
    number: issue.number,
    subject: issue.subject,
    url: `${url}/issues/${issue.slug}`,
    verdicts: issue.comparisons.map((each) => ({
      words: verdict(each.tools).words,
      comparison: title(each),
      url: `${url}/comparisons/${encodeURIComponent(each.slug)}`,
    })),
  };
}
