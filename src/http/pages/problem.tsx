import type { Problem } from '../problems.ts';
import type { Site } from '../site.ts';
import { Page, ReplyTo, render } from './layout.tsx';

/** A failure for people: what it is, what to do, and never what broke inside. */
export function problemPage(site: Site, problem: Problem): string {
  return render(
    <Page site={site} title={problem.title}>
      <div className="stack">
        <h1>{problem.title}</h1>
        <p>{problem.detail}</p>
        {problem.status === 410 && (
          <p>
            <a className="tap" href="/comparisons">
              Every comparison that stands
            </a>
          </p>
        )}
        <p>
          Or write to <ReplyTo site={site} />.
        </p>
        {problem.status >= 500 && (
          <p className="meta">Reference: {problem.instance.replace('urn:uuid:', '')}</p>
        )}
      </div>
    </Page>,
  );
}
