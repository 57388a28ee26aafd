import { transactionalEmail } from '../parts/transactional-email.tsx';

/** To the old address, after the new one was confirmed. */
export default transactionalEmail({
  PreviewProps: {},
  words: ({ newsletter }) => ({
    subject: `${newsletter.name} now goes to your new address`,
    preheader: 'We moved your subscription to the new address, as you asked.',
    heading: 'Your subscription has moved',
    paragraphs: [
      `From now on, ${newsletter.name} goes to your new address, which you have confirmed.`,
      'We will not write to this one again.',
    ],
    notes: [{ text: 'If this was not you, please reply to this mail. A person will look into it.' }],
    why: `You get this one mail because ${newsletter.name} came to this address until today.`,
  }),
});
