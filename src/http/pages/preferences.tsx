import { copy } from '../../../emails/words.ts';
import { replyAddress, type Site } from '../site.ts';
import type { TopicChoice } from '../topics.ts';
import { Page, render } from './layout.tsx';

/** What a reader gets, and how to get less of it. */
export function preferencesPage(
  site: Site,
  { address, choices, saved }: { address: string; choices: TopicChoice[]; saved: boolean },
): string {
  return render(
    <Page site={site} title="Your topics">
      {saved && (
        <p className="notice" role="status">
          <strong>Saved.</strong> {promise(choices)}
        </p>
      )}
      <div className="stack">
        <h1>Your topics</h1>
        <p>
          For <strong>{address}</strong>. Tick what you want to read about; with nothing ticked you get
          everything.
        </p>
      </div>
      {choices.length === 0 ? (
        <p>There are no topics to choose from yet, so you get everything.</p>
      ) : (
        <form method="post">
          <input type="hidden" name="save" value="1" />
          <fieldset>
            <legend>Send me comparisons of</legend>
            {choices.map(({ topic, chosen }) => (
              <label className="tick" key={topic}>
                <input type="checkbox" name="topic" value={topic} defaultChecked={chosen} />
                {topic}
              </label>
            ))}
          </fieldset>
          <button type="submit">Save topics</button>
        </form>
      )}
      <section>
        <h2>Leave the list</h2>
        <p>One press, and no further issue is sent to you. It takes effect at once.</p>
        <form method="post">
          <input type="hidden" name="leave" value="1" />
          <button type="submit" className="quiet">
            Unsubscribe
          </button>
        </form>
      </section>
    </Page>,
  );
}

function promise(choices: TopicChoice[]): string {
  const topics = choices.filter(({ chosen }) => chosen).map(({ topic }) => topic);
  if (topics.length === 0) return 'From the next issue on you get everything.';
  const list = new Intl.ListFormat('en', { type: 'conjunction' }).format(topics);
  return `From the next issue on you get ${list}; in a week without any of that, no issue.`;
}

/** For links without a token, such as those of the archive. */
export function preferencesHelpPage(site: Site): string {
  return render(
    <Page site={site} title="Change topics">
      <div className="stack">
        <h1>How to change your topics</h1>
        <p>
          Every issue ends with a link called <strong>{copy.preferences}</strong>. It knows which address it
          was sent to, so there is nothing to log in to.
        </p>
        <p>
          No issue at hand? Write to <a href={`mailto:${replyAddress(site)}`}>{replyAddress(site)}</a>.
        </p>
      </div>
    </Page>,
  );
}
