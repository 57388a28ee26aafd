import type { ReactNode } from 'react';
import type { Site } from '../../platform/site.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { DESK_SCRIPT } from './assets.ts';
import { deskStylesheet } from './desk-stylesheet.ts';

/** The rooms of the desk, in the order in which a week needs them. */
const ROOMS = [
  { href: '/editor', name: 'This week' },
  { href: '/editor/preview', name: 'Preview' },
  { href: '/editor/issues', name: 'Issues' },
  { href: '/editor/comparisons', name: 'Comparisons' },
  { href: '/editor/people', name: 'Subscribers' },
  { href: '/editor/sources', name: 'Sources' },
  { href: '/editor/queues', name: 'Queues', publisher: true },
  { href: '/editor/log', name: 'Log' },
] as const satisfies { href: string; name: string; publisher?: boolean }[];

export type DeskSection = (typeof ROOMS)[number]['href'] | typeof ACCOUNT;

/** Beside the rooms: who one is here. */
const ACCOUNT = '/editor/account';

const roomsFor = ({ isPublisher }: DeskSession) =>
  ROOMS.filter((room) => !('publisher' in room) || isPublisher);

interface FrameProps {
  site: Site;
  title: string;
  /** Undefined before signing in. */
  session?: DeskSession | undefined;
  here?: DeskSection | undefined;
  /** Frames of mail stand side by side, whoever looks at them. */
  wide?: boolean;
  children: ReactNode;
}

/** What every page of the desk shares. Without its script it is complete; with it some steps are saved. */
export const DeskPage = ({ site, title, session, here, wide = false, children }: FrameProps) => (
  <html lang="en" dir="ltr">
    <head>
      <meta charSet="utf-8" />
      <title>{`${title} · Desk of ${site.newsletterName}`}</title>
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      {/* biome-ignore lint/security/noDangerouslySetInnerHtml: our own constant, which must match its hash byte for byte */}
      <style dangerouslySetInnerHTML={{ __html: deskStylesheet }} />
      {session && <script src={DESK_SCRIPT.url} defer />}
    </head>
    <body {...(session && { 'data-editor': session.editor.email })}>
      <div className={session || wide ? 'page desk' : 'page'}>
        <header className="masthead">
          <p className="name">
            <a href="/editor">{site.newsletterName}</a>
          </p>
          {session ? (
            <div className="bar-top">
              <nav aria-label="Desk">
                <ul>
                  {roomsFor(session).map(({ href, name }) => (
                    <li key={href}>
                      <a className="tap" href={href} {...(href === here && { 'aria-current': 'page' })}>
                        {name}
                      </a>
                    </li>
                  ))}
                </ul>
              </nav>
              <form method="post" action="/editor/sign-out">
                <Csrf session={session} />
                <a className="tap" href={ACCOUNT} {...(here === ACCOUNT && { 'aria-current': 'page' })}>
                  {session.editor.email}, {session.editor.role}
                </a>
                <button type="submit" className="word">
                  Sign out
                </button>
                <button type="submit" className="word" name="everywhere" value="1">
                  Sign out everywhere
                </button>
              </form>
            </div>
          ) : (
            <p className="meta">The editor’s desk</p>
          )}
          {session?.step === 'register' && here !== ACCOUNT && (
            <p className="notice">
              Publishers must have a passkey here. <a href={ACCOUNT}>Add yours</a> to approve, send and
              decide.
            </p>
          )}
        </header>
        <main>{children}</main>
      </div>
    </body>
  </html>
);

/** Goes into every form. */
export const Csrf = ({ session }: { session: DeskSession }) => (
  <input type="hidden" name="csrf" value={session.csrf} />
);
