import { kindOf } from '../../notices/notice-kinds.ts';
import type { Notice } from '../../notices/notice-store.ts';
import { formatTime } from './clock.ts';
import { count } from './numbers.ts';

interface OpenNoticesProps {
  notices: readonly Notice[];
  zone: string;
  /** At most so many; the others are counted, with a link to all. */
  limit?: number;
}

/** What needs a person, the oldest first. */
export const OpenNotices = ({ notices, zone, limit = notices.length }: OpenNoticesProps) => {
  const others = notices.length - limit;
  if (notices.length === 0) return null;
  return (
    <ul className="aside" aria-label="What needs a person">
      {notices.slice(0, limit).map(({ kind, subject, message, at }) => (
        <li key={kind + subject}>
          <strong>{message}</strong>{' '}
          <span className="meta">{`since ${formatTime(at, zone)}. ${kindOf(kind).whatToDo}`}</span>
        </li>
      ))}
      {others > 0 && (
        <li>
          <a className="tap" href="/editor/sources">
            {`${count(others, 'more notice', 'more notices')}, under Sources`}
          </a>
        </li>
      )}
    </ul>
  );
};
