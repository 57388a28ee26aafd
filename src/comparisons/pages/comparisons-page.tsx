import { day } from '../../platform/http/pages/dates.ts';
import { Page, render } from '../../platform/http/pages/layout.tsx';
import type { Site } from '../../platform/site.ts';
import { SignUp, type SignUpForm } from '../../subscribers/sign-up/sign-up-page.tsx';
import type { StoredComparison } from '../comparison-store.ts';
import { entryPrices, title, topics } from '../names.ts';
import { verdict } from '../verdict.ts';
import { Gone } from './gone.tsx';
import { Outcome } from './verdict-mark.tsx';

export interface ComparisonList {
  comparisons: StoredComparison[];
  /** All topics, and the chosen one. */
  topics: string[];
  topic: string | undefined;
  /** Where this page begins; undefined on the first page. */
  after: string | undefined;
  /** Where the next page begins; undefined on the last. */
  next: string | undefined;
  form: SignUpForm;
}

/** All comparisons, newest first, or those of one topic. */
export function comparisonsPage(site: Site, list: ComparisonList): string {
  const { comparisons, topic, after, next } = list;
  const heading = topic === undefined ? 'Every comparison' : `Comparisons of ${topic}`;
  return render(
    <Page site={site} title={heading} head={<Head site={site} list={list} />}>
      <h1>{heading}</h1>
      {list.topics.length > 1 && (
        <nav aria-label="Topics">
          <ul className="topics">
            <Topic name="Everything" href="/comparisons" current={topic === undefined} />
            {list.topics.map((each) => (
              <Topic key={each} name={each} href={address(each)} current={each === topic} />
            ))}
          </ul>
        </nav>
      )}
      {comparisons.length === 0 ? (
        <p className="after">There is no comparison {after === undefined ? 'yet' : 'further on'}.</p>
      ) : (
        <ul className="entries">
          {comparisons.map((stored) => (
            <Entry key={stored.id} stored={stored} />
          ))}
        </ul>
      )}
      {(after !== undefined || next !== undefined) && (
        <nav aria-label="Pages">
          <ul className="topics">
            {after !== undefined && <Topic name="Newest" href={address(topic)} current={false} />}
            {next !== undefined && <Topic name="Older" href={address(topic, next)} current={false} />}
          </ul>
        </nav>
      )}
      <SignUp site={site} form={list.form} />
    </Page>,
  );
}

const Entry = ({ stored: { comparison, since, goneSince } }: { stored: StoredComparison }) => (
  <li>
    <p className="meta">
      {topics(comparison).join(' / ')} · <time dateTime={since.toISOString()}>{day(since)}</time>
    </p>
    <h2>
      <a className="headline" href={`/comparisons/${encodeURIComponent(comparison.slug)}`}>
        {title(comparison)}
      </a>
    </h2>
    <p>
      <Outcome verdict={verdict(comparison.tools)} size="small" />
    </p>
    <p className="meta">{entryPrices(comparison.tools)}</p>
    <Gone since={goneSince} />
  </li>
);

const Topic = ({ name, href, current }: { name: string; href: string; current: boolean }) => (
  <li>
    <a className="tap" href={href} {...(current ? { 'aria-current': 'page' } : {})}>
      {name}
    </a>
  </li>
);

const Head = ({ site, list: { topic, after, next } }: { site: Site; list: ComparisonList }) => (
  <>
    <link rel="canonical" href={`${site.publicUrl}${address(topic, after)}`} />
    {next !== undefined && <link rel="next" href={address(topic, next)} />}
    <meta property="og:type" content="website" />
    <meta
      property="og:title"
      content={topic === undefined ? 'Every comparison' : `Comparisons of ${topic}`}
    />
    <meta property="og:url" content={`${site.publicUrl}${address(topic, after)}`} />
  </>
);

function address(topic?: string, after?: string): string {
  const query = new URLSearchParams({ ...(topic ? { topic } : {}), ...(after ? { after } : {}) }).toString();
  return `/comparisons${query && `?${query}`}`;
}
