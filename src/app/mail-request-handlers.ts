import type { Editor } from '../config/editors.ts';
import { signInLinkHandler } from '../desk/auth/sessions.ts';
import { readerLinkHandler } from '../subscribers/links/link-store.ts';
import { addressChangeHandler } from '../subscribers/preferences/preferences-store.ts';
import { signUpHandler } from '../subscribers/sign-up/answer-sign-up.ts';
import { freshLinkHandler } from '../subscribers/step-up/step-up-store.ts';
import type { Keys } from '../subscribers/tokens.ts';
import type { MailRequestHandlers } from '../transactional/requests/answer-requests.ts';

/** The handler of each kind of mail request. */
export function mailRequestHandlers(parts: {
  keys: Keys;
  editors: readonly Editor[];
  /** Called with the token of every sign-in link to the desk. */
  onSignInLink?: (token: string) => void;
}): MailRequestHandlers {
  const signInLinks = signInLinkHandler({ ...parts, onLink: parts.onSignInLink });
  return {
    sign_up: signUpHandler(parts.keys),
    change: addressChangeHandler(parts.keys),
    step_up: freshLinkHandler(parts.keys),
    link: readerLinkHandler(parts.keys, 'link'),
    leave: readerLinkHandler(parts.keys, 'leave'),
    desk_sign_in: signInLinks,
    desk_sign_in_own_browser: signInLinks,
  };
}
