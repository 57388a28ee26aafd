import { resetPasskeys } from '../desk/auth/passkeys.ts';
import { printLink, requireEditor } from '../desk/auth/sessions.ts';
import { AppError } from '../platform/errors.ts';
import { SIGN_IN_LINK_MINUTES } from '../transactional/link-lifetimes.ts';
import { openApp } from './open-app.ts';
import { type Context, operatorName, say, sayJson } from './output.ts';

/**
 * Prints a link that signs an editor in to the desk, for when the mail does not arrive or all passkeys are lost.
 * @throws AppError `editor-unknown`, `data-dir-locked`.
 */
export async function signInCommand(
  context: Context,
  address: string,
  options: { resetPasskeys?: boolean; json?: boolean },
): Promise<void> {
  await using app = await openApp(context).catch((error) => {
    if (!(error instanceof AppError) || error.code !== 'data-dir-locked') throw error;
    throw new AppError(error.code, error.message, {
      help: `Stop \`serve\`, run this again, and start it: the link outlives that, and is good for ${SIGN_IN_LINK_MINUTES} minutes.`,
      cause: error,
    });
  });
  const { db, config } = app;
  const by = `operator ${operatorName()}`;
  const editor = requireEditor(address, config.editors);
  const removed = options.resetPasskeys ? await resetPasskeys(db, { editor, by }) : undefined;
  const { email, token } = await printLink(db, { typed: address, editors: config.editors, by });
  const link = `${config.publicUrl}/editor/sign-in/${token}`;
  if (options.json)
    return sayJson({ email, link, minutes: SIGN_IN_LINK_MINUTES, passkeysRemoved: removed ?? 0 });
  if (removed !== undefined)
    say(`Passkeys removed: ${removed}. Every session of ${email} is ended, and every open link of theirs.`);
  say(link);
  say(
    `It signs in ${email}, once, within ${SIGN_IN_LINK_MINUTES} minutes, in any browser. Hand it over where nobody else reads.`,
  );
}
