import type { Accepted } from './ledger.ts';
import type { ProviderEvent } from './webhooks.ts';

/** The outcome of a message after it was accepted. */
export type Fate =
  | 'delivered'
  | 'delayed'
  /** Permanent: the address is suppressed from then on. */
  | 'bounced'
  /** Transient: a full mailbox. */
  | 'soft-bounced'
  /** Delivered, and reported as spam: suppressed from then on. */
  | 'complained'
  /** Accepted by the API and never sent. */
  | 'suppressed'
  /** The quota was exceeded after it was accepted. */
  | 'failed'
  /** No event is ever posted for it. */
  | 'silent';

/** Resend's own test recipients; all but the last accept a label. */
export function fateOfTestRecipient(to: string): Fate | undefined {
  const [, name, label = ''] = /^([a-z]+)(\+[^@]*)?@resend\.dev$/u.exec(to) ?? [];
  if (name === 'delivered' || name === 'bounced' || name === 'complained') return name;
  return name === 'suppressed' && label === '' ? name : undefined;
}

const BOUNCES = {
  bounced: {
    type: 'Permanent',
    subType: 'General',
    message: "The recipient's email address does not exist.",
    diagnosticCode: ['smtp; 550 5.1.1 user unknown'],
  },
  'soft-bounced': {
    type: 'Transient',
    subType: 'MailboxFull',
    message: "The recipient's inbox is full.",
    diagnosticCode: ['smtp; 452 4.2.2 mailbox full'],
  },
};

const TYPES: Record<Fate, [type: string, more?: Record<string, unknown>][]> = {
  delivered: [['email.sent'], ['email.delivered']],
  delayed: [['email.sent'], ['email.delivery_delayed'], ['email.delivered']],
  bounced: [['email.sent'], ['email.bounced', { bounce: BOUNCES.bounced }]],
  'soft-bounced': [['email.sent'], ['email.bounced', { bounce: BOUNCES['soft-bounced'] }]],
  complained: [['email.sent'], ['email.delivered'], ['email.complained']],
  suppressed: [
    [
      'email.suppressed',
      {
        suppressed: {
          message: 'The recipient is on the suppression list of the account.',
          type: 'OnAccountSuppressionList',
        },
      },
    ],
  ],
  failed: [['email.sent'], ['email.failed', { failed: { reason: 'reached_daily_quota' } }]],
  silent: [],
};

/** The final status in `GET /emails/:id`. */
export const LAST_EVENT: Record<Fate, string> = {
  delivered: 'delivered',
  delayed: 'delivered',
  bounced: 'bounced',
  'soft-bounced': 'bounced',
  complained: 'complained',
  suppressed: 'suppressed',
  failed: 'failed',
  silent: 'queued',
};

/** The events of a message, in order; each a moment later than the last. */
export function eventsOf(message: Accepted, fate: Fate): ProviderEvent[] {
  const start = Date.parse(message.acceptedAt);
  return TYPES[fate].map(([type, more], index) =>
    eventOf(message, type, new Date(start + 1 + index * 1_000), more),
  );
}

export function eventOf(
  message: Accepted,
  type: string,
  at: Date,
  more: Record<string, unknown> = {},
): ProviderEvent {
  return {
    type,
    created_at: at.toISOString(),
    data: {
      email_id: message.id,
      message_id: `<${message.id}@resend.local>`,
      created_at: message.acceptedAt,
      from: message.from,
      to: [message.to],
      subject: message.subject,
      ...(message.tags.length > 0
        ? { tags: Object.fromEntries(message.tags.map(({ name, value }) => [name, value])) }
        : {}),
      ...more,
    },
  };
}
