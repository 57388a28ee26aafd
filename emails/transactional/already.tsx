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
    preheader: 'There is nothing to do: the next issue comes to this address.',
    heading: 'You are on the list already',
    paragraphs: [
      `Somebody, probably you, asked for ${newsletter.name} to be sent to this address. It is: there is nothing to do.`,
      'Do issues not arrive? Look among the spam, and answer one of them: then your mail program knows us. If you paused, your preferences tell until when.',
    ],
    action: { label: 'My preferences', url: preferences },
    notes: [
      {
        text: 'Would you rather get no more issues?',
        link: { label: 'Unsubscribe in one step', url: unsubscribe },
      },
    ],
    unsubscribe,
    why: `You get this note, at most once in ${days} days, because this address was typed into our sign-up form.`,
  }),
});
