import type { Challenge } from '../../platform/http/challenge.ts';
import type { Limiter } from '../../platform/queue/limiter.ts';
import type { Site } from '../../platform/site.ts';
import type { Keys } from '../tokens.ts';
import { consentText, type PrivacyNote } from './consent.ts';
import { signFormToken } from './form-token.ts';
import type { DomainCheck } from './reputation.ts';
import type { SignUpForm } from './sign-up-page.tsx';

/** What signing up needs of the rest of the program. */
export interface SignUpParts {
  limiter: Pick<Limiter, 'consume'>;
  checkDomain: DomainCheck;
  /** null: the form has no puzzle. */
  challenge: Challenge | null;
  /** Other sites that may carry the form. */
  embedOrigins: readonly string[];
  /** The note that the form links to; null: it links to none. */
  privacy: PrivacyNote | null;
  clock(): Date;
}

/** Stands for the stamp in a page that is cached: two pages that differ in it only are one page. */
export const TOKEN_PLACEHOLDER = 'stamped-when-sent';

/**
 * The names of our forms, wherever they stand. The form under a comparison is called `comparison:` and its slug.
 * `embed` and `embed-frame` stand on other sites.
 */
export const FORM_NAMES: ReadonlySet<string> = new Set([
  'home',
  'subscribe',
  'comparisons',
  'embed',
  'embed-frame',
]);

/** Any other form, or whatever says that it is one. */
export const OTHER_FORM = 'other';

/** Makes the forms of all pages. */
export interface Forms {
  /** @param source tells where it stands. */
  make(source: string): Promise<SignUpForm>;
  token(): string;
  /** A page with such a form, with a stamp of its own. */
  withToken(page: string): string;
}

/** @param topics those that readers can choose today. */
export function signUpForms(
  keys: Keys,
  site: Site,
  { challenge, privacy, clock }: SignUpParts,
  topics: () => Promise<string[]>,
): Forms {
  const consent = consentText(site.newsletterName).text;
  const stamp = () => signFormToken(keys, clock());
  return {
    make: async (source) => ({
      source,
      consent,
      privacyUrl: privacy?.url,
      siteKey: challenge?.siteKey ?? null,
      token: TOKEN_PLACEHOLDER,
      topics: await topics(),
    }),
    token: stamp,
    withToken: (page) => page.replace(TOKEN_PLACEHOLDER, stamp()),
  };
}
