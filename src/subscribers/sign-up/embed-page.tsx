import { renderToStaticMarkup } from 'react-dom/server';
import { theme as tokens } from '../../../emails/theme.ts';
import { Page, render } from '../../platform/http/pages/layout.tsx';
import { stylesheet } from '../../platform/http/pages/stylesheet.ts';
import type { Site } from '../../platform/site.ts';
import { EMBED_COLOURS, type EmbedTheme } from './embed-theme.ts';
import { SignUpFields, type SignUpForm } from './sign-up-page.tsx';

/**
 * The form for a frame on another site. Without its script, the answer opens on our own page outside the frame, where
 * there is room for it.
 */
export function embedPage(site: Site, form: SignUpForm, themeCss: string): string {
  return render(
    <html lang="en" dir="ltr">
      <head>
        <meta charSet="utf-8" />
        <title>{`Subscribe · ${site.newsletterName}`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        {/* biome-ignore lint/security/noDangerouslySetInnerHtml: our own constant, which must match its hash byte for byte */}
        <style dangerouslySetInnerHTML={{ __html: stylesheet }} />
        {/* biome-ignore lint/security/noDangerouslySetInnerHtml: made of checked colours, and must match its hash, too */}
        <style dangerouslySetInnerHTML={{ __html: themeCss }} />
        <script src="/embed.js" defer />
      </head>
      <body>
        <div className="page">
          <main>
            <h1 className="name">{site.newsletterName}</h1>
            <SignUpFields form={form} className="weekly-verdict" target="_top" data-style="none" />
          </main>
        </div>
      </body>
    </html>,
  );
}

interface CodePage {
  theme: EmbedTheme;
  /** The theme as a query string, with its question mark. */
  query: string;
  consent: string;
  privacyUrl: string | undefined;
  embedOrigins: readonly string[];
}

/** The code to copy, a preview, and the colours that can be changed. */
export function embedCodePage(site: Site, { theme, query, ...form }: CodePage): string {
  const frame = `${site.publicUrl}/embed${query}`;
  return render(
    <Page site={site} title="The form for your site" wide>
      <div className="stack">
        <h1>The form for your site</h1>
        <p className="lede">
          Copy one of these into a page of yours. Readers sign up without leaving it, and nobody is on the
          list before they pressed the button in our mail.
        </p>
        {form.embedOrigins.length === 0 ? (
          <p className="notice">
            No other site may carry the form yet. Whoever runs this installation lists them in{' '}
            <code>EMBED_ORIGINS</code>.
          </p>
        ) : (
          <p>
            These sites may carry it: {form.embedOrigins.join(', ')}. Another one has to be added to{' '}
            <code>EMBED_ORIGINS</code> first.
          </p>
        )}
      </div>
      <section>
        <h2>Its looks</h2>
        <p>Six digits each, as in CSS. Leave them empty for ours, which follow the reader’s light or dark.</p>
        <form method="get" action="/embed/code">
          <div className="pair">
            {EMBED_COLOURS.map((name) => (
              <label className="field" key={name}>
                {COLOUR_NAMES[name]}
                <input
                  type="text"
                  name={name}
                  maxLength={7}
                  pattern="#?[0-9A-Fa-f]{6}"
                  placeholder={tokens[theme.scheme ?? 'light'][name]}
                  defaultValue={theme.colours[name]}
                  spellCheck={false}
                  autoComplete="off"
                />
              </label>
            ))}
            <label className="field">
              Light or dark
              <select name="scheme" defaultValue={theme.scheme ?? ''}>
                <option value="">as the reader has it</option>
                <option value="light">light</option>
                <option value="dark">dark</option>
              </select>
            </label>
          </div>
          <button type="submit">Show it</button>
          <p className="meta after">Colours that could not be read on each other are left out.</p>
        </form>
        <iframe className="preview" src={`/embed${query}`} title="The form as it will look" />
      </section>
      <section>
        <h2>As a part of your page</h2>
        <p>
          It takes the type of your page. The form works even where the script does not load; with{' '}
          <code>data-style="none"</code> on the form, its looks are all yours.
        </p>
        <Snippet label="Form and script" text={formSnippet(site, { theme, query, ...form })} rows={19} />
        <p>
          The variables are <code>--wv-ink</code>, <code>--wv-paper</code>, <code>--wv-accent</code>,{' '}
          <code>--wv-font</code> and <code>--wv-radius</code>. Another text for those who signed up goes into{' '}
          <code>data-done</code>.
        </p>
      </section>
      <section>
        <h2>In a frame</h2>
        <p>Nothing of your page reaches it, and nothing of it reaches your page.</p>
        <Snippet label="Frame" text={frameSnippet(site, frame)} rows={5} />
      </section>
    </Page>,
  );
}

const COLOUR_NAMES = { paper: 'Paper', ink: 'Ink', accent: 'Links and focus' };

const Snippet = ({ label, text, rows }: { label: string; text: string; rows: number }) => (
  <label className="field after">
    {label}
    <textarea readOnly rows={rows} spellCheck={false} defaultValue={text} />
  </label>
);

/** The form's markup for another page. It has no ids, so that it cannot clash with those of the page. */
function formSnippet(site: Site, { theme, consent, privacyUrl }: CodePage): string {
  const colours = Object.entries(theme.colours).map(([name, value]) => `--wv-${name}: ${value}`);
  const style = colours.length > 0 ? `<style>.weekly-verdict { ${colours.join('; ')} }</style>\n` : '';
  const privacy = privacyUrl ? `\n    <a href="${escaped(privacyUrl)}">How we treat your data</a>` : '';
  return `${style}<form class="weekly-verdict" action="${escaped(site.publicUrl)}/subscribe" method="post">
  <label>
    Email address
    <input type="email" name="email" autocomplete="email" maxlength="254" required>
  </label>
  <p hidden>
    <label>Leave this empty <input name="website" tabindex="-1" autocomplete="off"></label>
  </p>
  <input type="hidden" name="source" value="embed">
  <button type="submit">Subscribe</button>
  <p><small>
    ${escaped(consent)}${privacy}
  </small></p>
</form>
<script src="${escaped(site.publicUrl)}/embed.js" defer></script>
`;
}

function frameSnippet(site: Site, url: string): string {
  const title = `Subscribe to ${site.newsletterName}`;
  return `<iframe src="${escaped(url)}" title="${escaped(title)}"
  width="100%" height="420" loading="lazy"></iframe>
`;
}

/** Escapes text and quoted attribute values. */
const escaped = (text: string) => renderToStaticMarkup(text);
