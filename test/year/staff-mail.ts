import { MS } from './calendar.ts';

/** What the people who run the newsletter read in a year. */
export const EDITOR = 'chief@verdicts.example';
export const OPERATOR = 'operator@verdicts.example';

export interface StaffMail {
  at: Date;
  to: string;
  kind: string;
  subject: string;
}

/** A mail that says why an issue is not with its readers. */
export function isAlarm({ subject }: StaffMail): boolean {
  return !subject.startsWith('Over: ') && ALARMS.test(subject);
}

const ALARMS =
  /did not go out|stopped half-way|failed its checks|does not answer|goes out on|was sent for|your decision|worker cannot|not approved/u;

/** What the mail to staff itself gets wrong: the same twice within days, and alarms without a cause. */
export function wrongStaffMail(mails: readonly StaffMail[]): string[] {
  const again = mails.filter((mail, index) =>
    mails
      .slice(0, index)
      .some(
        ({ to, subject, at }) =>
          to === mail.to && subject === mail.subject && mail.at.getTime() - at.getTime() < 5 * MS.day,
      ),
  );
  // In a simulated year events always come, an hour or two after the mail.
  const untrue = mails.filter(({ subject }) => /^No event of the provider/u.test(subject));
  const label = ({ at, subject, to }: StaffMail) => `${at.toISOString().slice(0, 16)} to ${to}: ${subject}`;
  return [
    ...again.map((mail) => `the same again, ${label(mail)}`),
    ...untrue.map((mail) => `an alarm without a cause, ${label(mail)}`),
  ];
}
