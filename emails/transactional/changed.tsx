import { transactionalEmail } from '../parts/transactional-email.tsx';

/** To the old address, after the new one was confirmed. */
export default transactionalEmail({
  PreviewProps: {},
  words: ({ newsletter }) => ({
    subject: `${newsletter.name} does not come here any more`,
    preheader: 'Your subscription has moved to another address, as you asked.',
    heading: 'Your subscription has moved',
    paragraphs: [
      `From now on ${newsletter.name} goes to another address, which confirmed that it wants it.`,
      'Nothing more is sent to this one.',
    ],
    notes: [{ text: 'This was not you? Answer this mail, and a person will look into it.' }],
    why: `You get this one mail because ${newsletter.name} was sent to this address until today.`,
  }),
});
