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
    about: 'Open the page and press the button to download everything that we know about you, in one file.',
    action: 'Download my data',
  },
  erase: {
    subject: 'Erase your data at',
    heading: 'Erase everything we know about you?',
    about: 'Open the page and press the button, and we erase everything about you. This cannot be undone.',
    action: 'Erase me',
  },
  change_address: {
    subject: 'Change your address for',
    heading: 'Change your address',
    about:
      'Open the page and enter your new address. We will ask you to confirm it there before anything changes.',
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
      paragraphs: [about, `The link works once, for ${minutes} minutes. Please do not pass it on.`],
      action: { label: action, url: freshUrl },
      notes: [
        {
          text: 'If you did not ask for this, nothing has changed. But someone has one of your links, perhaps from an issue that you forwarded.',
          link: { label: 'Cancel my older links', url: preferences },
        },
      ],
      why: 'You get this one mail because someone asked for it by a link that we had mailed to this address.',
    };
  },
});
