import { transactionalEmail } from '../parts/transactional-email.tsx';

export interface ConfirmProps {
  /** The page with the button. */
  confirmUrl: string;
  /** How long that page works. */
  hours: number;
}

/**
 * Only the question: a confirm mail with advertising is spam, and one that quotes a form can be used to send spam.
 */
export default transactionalEmail<ConfirmProps>({
  PreviewProps: {
    confirmUrl: 'https://verdicts.example/confirm/sample',
    hours: 72,
  },
  words: ({ newsletter, confirmUrl, hours }) => ({
    subject: `Confirm your subscription to ${newsletter.name}`,
    preheader: 'One press of a button and you are in. If this was not you, ignore this mail.',
    heading: 'Please confirm your address',
    paragraphs: [
      `Someone, hopefully you, signed this address up for ${newsletter.name}.`,
      `Open the page and press the button, and the next issue is yours. The link works for ${hours} hours.`,
    ],
    action: { label: 'Confirm my subscription', url: confirmUrl },
    notes: [
      { text: 'If this was not you, ignore this mail. We subscribe nobody who has not pressed the button.' },
      {
        text: 'Do you keep getting mails like this?',
        link: { label: 'Never mail me again', url: `${confirmUrl}/never` },
      },
    ],
    why: 'You get this one mail because someone entered this address in our sign-up form.',
  }),
});
