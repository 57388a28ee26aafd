import { sampleLinks } from '../parts/sample.ts';
import { transactionalEmail } from '../parts/transactional-email.tsx';

export interface LeaveProps {
  unsubscribe: string;
}

/** To a reader who wants to unsubscribe and has no working link. */
export default transactionalEmail<LeaveProps>({
  PreviewProps: { unsubscribe: sampleLinks.unsubscribe },
  words: ({ newsletter, unsubscribe }) => ({
    subject: `Unsubscribe from ${newsletter.name}`,
    preheader: 'Here is the link you asked for. One press and you get no more issues.',
    heading: 'Unsubscribe with one press',
    paragraphs: [
      `Open the page and press the button, and we will send no more issues of ${newsletter.name} to this address.`,
    ],
    action: { label: 'Unsubscribe', url: unsubscribe },
    notes: [{ text: 'If you did not ask for this, ignore this mail. You will get your issues as before.' }],
    unsubscribe,
    why: 'You get this one mail because someone entered this address in our form for unsubscribing.',
  }),
});
