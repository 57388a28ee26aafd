import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import type { DeskSession, Obstacle, UnsavedForm } from '../auth/editor-page.ts';
import { DeskPage } from '../frame/frame.tsx';

interface Texts {
  title: string;
  text: string;
  /** What to do in another tab. */
  beside?: { href: string; name: string };
  button: string;
}

const PRESERVED = 'Nothing was changed, and nothing is lost: this page keeps what you sent.';

function textsOf(obstacle: Obstacle, session: DeskSession | undefined): Texts {
  switch (obstacle) {
    case 'signed-out':
      return {
        title: 'Your session has ended',
        text: `${PRESERVED} Sign in beside it, in a new tab of this browser. Then come back to this tab and press the button.`,
        beside: { href: '/editor/sign-in', name: 'Sign in in a new tab' },
        button: 'I have signed in: send it again',
      };
    case 'passkey-due':
      return {
        title: 'Your passkey is missing',
        text: `${PRESERVED} Use your passkey beside it, in a new tab. Then come back to this tab and press the button.`,
        beside: { href: '/editor/sign-in/passkey', name: 'Use your passkey in a new tab' },
        button: 'I have used it: send it again',
      };
    case 'passkey-missing':
      return {
        title: 'That takes a passkey',
        text: `${PRESERVED} Publishers must have a passkey here. Add yours beside it, in a new tab. Then come back to this tab and press the button.`,
        beside: { href: '/editor/account', name: 'Add a passkey in a new tab' },
        button: 'I have added it: send it again',
      };
    case 'form-forged':
      return {
        title: 'This form is of an earlier session',
        text: `${PRESERVED} You are signed in as ${session?.editor.email ?? 'somebody else'} now. Press the button to send it as that editor.`,
        button: 'Send it again',
      };
  }
}

/** Fields that people type into, with their labels. All other fields are sent again as hidden fields. */
const TYPED: Record<string, string> = {
  subject: 'Subject',
  preheader: 'Preheader',
  intro: 'Introduction',
  reason: 'Reason',
  to: 'To',
  email: 'Address',
  address: 'Address',
  name: 'Name',
};

/** Shows a complete form that was not accepted, to be sent again. */
export function unsavedPage(site: Site, { obstacle, session, action, form }: UnsavedForm): string {
  const { title, text, beside, button } = textsOf(obstacle, session);
  const typed = [...form].filter(([name, value]) => Object.hasOwn(TYPED, name) && value !== '');
  const fields = [...form].filter(([name]) => name !== 'csrf');
  // After the same editor signs in again, the form's own token is valid again.
  const csrf = session?.csrf ?? form.get('csrf') ?? '';
  return render(
    <DeskPage site={site} title={title}>
      <div className="stack" data-obstacle={obstacle}>
        <h1>{title}</h1>
        <p>{text}</p>
      </div>
      {typed.length > 0 && (
        <dl className="facts kept">
          {typed.map(([name, value]) => (
            <div key={`${name} ${value}`}>
              <dt>{TYPED[name]}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      <form method="post" action={action}>
        <input type="hidden" name="csrf" value={csrf} />
        {fields.map(([name, value], at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: fields repeat, and their order is all they have
          <input type="hidden" name={name} value={value} key={at} />
        ))}
        <div className="doings">
          {beside !== undefined && (
            <a className="button" href={beside.href} target="_blank" rel="noopener">
              {beside.name}
            </a>
          )}
          <button type="submit" className={beside === undefined ? undefined : 'quiet'}>
            {button}
          </button>
        </div>
      </form>
    </DeskPage>,
  );
}
