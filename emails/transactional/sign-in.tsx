import { transactionalEmail } from '../parts/transactional-email.tsx';

export interface SignInProps {
  /** The page with the button. */
  signInUrl: string;
  /** How long that page works. */
  minutes: number;
}

/** To an editor who wants to use the desk. */
export default transactionalEmail<SignInProps>({
  PreviewProps: {
    signInUrl: 'https://verdicts.example/editor/sign-in/sample',
    minutes: 15,
  },
  words: ({ newsletter, signInUrl, minutes }) => ({
    subject: `Sign in to the desk of ${newsletter.name}`,
    preheader: `The link works once, for ${minutes} minutes, in the browser that asked for it.`,
    heading: 'Sign in to the desk',
    paragraphs: [
      `Open the page and press the button. The link works once, for ${minutes} minutes, and only in the browser that asked for it.`,
    ],
    action: { label: 'Open the desk', url: signInUrl },
    notes: [{ text: 'If this was not you, ignore this mail. Nobody else can use this link.' }],
    why: 'You get this because your address is among the editors of this newsletter.',
  }),
});
