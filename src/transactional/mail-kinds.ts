/**
 * Every kind of transactional email, as stored in `mails.kind`. To add one, name it here: the compiler then asks for
 * its line in src/sending/transactional/transactional-emails.ts, and that line for its file in emails/transactional/.
 */
export const MAIL_KINDS = [
  'confirm',
  'welcome',
  'already',
  'change',
  'changed',
  'link',
  'leave',
  'step_up',
  'exported',
  'erased',
  'voided',
  'sign_in',
  'reminder',
  /** To operators and editors: what needs a person, and what is over. */
  'notice',
  /** A test copy of an issue, requested by an editor: it has no template of its own. */
  'test',
] as const;

export type MailKind = (typeof MAIL_KINDS)[number];
