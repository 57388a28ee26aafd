import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import { PASSKEY_SCRIPT } from '../frame/assets.ts';
import { Csrf, DeskPage } from '../frame/frame.tsx';
import type { DeskSession } from './editor-page.ts';
import { PASSKEY_NAME_MAX_LENGTH } from './passkeys.ts';

interface PasskeyFormProps {
  session: DeskSession;
  action: string;
  purpose: 'register' | 'authenticate';
  /** Whether the form asks for a name of the passkey. */
  name?: boolean;
  /** The label of its button. */
  children: string | string[];
}

/** A form that the script fills in with the response of the browser's passkey. */
export const PasskeyForm = ({ session, action, purpose, name = false, children }: PasskeyFormProps) => (
  <form method="post" action={action} data-passkey={purpose}>
    <Csrf session={session} />
    {name && (
      <label className="field">
        <span>A name by which you know it again</span>
        <input
          name="name"
          required
          maxLength={PASSKEY_NAME_MAX_LENGTH}
          autoComplete="off"
          placeholder="Phone"
        />
      </label>
    )}
    <p className="after" role="alert" data-said="" />
    <div className="doings">
      <button type="submit">{children}</button>
    </div>
    <p className="meta after">This takes JavaScript: no browser uses a passkey without it.</p>
  </form>
);

/** The second step of signing in, for editors who have a passkey. */
export function passkeyPage(site: Site, session: DeskSession): string {
  return render(
    <DeskPage site={site} title="Use your passkey">
      <div className="stack">
        <h1>Now your passkey</h1>
        <p>
          You are {session.editor.email}, and your account has a passkey. Use it, and you are at the desk.
        </p>
      </div>
      <PasskeyForm {...{ session, action: '/editor/sign-in/passkey', purpose: 'authenticate' }}>
        Use your passkey
      </PasskeyForm>
      <div className="stack">
        <p className="meta after">
          Lost it? Use another one of yours, or ask the people who run this installation: they can take your
          passkeys away and give you a new link.
        </p>
      </div>
      <form method="post" action="/editor/sign-out">
        <Csrf session={session} />
        <button type="submit" className="word">
          Sign out
        </button>
      </form>
      <script src={PASSKEY_SCRIPT.url} defer />
    </DeskPage>,
  );
}
