import { describe, expect, it } from 'vitest';
import type { SubscriberStatus } from '../../src/platform/db/schema.ts';
import { answerTo } from '../../src/subscribers/sign-up/answer-sign-up.ts';
import { REFUSED_REASON } from '../../src/subscribers/suppression.ts';

const DAY = 86_400;
const known = (status: SubscriberStatus, reason: string | null = null, confirmMailAges: number[] = []) => ({
  id: 'a subscriber',
  status,
  reason,
  wasReminded: false,
  confirmMailAges,
});

describe('a sign-up', () => {
  it.each([
    ['of somebody new', undefined, 'confirm'],
    ['of somebody who did not confirm yet', known('pending'), 'confirm'],
    ['of somebody who left', known('unsubscribed'), 'confirm'],
    ['of a reader', known('active'), 'already'],
    ['of a reader who was told so', { ...known('active'), wasReminded: true }, null],
    ['of somebody who complained', known('suppressed', 'complained'), null],
    ['of somebody who refused mail', known('suppressed', REFUSED_REASON), null],
    ['of somebody who was erased', known('suppressed', 'erased'), null],
    ['of somebody who was taken off by hand', known('suppressed', 'by hand: asked to'), null],
    ['after a bounce', known('suppressed', 'bounced'), 'confirm'],
    ['after a bounce that a list brought', known('suppressed', 'cleaned'), 'confirm'],
    ['after a bounce, a second time in a day', known('suppressed', 'bounced', [DAY - 1]), null],
    ['after a bounce, a day later', known('suppressed', 'bounced', [DAY]), 'confirm'],
    [
      'after a bounce, a third time in a month',
      known('suppressed', 'bounced', [2 * DAY, 9 * DAY]),
      'confirm',
    ],
    ['after a bounce, a fourth time', known('suppressed', 'bounced', [2 * DAY, 9 * DAY, 29 * DAY]), null],
    [
      'after a bounce, a fourth time in two months',
      known('suppressed', 'bounced', [2 * DAY, 9 * DAY, 30 * DAY]),
      'confirm',
    ],
  ])('of an address that is %s gets the answer that the policy says', (who, before, answer) => {
    expect({ who, answer: answerTo(before) }).toEqual({ who, answer });
  });
});
