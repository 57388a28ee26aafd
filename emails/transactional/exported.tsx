import { sampleLinks } from '../parts/sample.ts';
import { transactionalEmail } from '../parts/transactional-email.tsx';

export interface ExportedProps {
  preferences: string;
}

/** To a person whose data was downloaded. */
export default transactionalEmail<ExportedProps>({
  PreviewProps: { preferences: sampleLinks.preferences },
  words: ({ newsletter, preferences }) => ({
    subject: `Your data from ${newsletter.name} was downloaded`,
    preheader: 'It was done by the link that we mailed to you. If that was you, all is well.',
    heading: 'Your data was downloaded',
    paragraphs: [
      `Someone, hopefully you, has just downloaded everything that ${newsletter.name} knows about you, by the link that we mailed to this address.`,
    ],
    notes: [
      {
        text: 'If this was not you, someone can read your mail. Please change your mail password first.',
        link: { label: 'Cancel my older links', url: preferences },
      },
    ],
    why: 'You get this one mail because data about you was downloaded.',
  }),
});
