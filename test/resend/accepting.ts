import { createHash, randomUUID } from 'node:crypto';
import type { Aftermath } from './aftermath.ts';
import {
  addressOf,
  countRecipients,
  isRefusal,
  type Refusal,
  type Rules,
  readBatch,
  readEmail,
  refusal,
  type WireEmail,
} from './contract.ts';
import type { Arrived } from './faults.ts';
import { scopeOf } from './idempotency.ts';
import {
  type Accepted,
  type Answered,
  idOf,
  type Ledger,
  type Recording,
  type Refused,
  scanRecipients,
} from './ledger.ts';
import type { Limits } from './limits.ts';

/** A valid send request. */
export interface SendRequest extends Arrived {
  bytes: Buffer;
  at: Date;
  /** Whether the valid messages of a batch are accepted without the invalid ones. */
  isPermissive: boolean;
}

interface AcceptingParts {
  rules: Rules;
  record: Recording;
  ledger: Ledger;
  limits: Limits;
  aftermath: Aftermath;
  clock: () => Date;
}

/** The accepted and the refused messages of a request. */
interface Judgement {
  emails: [position: number, email: WireEmail][];
  errors: Answered['errors'];
  refused: Refused[];
}

/** Accepts messages: the only code that writes into the ledger. */
export class Accepting {
  readonly #parts: AcceptingParts;

  constructor(parts: AcceptingParts) {
    this.#parts = parts;
  }

  /**
   * Accepts a request, and makes its answer.
   * @param refuseEvery of this many messages the last is refused, like a bad address.
   */
  accept(request: SendRequest, fingerprint: string, refuseEvery: number | undefined): Answered | Refusal {
    const { record } = this.#parts;
    const recipients =
      record === 'recipients' && refuseEvery === undefined ? scanRecipients(request.bytes) : undefined;
    return recipients === undefined
      ? this.#read(request, fingerprint, refuseEvery)
      : this.#count(request, fingerprint, recipients);
  }

  /** For a request that was only scanned, so that a flood costs little. */
  #count(request: SendRequest, fingerprint: string, recipients: string[]): Answered | Refusal {
    const { ledger, limits, clock } = this.#parts;
    const overQuota = limits.takeRecipients(recipients.length);
    if (overQuota !== undefined) return overQuota;
    const answer: Answered = {
      single: request.path === '/emails',
      seed: randomUUID(),
      count: recipients.length,
      ...(request.isPermissive ? { errors: [] } : {}),
    };
    ledger.count(scopeOf(request), { fingerprint, at: clock().getTime(), answer }, recipients);
    return answer;
  }

  #read(request: SendRequest, fingerprint: string, refuseEvery: number | undefined): Answered | Refusal {
    const { rules, ledger, limits, aftermath, clock } = this.#parts;
    const checked = checkRequest(request, rules, refuseEvery);
    if (isRefusal(checked)) return checked;
    const { errors } = checked;
    const emails = checked.emails.map(([, email]) => email);
    const overQuota = limits.takeRecipients(emails.reduce((sum, email) => sum + countRecipients(email), 0));
    if (overQuota !== undefined) return overQuota;

    const at = clock();
    const answer: Answered = {
      single: request.path === '/emails',
      seed: randomUUID(),
      count: emails.length,
      ...(errors ? { errors } : {}),
    };
    const messages = checked.emails.map(([position, email], index) =>
      acceptedOf(email, { id: idOf(answer.seed, index), position, request, at }),
    );
    ledger.refused.push(...checked.refused);
    ledger.accept(scopeOf(request), { fingerprint, at: at.getTime(), answer }, messages, emails);
    for (const [index, message] of messages.entries())
      aftermath.follow(message, emails[index]?.scheduled_at ?? null);
    return answer;
  }
}

/** Reads a send request: the messages to accept, or the reason to refuse it. */
function checkRequest(
  { path, key, bytes, isPermissive }: SendRequest,
  rules: Rules,
  refuseEvery: number | undefined,
): Judgement | Refusal {
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString('utf8'));
  } catch {
    return refusal(400, 'validation_error', 'The request body is not valid JSON.');
  }
  const isBatch = path === '/emails/batch';
  const items = isBatch ? readBatch(parsed) : [parsed];
  if (isRefusal(items)) return items;
  const emails: Judgement['emails'] = [];
  const errors: { index: number; message: string }[] = [];
  const refused: Refused[] = [];
  for (const [index, item] of items.entries()) {
    const isRefused = refuseEvery !== undefined && (index + 1) % refuseEvery === 0;
    const read = isRefused
      ? refusal(422, 'validation_error', 'Invalid `to` field.')
      : readEmail(item, rules, isBatch);
    if (!isRefusal(read)) emails.push([index, read]);
    // An unverified domain is not the recipient's fault.
    else if (isPermissive && read.statusCode === 422) {
      const { message } = read;
      errors.push({ index, message });
      const to = String((item as { to?: unknown } | null)?.to ?? '');
      refused.push({ key, position: index, to, message });
    } else return read;
  }
  return { emails, errors: isPermissive && isBatch ? errors : undefined, refused };
}

function acceptedOf(
  email: WireEmail,
  { id, position, request, at }: { id: string; position: number; request: SendRequest; at: Date },
): Accepted {
  const [to = '', ...others] = [...email.to, ...(email.cc ?? []), ...(email.bcc ?? [])].map(
    (mailbox) => addressOf(mailbox) ?? mailbox,
  );
  return {
    id,
    key: request.key,
    position,
    to,
    others,
    deliveryId: email.tags.find(({ name }) => name === 'delivery')?.value ?? null,
    tags: email.tags,
    from: email.from,
    subject: email.subject,
    sha256: createHash('sha256')
      .update(email.html ?? '')
      .update('\0')
      .update(email.text ?? '')
      .digest('hex'),
    arrivedAt: request.at.toISOString(),
    acceptedAt: at.toISOString(),
  };
}
