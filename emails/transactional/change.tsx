import { transactionalEmail } from '../parts/transactional-email.tsx';

export interface ChangeProps {
  /** The page with the button. */
  changeUrl: string;
  /** How long that page works. */
  hours: number;
}

/** To the new address that a reader entered. */
export default transactionalEmail<ChangeProps>({
  PreviewProps: {
    changeUrl: 'https://verdicts.example/change/sample',
    hours: 72,
  },
  words: ({ newsletter, changeUrl, hours }) => ({
    subject: `Send ${newsletter.name} to this address?`,
    preheader: 'Press one button, and issues come here. If you did not ask, do nothing.',
    heading: 'Shall issues come here?',
    paragraphs: [
      `Somebody, hopefully you, asked for ${newsletter.name} to be sent to this address instead of another.`,
      `Open the page and press its button, and the next issue comes here. The link works for ${hours} hours.`,
    ],
    action: { label: 'Use this address', url: changeUrl },
    notes: [
      { text: 'This was not you? Do nothing: without the button nothing changes.' },
      {
        text: 'Does it happen again and again?',
        link: { label: 'Never mail me again', url: `${changeUrl}/never` },
      },
    ],
    why: 'You get this one mail because a reader gave this address as their new one.',
  }),
});
