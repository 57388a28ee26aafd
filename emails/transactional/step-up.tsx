import type { FreshLinkPurpose } from '../../src/subscribers/step-up/step-up-store.ts';
import { sampleLinks } from '../parts/sample.ts';
import { transactionalEmail } from '../parts/transactional-email.tsx';

export interface StepUpProps {
  purpose: FreshLinkPurpose;
  /** The page with the button. */
  freshUrl: string;
  /** How long that page works. */
  minutes: number;
  preferences: string;
}

const PURPOSES: Record<
  FreshLinkPurpose,
  { subject: string; heading: string; about: string; action: string }
> = {
  export: {
    subject: 'Download your data from',
    heading: 'Download your data',
    about: 'Open the page and press its button, and you get all that we know about you, in one file.',
    action: 'Download my data',
  },
  erase: {
    subject: 'Erase your data at',
    heading: 'Erase all we know about you?',
    about: 'Open the page and press its button, and we forget you. It cannot be taken back.',
    action: 'Erase me',
  },
  change_address: {
    subject: 'Change your address for',
    heading: 'Change your address',
    about: 'Open the page and type the new address. We ask there, too, before anything changes.',
    action: 'Change my address',
  },
};

/** A fresh link, for actions that a link in an issue does not allow, because issues are forwarded. */
export default transactionalEmail<StepUpProps>({
  PreviewProps: {
    purpose: 'export',
    freshUrl: 'https://verdicts.example/fresh/sample',
    minutes: 15,
    preferences: sampleLinks.preferences,
  },
  words({ newsletter, purpose, freshUrl, minutes, preferences }) {
    const { subject, heading, about, action } = PURPOSES[purpose];
    return {
      subject: `${subject} ${newsletter.name}`,
      preheader: `The link you asked for works once, for ${minutes} minutes.`,
      heading,
      paragraphs: [about, `The link works once, for ${minutes} minutes. Do not pass it on.`],
      action: { label: action, url: freshUrl },
      notes: [
        {
          text: 'You did not ask for it? Then nothing has happened, but somebody has one of your links, perhaps from an issue that was forwarded.',
          link: { label: 'Make my older links void', url: preferences },
        },
      ],
      why: 'You get this one mail because it was asked for by a link that had been mailed to this address.',
    };
  },
});
