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
    subject: `Your older links from ${newsletter.name} no longer work`,
    preheader: 'You can still unsubscribe by them. Here is a new link to your preferences.',
    heading: 'Your older links no longer work',
    paragraphs: [
      `Someone, hopefully you, cancelled every link that ${newsletter.name} had mailed to this address. You can still unsubscribe by those links, but do nothing else.`,
      'This mail has new links, and so will the next issue.',
    ],
    action: { label: 'Open my preferences', url: preferences },
    notes: [
      {
        text: 'If this was not you, no harm is done: whoever did it has no working link of yours any more.',
      },
    ],
    unsubscribe,
    why: 'You get this one mail because someone asked for it by a link that we had mailed to this address.',
  }),
});
