import type { Site } from '../../site.ts';
import type { Alternative, Problem } from '../problems.ts';
import { TypedAddress } from './address-field.tsx';
import { Page, ReplyTo, render } from './layout.tsx';

/** A failure for people: what failed, what to do, and never the internal cause. */
export function problemPage(site: Site, problem: Problem, otherWay?: Alternative): string {
  return render(
    <Page site={site} title={problem.title}>
      <div className="stack">
        <h1>{problem.title}</h1>
        <p>{problem.detail}</p>
        {problem.status === 410 && otherWay === undefined && (
          <p>
            <a className="tap" href="/comparisons">
              Every comparison that stands
            </a>
          </p>
        )}
        {otherWay === undefined && (
          <p>
            Or write to <ReplyTo site={site} />.
          </p>
        )}
        {problem.status >= 500 && (
          <p className="meta">Reference: {problem.instance.replace('urn:uuid:', '')}</p>
        )}
      </div>
      {otherWay !== undefined && <AskByAddress site={site} about={otherWay} />}
    </Page>,
  );
}

const ASK = {
  leave: {
    action: '/unsubscribe',
    text: 'Do issues still come to you? Type the address that they come to, and we mail you a link that ends them in one press.',
    button: 'Mail me a link to leave',
  },
  preferences: {
    action: '/preferences',
    text: 'Type the address that issues come to, and we mail you a link that works.',
    button: 'Mail me the link',
  },
} as const;

/** Offers a mailed link to a reader whose link does not work. */
const AskByAddress = ({ site, about }: { site: Site; about: Alternative }) => {
  const { action, text, button } = ASK[about];
  return (
    <>
      <p className="after">{text}</p>
      <form method="post" action={action}>
        <TypedAddress label="Your address" />
        <button type="submit">{button}</button>
      </form>
      <p className="meta after">
        Or write to <ReplyTo site={site} />.
      </p>
    </>
  );
};
