import type { Issue } from '../../issues/issue-store.ts';
import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import { TEMPLATES } from '../../render/render-variant.ts';
import type { Preview } from '../../sending/preview/preview-issue.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { formatTime } from '../frame/clock.ts';
import { Csrf, DeskPage } from '../frame/frame.tsx';
import { Overline } from '../this-week/week-state.tsx';
import { TEMPLATE_NAMES } from '../writing/edit-lines.tsx';

/** The options of a preview, from its query string. */
export interface PreviewParams {
  look: 'mail' | 'text' | 'source' | 'last' | 'engines';
  width: 'both' | '375' | '600';
  scheme: 'light' | 'dark' | 'both';
  images: boolean;
  variant: number | undefined;
  /** Id of the reader whose copy is shown. */
  as: string | undefined;
  template: string | undefined;
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** Reads the query of a preview; missing or invalid values get their defaults. */
export function paramsOf(query: Record<string, string | undefined>): PreviewParams {
  const one = <T extends string>(value: string | undefined, ...known: [T, ...T[]]): T =>
    known.find((each) => each === value) ?? known[0];
  return {
    look: one(query.look, 'mail', 'text', 'source', 'last', 'engines'),
    width: one(query.width, 'both', '375', '600'),
    scheme: one(query.scheme, 'light', 'dark', 'both'),
    images: query.images !== 'off',
    variant: /^\d{1,4}$/.test(query.variant ?? '') ? Number(query.variant) : undefined,
    as: UUID.test(query.as ?? '') ? query.as : undefined,
    template: query.template,
  };
}

function queryOf(params: PreviewParams): string {
  const query = new URLSearchParams();
  if (params.look !== 'mail') query.set('look', params.look);
  if (params.width !== 'both') query.set('width', params.width);
  if (params.scheme !== 'light') query.set('scheme', params.scheme);
  if (!params.images) query.set('images', 'off');
  if (params.variant !== undefined && params.variant !== 1) query.set('variant', String(params.variant));
  if (params.as !== undefined) query.set('as', params.as);
  if (params.template !== undefined) query.set('template', params.template);
  return query.size === 0 ? '' : `?${query}`;
}

export interface PreviewView {
  issue: Issue;
  preview: Preview;
  text: string;
  /** The issue to compare with; undefined if none was sent. */
  last: Issue | undefined;
}

export interface PreviewProps {
  /** Undefined for reviewers. */
  session?: DeskSession;
  zone: string;
  view: PreviewView;
  params: PreviewParams;
  /** Base URL of the frames: the issue at the desk, or a review link. */
  base: string;
  /** Valid review links. */
  reviews?: { id: string; who: string; expiresAt: Date; url: string }[];
}

export function previewPage(site: Site, props: PreviewProps): string {
  const { session, view, params } = props;
  const { issue, preview } = view;
  return render(
    <DeskPage site={site} title={`Preview of ${issue.slug}`} session={session} here="/editor/preview" wide>
      <Overline issue={issue} before="Preview of " />
      <h1>{preview.subject}</h1>
      <p className="meta after">{preview.preheader}</p>
      <Views {...props} />
      {params.look === 'text' && <pre className="paper-text">{view.text}</pre>}
      {params.look === 'source' && <pre className="paper-text">{preview.html}</pre>}
      {params.look === 'mail' && (
        <Frames
          {...props}
          frames={shapes(params).map((shape) => ({ ...shape, params, caption: captionOf(shape) }))}
        />
      )}
      {params.look === 'engines' && (
        <Frames
          {...props}
          frames={TEMPLATES.map((template) => ({
            ...beside(params),
            params: { ...params, template },
            caption: TEMPLATE_NAMES[template],
          }))}
        />
      )}
      {params.look === 'last' && view.last === undefined && <p>No issue was sent before this one.</p>}
      {params.look === 'last' && view.last !== undefined && (
        <Frames
          {...props}
          frames={[
            { ...beside(params), params: { ...params, look: 'mail' }, caption: `This one, ${issue.slug}` },
            { ...beside(params), params, caption: `The last one, ${view.last.slug}` },
          ]}
        />
      )}
      {session && <Reader {...props} session={session} />}
      {session && <Reviewers {...props} session={session} />}
    </DeskPage>,
  );
}

interface Shape {
  width: 375 | 600;
  scheme: 'light' | 'dark';
}

function shapes({ width, scheme }: PreviewParams): Shape[] {
  const widths = width === 'both' ? ([375, 600] as const) : ([Number(width) as 375 | 600] as const);
  const schemes = scheme === 'both' ? (['light', 'dark'] as const) : ([scheme] as const);
  return schemes.flatMap((each) => widths.map((one) => ({ width: one, scheme: each })));
}

/** Two compared issues have the same shape, narrow enough to be side by side. */
function beside({ width, scheme }: PreviewParams): Shape {
  return { width: width === '600' ? 600 : 375, scheme: scheme === 'dark' ? 'dark' : 'light' };
}

function captionOf({ width, scheme }: Shape): string {
  return `${width === 375 ? 'Phone' : 'Desktop'}, ${width} px, ${scheme}`;
}

/** The colour scheme is set on the frame: the mail in it sees it as `prefers-color-scheme`, as in a mail client. */
const Frames = ({
  base,
  frames,
}: PreviewProps & { frames: (Shape & { params: PreviewParams; caption: string })[] }) => (
  <div className="frames">
    {frames.map(({ width, scheme, params, caption }) => (
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a frame wider than a phone is scrolled, also by keyboard
      <figure key={caption} tabIndex={0} aria-label={caption}>
        <figcaption>{caption}</figcaption>
        <iframe
          title={caption}
          className={`w${width} ${scheme}`}
          src={`${base}/mail${queryOf({ ...params, width: 'both', scheme: 'light' })}`}
          sandbox=""
        />
      </figure>
    ))}
  </div>
);

const Views = ({ base, view: { preview }, params, session }: PreviewProps) => {
  const page = session ? `${base}/preview` : base;
  const row = (name: string, options: [label: string, change: Partial<PreviewParams>, isHere: boolean][]) => (
    <div>
      <dt>{name}</dt>
      {options.map(([label, change, isHere]) => (
        <dd key={label}>
          <a
            className="tap"
            href={page + queryOf({ ...params, ...change })}
            {...(isHere && { 'aria-current': 'true' as const })}
          >
            {label}
          </a>
        </dd>
      ))}
    </div>
  );
  return (
    <dl className="views">
      {row('Look at', [
        ['The mail', { look: 'mail' }, params.look === 'mail'],
        ['Plain text', { look: 'text' }, params.look === 'text'],
        ['Source', { look: 'source' }, params.look === 'source'],
        ['Beside the last one', { look: 'last' }, params.look === 'last'],
        ['React Email beside MJML', { look: 'engines' }, params.look === 'engines'],
      ])}
      {row('Width', [
        ['Both', { width: 'both' }, params.width === 'both'],
        ['375', { width: '375' }, params.width === '375'],
        ['600', { width: '600' }, params.width === '600'],
      ])}
      {row('Colours', [
        ['Light', { scheme: 'light' }, params.scheme === 'light'],
        ['Dark', { scheme: 'dark' }, params.scheme === 'dark'],
        ['Light and dark', { scheme: 'both' }, params.scheme === 'both'],
      ])}
      {row('Images', [
        ['On', { images: true }, params.images],
        ['Off', { images: false }, !params.images],
      ])}
      <div>
        <dt>
          <label htmlFor="variant">Variant</label>
        </dt>
        <dd>
          <form method="get" action={page} className="inline">
            {[...new URLSearchParams(queryOf({ ...params, variant: undefined, as: undefined }))].map(
              ([name, value]) => (
                <input type="hidden" name={name} value={value} key={name} />
              ),
            )}
            <select id="variant" name="variant" defaultValue={preview.number}>
              {preview.variants.map(({ number, topics }) => (
                <option value={number} key={number}>
                  {number === 1 ? 'Everything' : topics.join(', ')}
                </option>
              ))}
            </select>
            <button type="submit" className="word">
              Show
            </button>
          </form>
        </dd>
      </div>
    </dl>
  );
};

const Reader = ({ base, params, session }: PreviewProps & { session: DeskSession }) => (
  <section>
    <h2>As one reader gets it</h2>
    {params.as !== undefined && <p>Above is the copy of one reader, with its links disabled.</p>}
    <form method="post" action={`${base}/preview`} className="inline">
      <Csrf session={session} />
      <label className="field">
        <span>Address of a reader</span>
        <input type="email" name="email" required maxLength={254} autoComplete="off" />
      </label>
      <div className="doings">
        <button type="submit" className="quiet">
          Show their copy
        </button>
      </div>
    </form>
  </section>
);

const Reviewers = ({ base, session, reviews = [], zone }: PreviewProps & { session: DeskSession }) => (
  <section id="reviewers">
    <h2>For reviewers</h2>
    <p>
      A link shows this preview to people without an account, for seven days, and lets them change nothing.
    </p>
    <ul className="aside">
      {reviews.map(({ id, who, expiresAt, url }) => (
        <li key={id}>
          <form method="post" action={`${base}/reviews`}>
            <Csrf session={session} />
            <a href={url}>{url}</a>
            <div className="row">
              <span className="meta">{`by ${who}, until ${formatTime(expiresAt, zone)}`}</span>
              <button type="submit" name="revoke" value={id} className="word">
                Take it back
              </button>
            </div>
          </form>
        </li>
      ))}
    </ul>
    <form method="post" action={`${base}/reviews`}>
      <Csrf session={session} />
      <button type="submit" className="quiet">
        Make a link
      </button>
    </form>
  </section>
);
