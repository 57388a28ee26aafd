import { randomUUID } from 'node:crypto';
import { signHeaders } from '../resend/index.ts';
import { MS } from './calendar.ts';
import type { Program } from './program.ts';
import type { Accepted } from './provider.ts';
import type { Random } from './random.ts';
import type { Reader } from './readers.ts';

export const WEBHOOK_SECRET = `whsec_${Buffer.from('the secret of a simulated year').toString('base64')}`;

type Fate = 'delivered' | 'hard' | 'soft' | 'complained' | 'clicked' | 'silent';

interface Pending {
  at: Date;
  copy: Accepted;
  reader: Reader;
  fate: Fate;
}

/** At most so many copies of an issue are reported as delivered: each is a request. */
const REPORTED_AT_MOST = 400;

/** What becomes of the mail, reported by the provider's signed webhooks, an hour or so later. */
export class Outcomes {
  #pending: Pending[] = [];
  readonly #random: Random;
  readonly #reported = { issue: '', count: 0 };

  constructor(random: Random) {
    this.#random = random;
  }

  /** A copy was accepted for this reader. */
  follow(copy: Accepted, reader: Reader, week: number): void {
    const fate = this.#fateOf(copy, reader, week);
    if (fate === 'silent') return;
    const at = new Date(copy.at.getTime() + this.#random.between(20, 100) * MS.minute);
    this.#pending.push({ at, copy, reader, fate });
  }

  /** Posts what is due. @param settle waits until the program has applied it. */
  async post(program: Program, settle: () => Promise<void>): Promise<void> {
    const now = new Date();
    const due = this.#pending.filter(({ at }) => at <= now);
    if (due.length === 0) return;
    this.#pending = this.#pending.filter(({ at }) => at > now);
    for (let at = 0; at < due.length; at += 50)
      await Promise.all(due.slice(at, at + 50).map((each) => post(program, each)));
    await settle();
    for (const { reader, fate } of due) {
      if (fate === 'hard' || fate === 'complained') reader.until ??= new Date();
      if (fate === 'soft') reader.refusals += 1;
      else reader.refusals = 0;
    }
  }

  #fateOf({ issue }: Accepted, reader: Reader, week: number): Fate {
    if (week >= reader.isFullFrom) return 'soft';
    const draw = this.#random.draw();
    if (draw < 0.002) return 'hard';
    if (draw < 0.0025) return 'complained';
    if (draw < 0.01) return 'soft';
    if (draw < 0.05) return 'clicked';
    if (this.#reported.issue !== issue) Object.assign(this.#reported, { issue, count: 0 });
    this.#reported.count += 1;
    // A bounce before it must be seen to be over.
    return this.#reported.count <= REPORTED_AT_MOST || reader.refusals > 0 ? 'delivered' : 'silent';
  }
}

const TYPES: Record<Exclude<Fate, 'silent'>, [type: string, more: object]> = {
  delivered: ['email.delivered', {}],
  hard: ['email.bounced', { bounce: { type: 'Permanent', subType: 'General', message: 'no such mailbox' } }],
  soft: ['email.bounced', { bounce: { type: 'Transient', subType: 'MailboxFull', message: 'full' } }],
  complained: ['email.complained', {}],
  clicked: [
    'email.clicked',
    { click: { link: 'https://verdicts.example/comparisons', userAgent: 'Mozilla/5.0 (X11; Linux)' } },
  ],
};

async function post(program: Program, { copy, fate }: Pending): Promise<void> {
  if (fate === 'silent') return;
  const [type, more] = TYPES[fate];
  const body = JSON.stringify({
    type,
    created_at: new Date().toISOString(),
    data: {
      email_id: copy.providerId,
      created_at: copy.at.toISOString(),
      from: copy.from,
      to: [copy.to],
      subject: copy.subject,
      tags: { delivery: copy.deliveryId, issue: copy.issue },
      ...more,
    },
  });
  const { statusCode } = await program.request({
    method: 'POST',
    url: '/webhooks/resend',
    headers: signHeaders(body, {
      id: `msg_${randomUUID()}`,
      timestamp: Math.floor(Date.now() / 1_000),
      secrets: [WEBHOOK_SECRET],
    }),
    payload: body,
    remoteAddress: '9.9.9.9',
  });
  if (statusCode >= 300) throw new Error(`an event was answered with ${statusCode}`);
}
