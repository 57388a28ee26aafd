/**
 * Every kind of transactional email, as `mails.kind` has it. To add one, name it here: the compiler then asks for its
 * line in src/sending/transactional/transactional-emails.ts, and that line for its file in emails/transactional/.
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
  /** An issue that an editor sends to try it: it has no template of its own. */
  'test',
] as const;

export type MailKind = (typeof MAIL_KINDS)[number];
