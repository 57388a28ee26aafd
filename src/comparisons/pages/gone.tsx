import { day } from '../../platform/http/pages/dates.ts';

/** What was compared is still true of its time, but nobody can look it up any more. */
export const Gone = ({ since }: { since: Date | null }) =>
  since === null ? null : (
    <p className="meta gone">
      No longer on the site since <time dateTime={since.toISOString()}>{day(since)}</time>
    </p>
  );
