/**
 * What Resend accepts and refuses, by its documentation and its SDK 6.38: fields, addresses, tags, limits, and the
 * names of its errors. Pure; nothing here depends on another request.
 */

/** An error on the wire; note the camel case. */
export interface Refusal {
  statusCode: number;
  name: string;
  message: string;
}

export const refusal = (statusCode: number, name: string, message: string): Refusal => ({
  statusCode,
  name,
  message,
});

const invalid = (message: string) => refusal(422, 'validation_error', message);
const missing = (message: string) => refusal(422, 'missing_required_field', message);

export interface Tag {
  name: string;
  value: string;
}

/** One message as accepted, with every list as an array. */
export interface WireEmail {
  from: string;
  to: string[];
  cc: string[] | null;
  bcc: string[] | null;
  reply_to: string[] | null;
  subject: string;
  html: string | null;
  text: string | null;
  headers: Record<string, string>;
  tags: Tag[];
  topic_id: string | null;
  scheduled_at: string | null;
}

export interface Rules {
  /** Domains allowed in `from`; undefined: every one is verified. */
  verifiedDomains: readonly string[] | undefined;
  /** Domains whose addresses are refused in `to`, whatever the rest of the message. */
  refusedDomains: readonly string[];
}

export const MOST_MESSAGES = 100;
const MOST_RECIPIENTS = 50;
const MOST_TAGS = 75;
const LONGEST_TAG = 256;
const LONGEST_KEY = 256;

/** @returns the fault of an idempotency key; undefined when it is valid. */
export function faultOfKey(key: string): Refusal | undefined {
  if (key.length >= 1 && key.length <= LONGEST_KEY) return undefined;
  return refusal(400, 'invalid_idempotency_key', 'The idempotency key must be between 1-256 characters.');
}

/** @returns the unvalidated messages of a batch, or why it is no batch. */
export function readBatch(body: unknown): unknown[] | Refusal {
  if (!Array.isArray(body)) return invalid('The `request.body` field must be an array.');
  if (body.length === 0) return invalid('The batch must contain at least one email.');
  if (body.length > MOST_MESSAGES)
    return invalid(`The batch must not contain more than ${MOST_MESSAGES} emails.`);
  return body;
}

export const isRefusal = (value: object): value is Refusal => 'statusCode' in value;

/** Reads one message; `inBatch` refuses attachments. */
export function readEmail(item: unknown, rules: Rules, inBatch: boolean): WireEmail | Refusal {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    return invalid('The email must be an object.');
  const email = item as Record<string, unknown>;
  return (
    faultOfFrom(email.from, rules) ??
    faultOfRecipients(email, rules) ??
    faultOfBody(email) ??
    faultOfHeaders(email.headers) ??
    faultOfTags(email.tags) ??
    (inBatch && email.attachments !== undefined
      ? invalid('The `attachments` field is not supported in a batch.')
      : undefined) ?? {
      from: email.from as string,
      to: listOf(email.to) ?? [],
      cc: listOf(email.cc),
      bcc: listOf(email.bcc),
      reply_to: listOf(email.reply_to),
      subject: email.subject as string,
      html: (email.html as string | undefined) ?? null,
      text: (email.text as string | undefined) ?? null,
      headers: (email.headers as Record<string, string> | undefined) ?? {},
      tags: (email.tags as Tag[] | undefined) ?? [],
      topic_id: (email.topic_id as string | null | undefined) ?? null,
      scheduled_at: (email.scheduled_at as string | undefined) ?? null,
    }
  );
}

/** Number of addresses that a message counts against the quotas. */
export function countRecipients({ to, cc, bcc }: WireEmail): number {
  return to.length + (cc?.length ?? 0) + (bcc?.length ?? 0);
}

/** `addr`, or `Name <addr>`: the address alone, lower case; undefined when it is neither. */
export function addressOf(mailbox: string): string | undefined {
  const [, named, bare] = /^[^<>\r\n]*<([^<>\s]+)>$|^([^<>\s]+)$/u.exec(mailbox.trim()) ?? [];
  const address = named ?? bare;
  return address !== undefined && /^[^@,;\s]+@[^@,;\s.]+(?:\.[^@,;\s.]+)+$/u.test(address)
    ? address.toLowerCase()
    : undefined;
}

