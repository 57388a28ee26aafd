import { sampleLinks } from '../parts/sample.ts';
import { transactionalEmail } from '../parts/transactional-email.tsx';

export interface LeaveProps {
  unsubscribe: string;
}

/** To a reader who wants to unsubscribe and has no working link. */
export default transactionalEmail<LeaveProps>({
  PreviewProps: { unsubscribe: sampleLinks.unsubscribe },
  words: ({ newsletter, unsubscribe }) => ({
    subject: `Leave ${newsletter.name}`,
    preheader: 'The link you asked for: one press, and no further issue is sent to you.',
    heading: 'Here is your way out',
    paragraphs: [
      `Open the page and press its button, and no further issue of ${newsletter.name} is sent to this address.`,
    ],
    action: { label: 'Unsubscribe', url: unsubscribe },
    notes: [{ text: 'You did not ask for it? Do nothing: issues go on coming as before.' }],
    unsubscribe,
    why: 'You get this one mail because somebody typed this address into the form for leaving.',
  }),
});
