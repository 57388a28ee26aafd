import type { Issue } from '../../issues/issue-store.ts';
import { render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import { TEMPLATES } from '../../render/render-variant.ts';
import type { Preview } from '../../sending/preview/preview-issue.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { moment } from '../frame/clock.ts';
import { Csrf, DeskPage } from '../frame/frame.tsx';
import { Overline } from '../this-week/week-state.tsx';
import { TEMPLATE_NAMES } from '../writing/edit-lines.tsx';

/** How to look at an issue: what the query of a preview says. */
export interface PreviewParams {
  look: 'mail' | 'text' | 'source' | 'last' | 'engines';
  width: 'both' | '375' | '600';
  scheme: 'light' | 'dark' | 'both';
  images: boolean;
  variant: number | undefined;
  /** Id of the reader whose copy it is. */
  as: string | undefined;
  template: string | undefined;
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** The query of a preview; what it does not say, or says wrong, is as usual. */
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

function queryOf(way: PreviewParams): string {
  const query = new URLSearchParams();
  if (way.look !== 'mail') query.set('look', way.look);
  if (way.width !== 'both') query.set('width', way.width);
  if (way.scheme !== 'light') query.set('scheme', way.scheme);
  if (!way.images) query.set('images', 'off');
  if (way.variant !== undefined && way.variant !== 1) query.set('variant', String(way.variant));
  if (way.as !== undefined) query.set('as', way.as);
  if (way.template !== undefined) query.set('template', way.template);
  return query.size === 0 ? '' : `?${query}`;
}

export interface PreviewView {
  issue: Issue;
  preview: Preview;
  text: string;
  /** The issue to stand beside; undefined where none was sent. */
  last: Issue | undefined;
}

export interface PreviewProps {
  /** Undefined for reviewers. */
  session?: DeskSession;
  zone: string;
  view: PreviewView;
  params: PreviewParams;
  /** Where the frames are: the issue at the desk, or the link of a reviewer. */
  base: string;
  /** Living links for reviewers. */
  reviews?: { id: string; who: string; expiresAt: Date; url: string }[];
}

export function previewPage(site: Site, props: PreviewProps): string {
  const { session, view, params: way } = props;
  const { issue, preview } = view;
  return render(
    <DeskPage site={site} title={`Preview of ${issue.slug}`} session={session} here="/editor/preview" wide>
      <Overline issue={issue} before="Preview of " />
      <h1>{preview.subject}</h1>
      <p className="meta after">{preview.preheader}</p>
      <Views {...props} />
      {way.look === 'text' && <pre className="paper-text">{view.text}</pre>}
      {way.look === 'source' && <pre className="paper-text">{preview.html}</pre>}
      {way.look === 'mail' && (
        <Frames
          {...props}
          frames={shapes(way).map((shape) => ({ ...shape, way, caption: captionOf(shape) }))}
        />
      )}
      {way.look === 'engines' && (
        <Frames
          {...props}
          frames={TEMPLATES.map((template) => ({
            ...beside(way),
            way: { ...way, template },
            caption: TEMPLATE_NAMES[template],
          }))}
        />
      )}
      {way.look === 'last' && view.last === undefined && <p>No issue was sent before this one.</p>}
      {way.look === 'last' && view.last !== undefined && (
        <Frames
          {...props}
          frames={[
            { ...beside(way), way: { ...way, look: 'mail' }, caption: `This one, ${issue.slug}` },
            { ...beside(way), way, caption: `The last one, ${view.last.slug}` },
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

/** Two that are compared have the same shape, narrow enough to stand side by side. */
function beside({ width, scheme }: PreviewParams): Shape {
  return { width: width === '600' ? 600 : 375, scheme: scheme === 'dark' ? 'dark' : 'light' };
}

function captionOf({ width, scheme }: Shape): string {
  return `${width === 375 ? 'Phone' : 'Desktop'}, ${width} px, ${scheme}`;
}

/** The choice of colours is made on the frame: the mail in it is asked `prefers-color-scheme` as in a mail program. */
const Frames = ({
  base,
  frames,
}: PreviewProps & { frames: (Shape & { way: PreviewParams; caption: string })[] }) => (
  <div className="frames">
    {frames.map(({ width, scheme, way, caption }) => (
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a frame wider than a phone is scrolled, also by keyboard
      <figure key={caption} tabIndex={0} aria-label={caption}>
        <figcaption>{caption}</figcaption>
        <iframe
          title={caption}
          className={`w${width} ${scheme}`}
          src={`${base}/mail${queryOf({ ...way, width: 'both', scheme: 'light' })}`}
          sandbox=""
        />
      </figure>
    ))}
  </div>
);

const Views = ({ base, view: { preview }, params: way, session }: PreviewProps) => {
  const page = session ? `${base}/preview` : base;
  const row = (name: string, options: [label: string, change: Partial<PreviewParams>, isHere: boolean][]) => (
    <div>
      <dt>{name}</dt>
      {options.map(([label, change, isHere]) => (
        <dd key={label}>
          <a
            className="tap"
            href={page + queryOf({ ...way, ...change })}
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
        ['The mail', { look: 'mail' }, way.look === 'mail'],
        ['Plain text', { look: 'text' }, way.look === 'text'],
        ['Source', { look: 'source' }, way.look === 'source'],
        ['Beside the last one', { look: 'last' }, way.look === 'last'],
        ['React Email beside MJML', { look: 'engines' }, way.look === 'engines'],
      ])}
      {row('Width', [
        ['Both', { width: 'both' }, way.width === 'both'],
        ['375', { width: '375' }, way.width === '375'],
        ['600', { width: '600' }, way.width === '600'],
      ])}
      {row('Colours', [
        ['Light', { scheme: 'light' }, way.scheme === 'light'],
        ['Dark', { scheme: 'dark' }, way.scheme === 'dark'],
        ['Light and dark', { scheme: 'both' }, way.scheme === 'both'],
      ])}
      {row('Images', [
        ['On', { images: true }, way.images],
        ['Off', { images: false }, !way.images],
      ])}
      <div>
        <dt>
          <label htmlFor="variant">Variant</label>
        </dt>
        <dd>
          <form method="get" action={page} className="inline">
            {[...new URLSearchParams(queryOf({ ...way, variant: undefined, as: undefined }))].map(
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

const Reader = ({ base, params: way, session }: PreviewProps & { session: DeskSession }) => (
  <section>
    <h2>As one reader gets it</h2>
    {way.as !== undefined && <p>Above is the copy of one reader, with its links made inert.</p>}
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
              <span className="meta">{`by ${who}, until ${moment(expiresAt, zone)}`}</span>
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
