import type { ReactNode } from 'react';
import type { Site } from '../../platform/site.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { DESK_SCRIPT } from './assets.ts';
import { deskStylesheet } from './desk-stylesheet.ts';

/** The sections of the desk, in the order in which a week needs them. */
const SECTIONS = [
  { href: '/editor', name: 'This week' },
  { href: '/editor/preview', name: 'Preview' },
  { href: '/editor/issues', name: 'Issues' },
  { href: '/editor/comparisons', name: 'Comparisons' },
  { href: '/editor/people', name: 'Subscribers' },
  { href: '/editor/sources', name: 'Sources' },
  { href: '/editor/queues', name: 'Queues', publisher: true },
  { href: '/editor/log', name: 'Log' },
] as const satisfies { href: string; name: string; publisher?: boolean }[];

export type DeskSection = (typeof SECTIONS)[number]['href'] | typeof ACCOUNT;

/** The page of the editor's own account, beside the sections. */
const ACCOUNT = '/editor/account';

const sectionsFor = ({ isPublisher }: DeskSession) =>
  SECTIONS.filter((room) => !('publisher' in room) || isPublisher);

interface FrameProps {
  site: Site;
  title: string;
  /** Undefined before signing in. */
  session?: DeskSession | undefined;
  here?: DeskSection | undefined;
  /** Whether frames of mail are side by side. */
  wide?: boolean;
  /** The browser loads the page again after this many seconds; only where nobody types. */
  refreshSeconds?: number;
  children: ReactNode;
}

/** The frame of every page of the desk. It works without its script; the script saves steps. */
export const DeskPage = ({
  site,
  title,
  session,
  here,
  wide = false,
  refreshSeconds,
  children,
}: FrameProps) => (
  <html lang="en" dir="ltr">
    <head>
      <meta charSet="utf-8" />
      <title>{`${title} · Desk of ${site.newsletterName}`}</title>
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      {refreshSeconds !== undefined && <meta httpEquiv="refresh" content={String(refreshSeconds)} />}
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
                  {sectionsFor(session).map(({ href, name }) => (
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

/** The hidden field of every form. */
export const Csrf = ({ session }: { session: DeskSession }) => (
  <input type="hidden" name="csrf" value={session.csrf} />
);
