import { randomUUID } from 'node:crypto';
import { addressOf, MOST_MESSAGES, refusal } from './contract.ts';

export type SuppressionOrigin = 'bounce' | 'complaint' | 'manual';

export interface Suppression {
  id: string;
  email: string;
  origin: SuppressionOrigin;
  source_id: string | null;
  created_at: string;
}

/** Posts `suppression.added` and `suppression.removed`. */
type Tell = (type: string, data: Record<string, unknown>) => void;

/** The account's suppression list: accepted mail to its addresses is never sent. */
export class Suppressions {
  readonly #entries = new Map<string, Suppression>();
  readonly #clock: () => Date;
  readonly #tell: Tell;

  constructor(clock: () => Date, tell: Tell) {
    this.#clock = clock;
    this.#tell = tell;
  }

  has(email: string): boolean {
    return this.#entries.has(email.toLowerCase());
  }

  list(): Suppression[] {
    return [...this.#entries.values()];
  }

  /** An address on it stays unchanged. */
  add(email: string, origin: SuppressionOrigin = 'manual', sourceId: string | null = null): Suppression {
    const known = this.#entries.get(email.toLowerCase());
    if (known !== undefined) return known;
    const entry: Suppression = {
      id: randomUUID(),
      email: email.toLowerCase(),
      origin,
      source_id: sourceId,
      created_at: this.#clock().toISOString(),
    };
    this.#entries.set(entry.email, entry);
    this.#tell('suppression.added', { ...entry });
    return entry;
  }

  remove(idOrEmail: string): Suppression | undefined {
    const entry = this.#find(idOrEmail);
    if (entry === undefined) return undefined;
    this.#entries.delete(entry.email);
    this.#tell('suppression.removed', { ...entry });
    return entry;
  }

  /** @returns undefined for another path. */
  answer(method: string, url: URL, bytes: Buffer): { status: number; body: string } | undefined {
    const [, root, name] = url.pathname.split('/');
    if (root !== 'suppressions') return undefined;
    const body = method === 'POST' ? (JSON.parse(bytes.toString('utf8') || '{}') as Posted) : {};
    if (url.pathname === '/suppressions/batch/add' && method === 'POST') return this.#addAll(body.emails);
    if (url.pathname === '/suppressions/batch/remove' && method === 'POST')
      return this.#removeAll(body.emails ?? body.ids);
    if (name === undefined && method === 'POST') {
      const email = addressOf(body.email ?? '');
      return email === undefined ? invalid('Invalid `email` field.') : ok(shown(this.add(email)));
    }
    if (name === undefined && method === 'GET') return ok(this.#page(url.searchParams));
    const entry = name === undefined ? undefined : this.#find(decodeURIComponent(name));
    if (entry === undefined) return answer(refusal(404, 'not_found', 'Suppression not found'));
    if (method === 'GET') return ok({ object: 'suppression', ...entry });
    if (method !== 'DELETE') return answer(refusal(405, 'method_not_allowed', 'Method is not allowed'));
    this.remove(entry.id);
    return ok({ ...shown(entry), deleted: true });
  }

  #find(idOrEmail: string): Suppression | undefined {
    return this.#entries.get(idOrEmail.toLowerCase()) ?? this.list().find(({ id }) => id === idOrEmail);
  }

  #page(params: URLSearchParams) {
    const origin = params.get('origin');
    const rows = this.list().filter((entry) => origin === null || entry.origin === origin);
    return page(rows.reverse(), params);
  }

  #addAll(emails: unknown) {
    const refused = faultOfList(emails);
    if (refused !== undefined) return refused;
    const addresses = (emails as string[]).map((email) => addressOf(email));
    if (addresses.includes(undefined)) return invalid('Invalid `emails` field.');
    return ok({ data: (addresses as string[]).map((email) => shown(this.add(email))) });
  }

  #removeAll(names: unknown) {
    const refused = faultOfList(names);
    if (refused !== undefined) return refused;
    const removed = (names as string[]).map((name) => this.remove(name));
    const data = removed.flatMap((entry) => (entry ? [{ ...shown(entry), deleted: true }] : []));
    return ok({ data });
  }
}

interface Posted {
  email?: string;
  emails?: unknown;
  ids?: unknown;
}

const shown = ({ id }: Suppression) => ({ object: 'suppression', id });
const ok = (body: unknown) => ({ status: 200, body: JSON.stringify(body) });
const answer = (refused: { statusCode: number }) => ({
  status: refused.statusCode,
  body: JSON.stringify(refused),
});
const invalid = (message: string) => answer(refusal(422, 'validation_error', message));

function faultOfList(list: unknown) {
  const isList = Array.isArray(list) && list.every((each) => typeof each === 'string');
  if (isList && list.length >= 1 && list.length <= MOST_MESSAGES) return undefined;
  return invalid(`Give between 1 and ${MOST_MESSAGES} of them.`);
}

/** Cursor pagination like Resend's. */
export function page<T extends { id: string }>(
  rows: T[],
  params: URLSearchParams,
): { object: 'list'; has_more: boolean; data: T[] } {
  const limit = Math.min(100, Math.max(1, Number(params.get('limit') ?? 20)));
  const before = params.get('before');
  if (before !== null) {
    const end = rows.findIndex(({ id }) => id === before);
    return { object: 'list', has_more: end > limit, data: rows.slice(Math.max(0, end - limit), end) };
  }
  const start = rows.findIndex(({ id }) => id === params.get('after')) + 1;
  return { object: 'list', has_more: rows.length > start + limit, data: rows.slice(start, start + limit) };
}
