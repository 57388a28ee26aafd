import { transactionalEmail } from '../parts/transactional-email.tsx';

/** The last mail to a person who asked to be erased. */
export default transactionalEmail({
  PreviewProps: {},
  words: ({ newsletter }) => ({
    subject: `Your data at ${newsletter.name} is erased`,
    preheader: 'We erased your address and your data, as you asked. This is our last mail to you.',
    heading: 'Your data is erased',
    paragraphs: [
      `As you asked, we erased your address, your topics and your votes from the records of ${newsletter.name}.`,
      'This is our last mail to you. The copy of your address that we used for it is erased, too.',
    ],
    notes: [
      {
        text: 'If this was not you, someone can read your mail, because it was done by a link that we mailed to you. Please change your mail password. We cannot restore your data, but you can',
        link: { label: 'sign up again', url: `${newsletter.url}/subscribe` },
      },
    ],
    why: 'You get this one mail because we erased everything about this address.',
  }),
});
