import { sampleLinks } from '../parts/sample.ts';
import { transactionalEmail } from '../parts/transactional-email.tsx';

export interface AlreadyProps {
  /** This notice is sent at most once in so many days. */
  days: number;
  preferences: string;
  unsubscribe: string;
}

/** To a reader who signs up again. */
export default transactionalEmail<AlreadyProps>({
  PreviewProps: { days: 30, ...sampleLinks },
  words: ({ newsletter, days, preferences, unsubscribe }) => ({
    subject: `You already get ${newsletter.name}`,
    preheader: 'You need not do anything. The next issue comes to this address.',
    heading: 'You are already subscribed',
    paragraphs: [
      `Someone, probably you, signed this address up for ${newsletter.name}. It is already on the list, so you need not do anything.`,
      'If issues do not reach you, please check your spam folder. A reply to one of them shows your mail program that you know us. If you have paused, your preferences show when the pause ends.',
    ],
    action: { label: 'My preferences', url: preferences },
    notes: [
      {
        text: 'Had enough?',
        link: { label: 'Unsubscribe in one step', url: unsubscribe },
      },
    ],
    unsubscribe,
    why: `You get this note because someone entered this address in our sign-up form. We send it at most once in ${days} days.`,
  }),
});
