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
    preheader: 'The link you asked for: topics, a break, another address, or the end of it.',
    heading: 'Here is your link',
    paragraphs: [
      `Choose your topics of ${newsletter.name}, take a break, move to another address, or leave.`,
      'Whoever has the link can do most of that: keep it to yourself.',
    ],
    action: { label: 'Open my preferences', url: preferences },
    notes: [{ text: 'You did not ask for it? Then nothing has happened, and nothing will.' }],
    why: 'You get this one mail because somebody typed this address into the form for lost links.',
  }),
});
