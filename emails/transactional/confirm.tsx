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
    preheader: 'One step is left. If you did not ask for this, do nothing.',
    heading: 'One step is left',
    paragraphs: [
      `Somebody, hopefully you, asked for ${newsletter.name} to be sent to this address.`,
      `Open the page and press its button, and the next issue is yours. The link works for ${hours} hours.`,
    ],
    action: { label: 'Confirm my subscription', url: confirmUrl },
    notes: [
      { text: 'This was not you? Do nothing: without the button nobody is subscribed.' },
      {
        text: 'Does it happen again and again?',
        link: { label: 'Never mail me again', url: `${confirmUrl}/never` },
      },
    ],
    why: 'You get this one mail because this address was typed into our sign-up form.',
  }),
});
