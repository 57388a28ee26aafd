import type { VoteState } from './vote-store.ts';

/** The text that says whether a vote counts. It must never say that a vote counts when it does not. */

export const FROM_SECOND_ISSUE =
  'Your votes are kept, and count from your second issue on: so nobody signs up only to vote.';

/** @param tool its name. */
export function worthOf(state: VoteState, tool: string): { word: string; more: string | null } {
  switch (state) {
    case 'counted':
      return { word: 'Counted.', more: null };
    case 'waiting':
      return { word: 'Kept.', more: FROM_SECOND_ISSUE };
    case 'set_aside':
      return {
        word: 'Kept.',
        more: `Many votes on ${tool} came from your network within an hour. An editor looks at them before they count.`,
      };
    case 'discarded':
      return {
        word: 'Kept, and not counted.',
        more: `Many votes on ${tool} came from your network within an hour, and an editor decided that they do not count.`,
      };
  }
}
