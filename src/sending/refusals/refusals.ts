import type { ItemOutcome } from '../../providers/port.ts';

/**
 * Whose fault a refusal is. A provider refuses one message because of its address, and all of them because of the
 * account, the sender or the content. Only the first may cost a reader the issue (I13).
 */

/** Refusals of an issue since the provider last accepted something of it. */
export interface RefusalRun {
  /** Requests that were refused for certain, with all of their messages: single ones, and answers message by message. */
  requests: number;
  /** Messages in them. */
  readers: number;
}

/** Three addresses in a row that nobody accepts are rarer than one account that nobody accepts. */
const MAX_REQUESTS = 3;

/** So many addresses of one batch may be refused, of which other parts were accepted, before the account is doubted. */
export const FREE_REFUSALS = 3;

/** Nor are ten addresses of one answer. */
const MAX_READERS = 10;

/**
 * Whether the refusals are a fault of the account, the sender or the content, and not of the addresses.
 * @param isLast nothing else of the issue is open, and nothing was ever accepted.
 */
export function isRefusalOfAll({ requests, readers }: RefusalRun, isLast: boolean): boolean {
  return requests >= MAX_REQUESTS || readers >= MAX_READERS || (isLast && readers > 1);
}

/**
 * The refused messages of an answer that says nothing good about the account: all of them were refused, or most of
 * them for one reason. Null when the answer shows that the provider accepts mail.
 */
export function suspiciousRefusals(
  items: readonly ItemOutcome[],
): { readers: number; reason: string } | null {
  const counts = new Map<string, number>();
  for (const item of items)
    if ('rejected' in item) counts.set(item.rejected, (counts.get(item.rejected) ?? 0) + 1);
  const [reason, most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0]);
  const readers = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (readers > 0 && readers === items.length) return { readers, reason };
  return most >= MAX_READERS && most * 2 > items.length ? { readers: most, reason } : null;
}

/**
 * How many members of a refused batch are asked next, by themselves. The first alone tells at once whether the provider
 * accepts anything; when it does, halves find the message that it refuses.
 */
export function sizeOfFirstPart(members: number, revision: number, hasRun: boolean): number {
  return revision === 1 || hasRun ? 1 : Math.ceil(members / 2);
}
