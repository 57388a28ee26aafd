import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import {
  type BatchRequest,
  type Copy,
  type ItemOutcome,
  type Mailer,
  messagesOf,
  type Outcome,
  type SingleMail,
} from '../../src/providers/port.ts';
import { type Accepted as AcceptedMessage, type LocalResend, startResend } from '../resend/index.ts';
import type { Random } from './random.ts';

/** One accepted copy of an issue. */
export interface Accepted {
  providerId: string;
  deliveryId: string;
  /** The slug. */
  issue: string;
  to: string;
  subject: string;
  from: string;
  links: { unsubscribe: string; preferences: string; vote: string };
  at: Date;
}

export interface ProviderEvents {
  onCopy(copy: Accepted): void;
  /** A message as delivered: at least one of each variant. */
  onVariant(issue: string, html: string): void;
  onMail(mail: SingleMail, at: Date): void;
}

/** How mail leaves the program, and the record of what was accepted. */
export interface MailService extends AsyncDisposable {
  /** Replaces the program's own mailer; undefined: it asks a server, as `env` says. */
  readonly mailer: Mailer | undefined;
  /** Settings. */
  readonly env: Record<string, string>;
  readonly state: ProviderState;
  /** What it does with requests from now on. */
  become(state: ProviderState): Promise<void>;
  /** Reports what was accepted since the last call, where it is not reported at once. */
  drain(): Promise<void>;
  /** Call it once a week. */
  forget(): void;
}

/** `away`: there is no connection; `failing`: it answers 503, and accepts nothing. */
export type ProviderState = 'works' | 'away' | 'failing';

const FROM = {
  MAIL_FROM: 'Weekly AI Tool Verdicts <digest@verdicts.example>',
  MAIL_FROM_TRANSACTIONAL: 'Weekly AI Tool Verdicts <hello@verdicts.example>',
};

/** Keys are remembered as long as Resend remembers them. */
const KEY_LIVES_MS = 24 * 3_600_000;

/**
 * A provider with its own record of what it accepted. A key is accepted once and gets the same answer again; sometimes
 * an answer is lost, and sometimes it does not respond at all.
 */
export class Provider implements Mailer, MailService {
  readonly destination = 'the provider of a simulated year';
  readonly mailer = this;
  readonly env = { ...FROM, MAILER: 'resend' };
  state: ProviderState = 'works';
  readonly #events: ProviderEvents;
  readonly #random: Random;
  readonly #lostAnswers: number;
  readonly #keys = new Map<string, { at: number; payloadHash: string; items: ItemOutcome[] }>();
  #seen = new WeakSet<object>();

  /** @param lostAnswers share of the batches whose answer is lost once. */
  constructor(events: ProviderEvents, random: Random, lostAnswers = 0.02) {
    this.#events = events;
    this.#random = random;
    this.#lostAnswers = lostAnswers;
  }

  async submit(batch: BatchRequest): Promise<Outcome> {
    if (this.state !== 'works') return this.#refuse();
    const known = this.#known(batch.key);
    if (known !== undefined) {
      return known.payloadHash === batch.payloadHash
        ? { kind: 'accepted', items: known.items }
        : { kind: 'ambiguous', reason: 'other bytes under a used key', final: true };
    }
    const items = batch.copies.map((copy) => ({ accepted: this.#accept(batch, copy) }));
    this.#keys.set(batch.key, { at: Date.now(), payloadHash: batch.payloadHash, items });
    if (!this.#seen.has(batch.variant)) {
      this.#seen.add(batch.variant);
      const [message] = messagesOf({ variant: batch.variant, copies: batch.copies.slice(0, 1) });
      if (message !== undefined) this.#events.onVariant(batch.variant.issue, message.html);
    }
    if (this.#random.chance(this.#lostAnswers))
      return { kind: 'ambiguous', reason: 'read ECONNRESET', final: false };
    return { kind: 'accepted', items };
  }

  async send(mail: SingleMail, key: string): Promise<Outcome> {
    if (this.state !== 'works') return this.#refuse();
    const known = this.#known(key);
    if (known !== undefined) return { kind: 'accepted', items: known.items };
    const items = [{ accepted: randomUUID() }];
    this.#keys.set(key, { at: Date.now(), payloadHash: '', items });
    this.#events.onMail(mail, new Date());
    return { kind: 'accepted', items };
  }

  async become(state: ProviderState): Promise<void> {
    this.state = state;
  }

  async drain(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Forgets expired keys, which would otherwise be kept for the whole year. */
  forget(): void {
    const oldest = Date.now() - KEY_LIVES_MS;
    for (const [key, { at }] of this.#keys) if (at < oldest) this.#keys.delete(key);
    this.#seen = new WeakSet();
  }

  #refuse(): Outcome {
    return this.state === 'away'
      ? { kind: 'unreachable', reason: 'connect ECONNREFUSED' }
      : { kind: 'ambiguous', reason: '503 service_unavailable', final: false };
  }

  #known(key: string) {
    const known = this.#keys.get(key);
    return known !== undefined && Date.now() - known.at < KEY_LIVES_MS ? known : undefined;
  }

  #accept({ variant }: BatchRequest, { deliveryId, to, values }: Copy): string {
    const providerId = randomUUID();
    const { unsubscribe = '', preferences = '', vote = '' } = values;
    this.#events.onCopy({
      providerId,
      deliveryId,
      issue: variant.issue,
      to,
      subject: variant.subject,
      from: variant.from,
      links: { unsubscribe, preferences, vote },
      at: new Date(),
    });
    return providerId;
  }
}

/**
 * The local Resend: the program's own adapter asks it over HTTP. Its record is read after each step, and the messages
 * are read back like any client of the API would.
 */
export class HttpProvider implements MailService {
  readonly mailer = undefined;
  state: ProviderState = 'works';
  readonly #events: ProviderEvents;
  readonly #file: string;
  #resend: LocalResend;
  #reported = 0;

