/** The vendor's answer about a solved puzzle; `unknown` when the vendor cannot be reached. */
export type ChallengeResult = 'passed' | 'failed' | 'unknown';

/** A puzzle in the form that is hard for machines. */
export interface Challenge {
  /** Public; the page needs it to show the puzzle. */
  siteKey: string;
  /** @param answer from the form; undefined when the puzzle was not solved or could not be shown. */
  verify(answer: string | undefined, ip: string): Promise<ChallengeResult>;
}

/** The origin of the puzzle: the only other site that our pages may load from, and only when a puzzle is configured. */
export const TURNSTILE_ORIGIN = 'https://challenges.cloudflare.com';

/** The field that Turnstile adds to the surrounding form. */
export const TURNSTILE_FIELD = 'cf-turnstile-response';

/** The longest wait for the vendor. */
const PATIENCE_MS = 2_500;

/** Faults of the vendor or of our settings, not of the person. */
const NOT_THEIRS = new Set(['internal-error', 'missing-input-secret', 'invalid-input-secret', 'bad-request']);

/**
 * Cloudflare Turnstile, verified from the server.
 * @param onFault called with the reason when the vendor could not be asked; it contains nothing that was sent.
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
