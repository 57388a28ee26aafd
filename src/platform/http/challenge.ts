/** What the vendor says of an answered challenge; `unknown` when it cannot be asked. */
export type ChallengeResult = 'passed' | 'failed' | 'unknown';

/** A puzzle in the form that machines find hard. */
export interface Challenge {
  /** Public; the page needs it to show the puzzle. */
  siteKey: string;
  /** @param answer what the form sent; undefined where the puzzle was not solved, or could not be shown. */
  verify(answer: string | undefined, ip: string): Promise<ChallengeResult>;
}

/** Where the puzzle comes from: the only other site that a page of ours may load from, and only when one is set. */
export const TURNSTILE_ORIGIN = 'https://challenges.cloudflare.com';

/** The field that Turnstile adds to the form it stands in. */
export const TURNSTILE_FIELD = 'cf-turnstile-response';

/** Nobody waits longer for a vendor. */
const PATIENCE_MS = 2_500;

/** Faults of the vendor or of our settings: no fault of who answered. */
const NOT_THEIRS = new Set(['internal-error', 'missing-input-secret', 'invalid-input-secret', 'bad-request']);

/**
 * Cloudflare Turnstile, verified from here.
 * @param onFault is told why it could not be asked, without what was sent.
 */
export function turnstile(
  { url, siteKey, secretKey }: { url: string; siteKey: string; secretKey: string },
  onFault: (reason: string) => void,
): Challenge {
  return {
    siteKey,
    async verify(answer, ip) {
      if (answer === undefined || answer === '') return 'failed';
      try {
        const response = await fetch(url, {
          method: 'POST',
          body: new URLSearchParams({ secret: secretKey, response: answer, remoteip: ip }),
          signal: AbortSignal.timeout(PATIENCE_MS),
        });
        const said = (await response.json()) as { success?: unknown; 'error-codes'?: unknown };
        if (said.success === true) return 'passed';
        const codes = Array.isArray(said['error-codes']) ? said['error-codes'].map(String) : [];
        const fault = codes.find((code) => NOT_THEIRS.has(code));
        if (said.success === false && fault === undefined) return 'failed';
        onFault(fault ?? `status ${response.status}`);
      } catch (error) {
        onFault(error instanceof Error ? error.name : 'unreachable');
      }
      return 'unknown';
    },
  };
}
