import { z } from 'zod';
import type { EventKind } from '../../platform/db/schema.ts';
import type { ReceivedEvent } from '../port.ts';

/**
 * The fields of Resend's webhooks that we use. The others are dropped: subjects, headers, which contain our own
 * List-Unsubscribe with its token, and recipients, unless our tags are missing. Every field is optional, because Resend
 * adds types and fields: an unreadable event is stored with a kind that has no effect.
 */
const text = z.string().catch('');
const envelope = z.object({
  type: z.string().min(1),
  created_at: text,
  data: z
    .object({
      email_id: text,
      to: z.array(text).catch([]),
      tags: z.record(z.string(), z.unknown()).catch({}),
      bounce: z.object({ type: text, subType: text }).partial().catch({}),
      failed: z.object({ reason: text }).partial().catch({}),
      suppressed: z.object({ type: text, reason: text }).partial().catch({}),
      click: z.object({ link: text, userAgent: text }).partial().catch({}),
      // Only in `suppression.added`, which names an address instead of a message.
      email: text,
      origin: text,
      source_id: text,
    })
    .partial()
    .catch({}),
});

type Data = z.infer<typeof envelope>['data'];

/**
 * The kind of `email.bounced` depends on its class; `suppression.removed` has no effect: only a person lifts a
 * suppression.
 */
const KINDS: Record<string, EventKind> = {
  'email.sent': 'accepted',
  'email.scheduled': 'accepted',
  'email.delivered': 'delivered',
  'email.delivery_delayed': 'delayed',
  'email.complained': 'complained',
  'email.opened': 'opened',
  'email.clicked': 'clicked',
  'email.failed': 'failed',
  // The address is on the provider's own list since an earlier hard bounce or complaint.
  'email.suppressed': 'hard_bounce',
  'suppression.added': 'suppressed',
};

/**
 * Converts a genuine webhook into the event that is stored.
 * @param id the `svix-id`.
 * @param now used when the event has no time of its own.
 */
export function readResendEvent(id: string, body: Buffer, now: Date): ReceivedEvent {
  const read = envelope.safeParse(parseJson(body));
  const nothing = { deliveryId: null, mailId: null, providerId: null, reason: null, link: null };
  if (!read.success) {
    return { id, type: 'unreadable', kind: 'other', at: now, email: null, isScanner: false, ...nothing };
  }
  const { type, created_at, data } = read.data;
  const kind = type === 'email.bounced' ? bounceKind(data) : (KINDS[type] ?? 'other');
  const tags = { deliveryId: uuid(data.tags?.delivery), mailId: uuid(data.tags?.mail) };
  const isTagged = tags.deliveryId !== null || tags.mailId !== null;
  return {
    id,
    type: word(type) ?? 'unreadable',
    kind,
    at: timeOf(created_at) ?? now,
    ...tags,
    providerId: word(kind === 'suppressed' ? data.source_id : data.email_id),
    reason: reasonOf(kind, data),
    link: kind === 'clicked' ? withoutTokens(data.click?.link ?? '') : null,
    isScanner: kind === 'clicked' && SCANNERS.test(data.click?.userAgent ?? ''),
    email:
      (kind === 'suppressed' ? data.email : isTagged || kind === 'other' ? undefined : data.to?.[0]) || null,
  };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Only `Permanent` is a hard bounce; every other class, known or new, is counted as a soft bounce. */
function bounceKind({ bounce }: Data): EventKind {
  return bounce?.type?.toLowerCase() === 'permanent' ? 'hard_bounce' : 'soft_bounce';
}

function reasonOf(kind: EventKind, { bounce, failed, suppressed, origin }: Data): string | null {
  if (kind === 'soft_bounce') return word(bounce?.subType) ?? 'Undetermined';
  if (kind === 'hard_bounce')
    return word(bounce?.subType ?? suppressed?.reason ?? suppressed?.type) ?? 'Permanent';
  if (kind === 'failed') return word(failed?.reason) ?? 'unknown';
  return kind === 'suppressed' ? word(origin) : null;
}

/** Short words of the provider's: classes and ids. A longer or unusual value may be personal data. */
function word(value: unknown): string | null {
  return typeof value === 'string' && /^[\w.:-]{1,128}$/.test(value) ? value : null;
}

function uuid(value: unknown): string | null {
  return typeof value === 'string' && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value) ? value : null;
}

function timeOf(value: string | undefined): Date | null {
  const at = new Date(value ?? '');
  const year = at.getUTCFullYear();
  return year >= 2000 && year < 2200 ? at : null;
}

/** Programs that identify themselves as link scanners. Most do not. */
const SCANNERS =
  /bot\b|crawl|spider|scan|preview|barracuda|mimecast|proofpoint|safelinks|trend ?micro|forcepoint|headless|curl|wget|python|okhttp|go-http|java\//i;

/** A link without its personal parts: no query, and no path segment that is a token. */
export function withoutTokens(link: string): string {
  let url: URL;
  try {
    url = new URL(link);
  } catch {
    return 'unreadable';
  }
  if (!/^https?:$/.test(url.protocol)) return url.protocol;
  const path = url.pathname.split('/').map((part) => (isToken(part) ? ':token' : part));
  return `${url.origin}${path.join('/')}`.slice(0, 500);
}

/** A token is long, and not a slug (words between hyphens). */
function isToken(part: string): boolean {
  if (part.length < 20) return false;
  return !/^[a-z\d]{1,18}(?:-[a-z\d]{1,18})*$/.test(part) || /^[\da-f-]+$/.test(part);
}
