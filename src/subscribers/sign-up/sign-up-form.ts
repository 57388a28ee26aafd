import type { Challenge } from '../../platform/http/challenge.ts';
import type { Limiter } from '../../platform/queue/limiter.ts';
import type { Site } from '../../platform/site.ts';
import type { Keys } from '../tokens.ts';
import { consentText, type PrivacyNote } from './consent.ts';
import { signFormToken } from './form-token.ts';
import type { DomainCheck } from './reputation.ts';
import type { SignUpForm } from './sign-up-page.tsx';

/** What sign-up needs from the rest of the program. */
export interface SignUpParts {
  limiter: Pick<Limiter, 'consume'>;
  checkDomain: DomainCheck;
  /** null: the form has no puzzle. */
  challenge: Challenge | null;
  /** Other sites that may embed the form. */
  embedOrigins: readonly string[];
  /** The privacy note that the form links to; null: no link. */
  privacy: PrivacyNote | null;
  clock(): Date;
}

/** Stands for the form token in a cached page: two pages that differ only in their token share one cache entry. */
export const TOKEN_PLACEHOLDER = 'stamped-when-sent';

/**
 * The names of our forms. The form under a comparison is called `comparison:` and its slug. `embed` and `embed-frame`
 * are on other sites.
 */
export const FORM_NAMES: ReadonlySet<string> = new Set([
  'home',
  'subscribe',
  'comparisons',
  'embed',
  'embed-frame',
]);

/** Every form with another name. */
export const OTHER_FORM = 'other';

/** Makes the sign-up forms of all pages. */
export interface Forms {
  /** @param source names the form's place. */
  make(source: string): Promise<SignUpForm>;
  token(): string;
  /** Puts a new form token into a page with such a form. */
  withToken(page: string): string;
}

/** @param topics the topics that readers can choose today. */
export function signUpForms(
  keys: Keys,
  site: Site,
  { challenge, privacy, clock }: SignUpParts,
  topics: () => Promise<string[]>,
): Forms {
  const consent = consentText(site.newsletterName).text;
  const signToken = () => signFormToken(keys, clock());
  return {
    make: async (source) => ({
      source,
      consent,
      privacyUrl: privacy?.url,
      siteKey: challenge?.siteKey ?? null,
      token: TOKEN_PLACEHOLDER,
      topics: await topics(),
    }),
    token: signToken,
    withToken: (page) => page.replace(TOKEN_PLACEHOLDER, signToken()),
  };
}
