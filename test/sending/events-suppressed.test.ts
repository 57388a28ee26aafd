import { expect, it } from 'vitest';
import { readResendEvent } from '../../src/providers/resend/resend-event.ts';
import { suppression } from '../../src/sending/events/outcome.ts';
import { payload } from '../helpers/events.ts';

/**
 * Resend has reported its suppression list in several formats; each names what put the address there, or does not.
 */
it.each<[string, Record<string, unknown>, string | null]>([
  ['email.suppressed', { suppressed: { type: 'OnAccountSuppressionList' } }, 'bounced'],
  ['email.suppressed', { suppressed: { type: 'Suppressed', reason: 'previous_bounce' } }, 'bounced'],
  ['email.suppressed', { suppressed: { type: 'Suppressed', reason: 'previous_complaint' } }, 'complained'],
  ['email.suppressed', {}, 'bounced'],
  ['email.bounced', { bounce: { type: 'Permanent', subType: 'Suppressed' } }, 'bounced'],
  ['suppression.added', { email: 'r@readers.example', origin: 'complaint' }, 'complained'],
  ['suppression.added', { email: 'r@readers.example', origin: 'bounce' }, 'bounced'],
  ['suppression.added', { email: 'r@readers.example', origin: 'manual' }, 'bounced'],
  ['suppression.removed', { email: 'r@readers.example', origin: 'complaint' }, null],
  ['email.failed', { failed: { reason: 'previous_complaint' } }, null],
])('fault 11: %s with %j suppresses as %s', (type, data, reason) => {
  const event = readResendEvent('msg_1', Buffer.from(JSON.stringify(payload(type, data))), new Date());
  expect(suppression(event)).toBe(reason);
});
