import type { ReactElement, ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { replyAddress, type Site } from '../../site.ts';
import { stylesheet } from './stylesheet.ts';

interface PageProps {
  site: Site;
  /** Undefined on the front page, whose title is the newsletter's name. */
  title?: string;
  /** Head elements of this page only: its URL, its description. */
  head?: ReactNode;
  /** Wider than a mail, for two columns of long text. */
  wide?: boolean;
  children: ReactNode;
}

/** What every page shares: nameplate, one h1, footer. It needs no script and loads nothing. */
export const Page = ({ site, title, head, wide = false, children }: PageProps) => (
  <html lang="en" dir="ltr">
    <head>
      <meta charSet="utf-8" />
      <title>{title === undefined ? site.newsletterName : `${title} · ${site.newsletterName}`}</title>
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <link rel="alternate" type="application/atom+xml" title={site.newsletterName} href="/issues.atom" />
      <link rel="alternate" type="application/feed+json" title={site.newsletterName} href="/issues.json" />
      {head}
      {/* biome-ignore lint/security/noDangerouslySetInnerHtml: our own constant, which must match its hash byte for byte */}
      <style dangerouslySetInnerHTML={{ __html: stylesheet }} />
    </head>
    <body>
      <div className={wide ? 'page wide' : 'page'}>
        <header className="masthead">
          {title === undefined ? (
            <h1 className="name">{site.newsletterName}</h1>
          ) : (
            <p className="name">
              <a href="/">{site.newsletterName}</a>
            </p>
          )}
          <p className="meta">Two AI tools at a time. Ship it or skip it.</p>
        </header>
        <main>{children}</main>
        <footer>
          <ul>
            <li>
              <a className="tap" href="/issues">
                Every issue
              </a>
            </li>
            <li>
              <a className="tap" href="/comparisons">
                Every comparison
              </a>
            </li>
            <li>
              <a className="tap" href="/issues.atom">
                Feed
              </a>
            </li>
            <li>
              <a className="tap" href="/unsubscribe">
                How to leave
              </a>
            </li>
            <li>
              <a className="tap" href="/preferences">
                Change topics
              </a>
            </li>
          </ul>
          {site.postalAddress !== '' && <p className="meta">{site.postalAddress}</p>}
        </footer>
      </div>
    </body>
  </html>
);

/** Renders a complete document. */
export function render(page: ReactElement): string {
  return `<!doctype html>${renderToStaticMarkup(page)}`;
}

/** A link to write to the reply address. */
export const ReplyTo = ({ site }: { site: Site }) => {
  const address = replyAddress(site);
  return <a href={`mailto:${address}`}>{address}</a>;
};
