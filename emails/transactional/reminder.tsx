import { transactionalEmail } from '../parts/transactional-email.tsx';

export interface ReminderProps {
  /** The number of the issue. */
  number: number;
  comparisons: number;
  /** When the issue is due, for people. */
  due: string;
  /** Whether its slot is near. */
  isUrgent: boolean;
}

/** To editors, while an issue waits for approval. */
export default transactionalEmail<ReminderProps>({
  PreviewProps: {
    number: 12,
    comparisons: 8,
    due: 'Tuesday, 24 November 2026, 09:00',
    isUrgent: false,
  },
  words({ newsletter, number, comparisons, due, isUrgent }) {
    const count = `${comparisons} ${comparisons === 1 ? 'comparison' : 'comparisons'}`;
    return {
      subject: isUrgent
        ? `Issue ${number} is not approved, and its slot is near`
        : `Issue ${number} is ready for review`,
      preheader: `It is due ${due}, with ${count}.`,
      heading: isUrgent ? 'Nobody has approved this issue yet' : 'A draft is waiting for you',
      paragraphs: [
        isUrgent
          ? `Issue ${number} is due ${due}. It will not go out unless somebody approves it.`
          : `Issue ${number} has ${count} and is due ${due}. It goes out when a publisher approves it.`,
      ],
      action: { label: 'Review the issue', url: `${newsletter.url}/editor` },
      notes: [],
      why: 'You get this because your address is among the editors of this newsletter.',
    };
  },
});
