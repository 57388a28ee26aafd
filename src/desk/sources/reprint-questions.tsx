import type { ListedReprint } from '../../comparisons/reprints/reprint-store.ts';
import { describeReprint } from '../../comparisons/reprints/reprint-words.ts';
import type { DeskSession } from '../auth/editor-page.ts';
import { formatTime } from '../frame/clock.ts';
import { Csrf } from '../frame/frame.tsx';

interface Props {
  session: DeskSession;
  zone: string;
  reprints: ListedReprint[];
}

/** What changed in much of the archive at once: first the questions, then what was answered. */
export const ReprintQuestions = ({ session, zone, reprints }: Props) => {
  if (reprints.length === 0) return null;
  return (
    <section id="reprints">
      <h2>The same change in many comparisons</h2>
      <p>
        A site that prints something in another way is not news about its tools. Until somebody answers, no
        issue tells these changes; what else changed in the same comparisons is told.
      </p>
      <ul className="aside">
        {reprints.map((reprint) => (
          <li key={reprint.id}>
            <p>
              {reprint.answer === null ? (
                <strong>{describeReprint(reprint)}</strong>
              ) : (
                describeReprint(reprint)
              )}{' '}
              <span className="meta">{answerOf(reprint, zone)}</span>
            </p>
            {reprint.answer === null && (
              <form method="post" action={`/editor/sources/reprints/${reprint.id}`} className="doings">
                <Csrf session={session} />
                <button type="submit" name="answer" value="not_news">
                  This is how the site prints now: not news
                </button>
                <button type="submit" name="answer" value="news" className="quiet">
                  These are real changes: tell them
                </button>
              </form>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
};

function answerOf({ answer, answeredBy, answeredAt, firstAt }: ListedReprint, zone: string): string {
  const since = `since ${formatTime(firstAt, zone)}`;
  if (answer === null || answeredAt === null) return since;
  if (answeredBy === null) return `${since}: nothing that an issue tells`;
  const what = answer === 'news' ? 'real changes' : 'not news';
  return `${since}: ${what}, says ${answeredBy}, ${formatTime(answeredAt, zone)}`;
}
