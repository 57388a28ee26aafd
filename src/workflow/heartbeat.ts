import type { Logger } from 'pino';

/** How long the service behind HEARTBEAT_URL may take to answer. */
const TIMEOUT_MS = 10_000;

/**
 * Returns a function that requests HEARTBEAT_URL once and never throws. A redirect is not followed: it is an error of the
 * setting. The first failure is logged, and that it works again; never the URL, whose owner can pretend that all is well.
 */
export function createHeartbeat(
  url: string | undefined,
  logger: Pick<Logger, 'warn' | 'info'>,
  timeoutMs = TIMEOUT_MS,
): () => Promise<void> {
  let isFailing = false;
  return async () => {
    if (url === undefined) return;
    const fault = await request(url, timeoutMs);
    if (fault !== null && !isFailing) logger.warn({ reason: fault }, 'the heartbeat cannot be delivered');
    if (fault === null && isFailing) logger.info('the heartbeat is delivered again');
    isFailing = fault !== null;
  };
}

/** @returns what went wrong; null when the service answered well. */
async function request(url: string, timeoutMs: number): Promise<string | null> {
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
      headers: { 'user-agent': 'weekly-verdict' },
    });
    await response.body?.cancel();
    return response.ok ? null : `it answered ${response.status}`;
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: string } };
    return name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : (cause?.code ?? name);
  }
}
