import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import { PASSKEY_SCRIPT } from '../frame/assets.ts';
import { formatTime } from '../frame/clock.ts';
import { Csrf, DeskPage } from '../frame/frame.tsx';
import type { DeskSession } from './editor-page.ts';
import { PasskeyForm } from './passkey-page.tsx';
import { PASSKEY_NAME_MAX_LENGTH, type Passkey } from './passkeys.ts';
import { FRESH_MINUTES } from './sessions.ts';

interface AccountProps {
  session: DeskSession;
  zone: string;
  passkeys: Passkey[];
  /** `impossible`: browsers create no passkeys for the address of this desk. */
  state: 'on' | 'off' | 'impossible';
}

export function accountPage(site: Site, props: AccountProps): string {
  const { session, state } = props;
  const { email, role } = session.editor;
  return render(
    <DeskPage site={site} title="Your account" session={session} here="/editor/account">
      <h1>Your account</h1>
      <dl className="facts">
        <div>
          <dt>Address</dt>
          <dd>{email}</dd>
        </div>
        <div>
          <dt>Role</dt>
          <dd>{role}</dd>
        </div>
      </dl>
      <section id="passkeys">
        <h2>Passkeys</h2>
        {state === 'on' ? (
          <Passkeys {...props} />
        ) : (
          <p>
            {state === 'off'
              ? 'Passkeys are switched off at this desk.'
              : `Browsers make passkeys for https with a host name, or for http://localhost. This desk is at ${new URL(site.publicUrl).origin}.`}
          </p>
        )}
      </section>
    </DeskPage>,
  );
}

const Passkeys = ({ session, zone, passkeys }: AccountProps) => {
  const { isFresh } = session.stored;
  return (
    <>
      {session.step === 'register' && (
        <p className="notice after" role="status">
          Publishers must have a passkey here. Until you add one, you can read and edit, and not approve, send
          or decide anything else that takes a publisher.
        </p>
      )}
      <p>
        A passkey is kept by your phone, your computer or a security key. Whoever has one uses it after the
        mailed link, each time they sign in, so that your mailbox alone opens nothing.
      </p>
      {passkeys.length > 0 && (
        <ul className="aside">
          {passkeys.map((passkey) => (
            <Item key={passkey.id} {...{ session, zone, passkey }} />
          ))}
        </ul>
      )}
      {isFresh ? (
        <Add session={session} isFirst={passkeys.length === 0} />
      ) : passkeys.length > 0 ? (
        <>
          <p className="after">
            To add or remove one, use one of yours again. For the {FRESH_MINUTES} minutes after that, this
            page shows how.
          </p>
          <PasskeyForm {...{ session, action: '/editor/sign-in/passkey', purpose: 'authenticate' }}>
            Use a passkey
          </PasskeyForm>
        </>
      ) : (
        <p className="after">
          A passkey is added in the first {FRESH_MINUTES} minutes of a session. Sign out, sign in by a new
          link, and open this page again.
        </p>
      )}
      <script src={PASSKEY_SCRIPT.url} defer />
    </>
  );
};

const Item = ({ session, zone, passkey }: { session: DeskSession; zone: string; passkey: Passkey }) => {
  const { id, name, createdAt, lastUsedAt, isSynced } = passkey;
  return (
    <li>
      <h3>{name}</h3>
      <p className="meta">
        {`Added ${formatTime(createdAt, zone)}. Last used ${lastUsedAt === null ? 'never' : formatTime(lastUsedAt, zone)}. `}
        {isSynced ? 'Kept on several devices.' : 'Kept on one device.'}
      </p>
      <details>
        <summary className="word">Rename {name}</summary>
        <form method="post" action={`/editor/passkeys/${id}/rename`}>
          <Csrf session={session} />
          <label className="field">
            <span>Its new name</span>
            <input
              name="name"
              defaultValue={name}
              required
              maxLength={PASSKEY_NAME_MAX_LENGTH}
              autoComplete="off"
            />
          </label>
          <div className="doings">
            <button type="submit" className="quiet">
              Rename it
            </button>
          </div>
        </form>
      </details>
      {session.stored.isFresh && (
        <form method="post" action={`/editor/passkeys/${id}/remove`}>
          <Csrf session={session} />
          <button type="submit" className="word">
            Remove {name}
          </button>
        </form>
      )}
    </li>
  );
};

const Add = ({ session, isFirst }: { session: DeskSession; isFirst: boolean }) => (
  <PasskeyForm {...{ session, action: '/editor/passkeys', purpose: 'register' }} name>
    {isFirst ? 'Add a passkey' : 'Add another passkey'}
  </PasskeyForm>
);