  private constructor(events: ProviderEvents, file: string, resend: LocalResend) {
    this.#events = events;
    this.#file = file;
    this.#resend = resend;
  }

  /** @param folder holds the record of what was accepted, which outlives the server. */
  static async open(events: ProviderEvents, folder: string): Promise<HttpProvider> {
    const file = path.join(folder, 'accepted.jsonl');
    return new HttpProvider(events, file, await startResend({ ratePerSecond: 1_000, file }));
  }

  get env(): Record<string, string> {
    const { apiKey, url } = this.#resend;
    return { ...FROM, RESEND_API_KEY: apiKey, RESEND_BASE_URL: url, RESEND_RATE: '1000' };
  }

  async become(state: ProviderState): Promise<void> {
    if (state === this.state) return;
    const { port } = this.#resend;
    if (state === 'away') {
      await this.#resend[Symbol.asyncDispose]();
      // The program must notice that its idle connections are closed, or it begins a request on one of them, and its
      // answer counts as lost.
      for (let turn = 0; turn < 5; turn += 1) await setImmediate();
    } else if (this.state === 'away')
      this.#resend = await startResend({ ratePerSecond: 1_000, file: this.#file, port });
    if (state === 'failing') this.#resend.planBy(() => '503');
    if (state === 'works') this.#resend.calm();
    this.state = state;
  }

  async drain(): Promise<void> {
    if (this.state === 'away') return;
    const messages = this.#resend.accepted();
    for (; this.#reported < messages.length; this.#reported += 1) {
      const message = messages[this.#reported];
      if (message !== undefined) await this.#report(message);
    }
  }

  forget(): void {}

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.state !== 'away') await this.#resend[Symbol.asyncDispose]();
  }

  async #report({ id, to, deliveryId, from, subject, tags, acceptedAt }: AcceptedMessage): Promise<void> {
    const answer = await fetch(`${this.#resend.url}/emails/${id}`, {
      headers: { authorization: `Bearer ${this.#resend.apiKey}` },
    });
    const { html = '', text = '' } = (await answer.json()) as { html?: string; text?: string };
    const tag = (name: string) => tags.find((each) => each.name === name)?.value ?? '';
    const at = new Date(acceptedAt);
    if (deliveryId === null) {
      const mail = { mailId: tag('mail'), kind: tag('kind'), from, to, replyTo: '', subject, html, text };
      this.#events.onMail({ ...mail, headers: {} }, at);
      return;
    }
    const issue = tag('issue');
    const linkTo = (what: string) => new RegExp(`\\S+/${what}/[\\w.~-]{20,}`, 'u').exec(text)?.[0] ?? '';
    this.#events.onCopy({
      ...{ providerId: id, deliveryId, issue, to, subject, from, at },
      links: {
        unsubscribe: linkTo('unsubscribe'),
        preferences: linkTo('preferences'),
        vote: linkTo('vote'),
      },
    });
    this.#events.onVariant(issue, html);
  }
}