const domainOf = (address: string) => address.slice(address.lastIndexOf('@') + 1);

function listOf(value: unknown): string[] | null {
  if (value === undefined || value === null) return null;
  return Array.isArray(value) ? value : [value as string];
}

function faultOfFrom(from: unknown, { verifiedDomains }: Rules): Refusal | undefined {
  if (from === undefined || from === null || from === '') return missing('Missing `from` field.');
  const address = typeof from === 'string' ? addressOf(from) : undefined;
  if (address === undefined) {
    return invalid(
      'Invalid `from` field. The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.',
    );
  }
  const domain = domainOf(address);
  if (verifiedDomains === undefined || verifiedDomains.includes(domain)) return undefined;
  return refusal(403, 'validation_error', `The ${domain} domain is not verified.`);
}

function faultOfRecipients(email: Record<string, unknown>, { refusedDomains }: Rules): Refusal | undefined {
  for (const field of ['to', 'cc', 'bcc', 'reply_to'] as const) {
    const value = email[field];
    const mailboxes = listOf(value);
    if (mailboxes === null || mailboxes.length === 0) {
      if (field === 'to') return missing('The `to` field is missing.');
      continue;
    }
    if (mailboxes.length > MOST_RECIPIENTS)
      return invalid(`The \`${field}\` field must not contain more than ${MOST_RECIPIENTS} addresses.`);
    for (const mailbox of mailboxes) {
      const address = typeof mailbox === 'string' ? addressOf(mailbox) : undefined;
      if (address === undefined) {
        return invalid(
          `Invalid \`${field}\` field. The email address needs to follow the \`email@example.com\` or \`Name <email@example.com>\` format.`,
        );
      }
      if (field !== 'reply_to' && refusedDomains.includes(domainOf(address))) {
        return invalid(
          `Invalid \`${field}\` field. Please use our testing email address instead of domains like \`example.com\`.`,
        );
      }
    }
  }
  return undefined;
}

function faultOfBody({ subject, html, text, template, scheduled_at }: Record<string, unknown>) {
  const hasBody = typeof html === 'string' || typeof text === 'string';
  if (template !== undefined)
    return hasBody ? invalid('The `template` field excludes `html` and `text`.') : undefined;
  if (typeof subject !== 'string') return missing('Missing `subject` field.');
  if (/[\r\n]/u.test(subject)) return invalid('The `\\n` is not allowed in the `subject` field.');
  if (!hasBody) return missing('Missing `html` or `text` field.');
  if (scheduled_at !== undefined && typeof scheduled_at !== 'string')
    return invalid('The `scheduled_at` field must be a string.');
  return undefined;
}

function faultOfHeaders(headers: unknown): Refusal | undefined {
  if (headers === undefined) return undefined;
  const isRecord = typeof headers === 'object' && headers !== null && !Array.isArray(headers);
  const isFlat = isRecord && Object.values(headers).every((value) => typeof value === 'string');
  return isFlat ? undefined : invalid('The `headers` field must be an object of strings.');
}

function faultOfTags(tags: unknown): Refusal | undefined {
  if (tags === undefined) return undefined;
  if (!Array.isArray(tags)) return invalid('The `tags` field must be an array.');
  if (tags.length > MOST_TAGS) return invalid(`The \`tags\` field must not contain more than ${MOST_TAGS}.`);
  for (const tag of tags as (Partial<Tag> | null)[]) {
    for (const part of ['name', 'value'] as const) {
      const text = tag?.[part];
      if (typeof text !== 'string' || text === '') return missing(`Missing \`${part}\` of a tag.`);
      if (text.length > LONGEST_TAG || !/^[A-Za-z0-9_-]+$/u.test(text)) {
        return invalid(
          'Tags should only contain ASCII letters, numbers, underscores, or dashes, 256 characters at most.',
        );
      }
    }
  }
  return undefined;
}
