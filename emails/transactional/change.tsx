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
    preheader: 'Confirm your new address with one button. If this was not you, ignore this mail.',
    heading: 'Confirm your new address',
    paragraphs: [
      `Someone, hopefully you, asked us to send ${newsletter.name} to this address instead of their old one.`,
      `Open the page and press the button, and the next issue will come here. The link works for ${hours} hours.`,
    ],
    action: { label: 'Use this address', url: changeUrl },
    notes: [
      { text: 'If this was not you, ignore this mail. Nothing changes unless the button is pressed.' },
      {
        text: 'Do you keep getting mails like this?',
        link: { label: 'Never mail me again', url: `${changeUrl}/never` },
      },
    ],
    why: 'You get this one mail because a reader entered this address as their new one.',
  }),
});
