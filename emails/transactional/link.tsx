import { sampleLinks } from '../parts/sample.ts';
import { transactionalEmail } from '../parts/transactional-email.tsx';

export interface LinkProps {
  preferences: string;
}

/** To a reader who lost the link to their preferences. */
export default transactionalEmail<LinkProps>({
  PreviewProps: { preferences: sampleLinks.preferences },
  words: ({ newsletter, preferences }) => ({
    subject: `Your preferences for ${newsletter.name}`,
    preheader: 'Here is the link you asked for: topics, a pause, another address, or goodbye.',
    heading: 'Here is your link',
    paragraphs: [
      `On your page at ${newsletter.name} you can choose topics, pause, change your address or unsubscribe.`,
      'Anyone who has this link can do most of that, so please do not pass it on.',
    ],
    action: { label: 'Open my preferences', url: preferences },
    notes: [{ text: 'If you did not ask for this, ignore this mail. Nothing has changed.' }],
    why: 'You get this one mail because someone entered this address in our form for lost links.',
  }),
});
