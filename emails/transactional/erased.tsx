import { transactionalEmail } from '../parts/transactional-email.tsx';

/** The last mail to a person who asked to be erased. */
export default transactionalEmail({
  PreviewProps: {},
  words: ({ newsletter }) => ({
    subject: `${newsletter.name} has forgotten you`,
    preheader: 'Your address and your data are gone, as you asked. This is the last mail.',
    heading: 'You are erased',
    paragraphs: [
      `Your address, your topics and your votes are gone from the records of ${newsletter.name}, by the link that we mailed to this address.`,
      'This is the last mail to it. With it, this copy of your address goes as well.',
    ],
    notes: [
      {
        text: 'This was not you? Then somebody reads your mail: change its password first. It cannot be taken back, but you can',
        link: { label: 'sign up again', url: `${newsletter.url}/subscribe` },
      },
    ],
    why: 'You get this one mail because everything about this address was erased.',
  }),
});
