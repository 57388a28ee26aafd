export const FAULT_KINDS = [
  'disk-full',
  'connections-short',
  'statement-timeout',
  'lock-timeout',
  'redis-full',
  'redis-silent',
] as const;

/** What a database or a queue refuses, by its kind: each has its own advice. */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** SQLSTATE: appendix A of PostgreSQL's manual. */
const BY_CODE: Record<string, FaultKind> = {
  '53100': 'disk-full',
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  'disk-full': 'disk-full',
  '53300': 'connections-short',
  '57014': 'statement-timeout',
  '55P03': 'lock-timeout',
};

const BY_MESSAGE: readonly [RegExp, FaultKind][] = [
  [/No space left on device/i, 'disk-full'],
  [/too many clients|too many connections|timeout exceeded when trying to connect/i, 'connections-short'],
  [/^OOM command not allowed|-OOM |OOM command/i, 'redis-full'],
  [/^Command timed out$/, 'redis-silent'],
];

/** Returns the kind of an error, or of its cause; null: it says nothing about database or queue. Pure. */
export function faultOf(error: unknown): FaultKind | null {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code, message } = each as Error & { code?: unknown };
    // Canceled on request of a person, and not by a limit.
    if (code === '57014' && !/statement timeout/i.test(message)) return null;
    const kind = typeof code === 'string' ? BY_CODE[code] : undefined;
    if (kind !== undefined) return kind;
    for (const [pattern, found] of BY_MESSAGE) if (pattern.test(message)) return found;
  }
  return null;
}
