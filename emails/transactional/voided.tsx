import { sampleLinks } from '../parts/sample.ts';
import { transactionalEmail } from '../parts/transactional-email.tsx';

export interface VoidedProps {
  preferences: string;
  unsubscribe: string;
}

/** The new links for a reader whose older links were made invalid. */
export default transactionalEmail<VoidedProps>({
  PreviewProps: { ...sampleLinks },
  words: ({ newsletter, preferences, unsubscribe }) => ({
    subject: `Your older links from ${newsletter.name} are void`,
    preheader: 'Only their unsubscribe links still work. Here is a new link to your preferences.',
    heading: 'Your older links are void',
    paragraphs: [
      `Somebody, hopefully you, made every link void that ${newsletter.name} had mailed to this address. Those links still unsubscribe, and do nothing else.`,
      'The next issue brings new ones, and so does this mail.',
    ],
    action: { label: 'Open my preferences', url: preferences },
    notes: [
      {
        text: 'This was not you? Then nothing is lost: the person who did it has no working link of yours any more.',
      },
    ],
    unsubscribe,
    why: 'You get this one mail because it was asked for by a link that had been mailed to this address.',
  }),
});
