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
    preheader: 'By the link that we mailed you. If that was you, there is nothing to do.',
    heading: 'Your data was downloaded',
    paragraphs: [
      `Somebody, hopefully you, has just downloaded all that ${newsletter.name} knows about you, by the link that we mailed to this address.`,
    ],
    notes: [
      {
        text: 'This was not you? Then somebody reads your mail: change its password first.',
        link: { label: 'Make my older links void', url: preferences },
      },
    ],
    why: 'You get this one mail because data about you was handed out.',
  }),
});
