import { sampleLinks } from '../parts/sample.ts';
import { transactionalEmail } from '../parts/transactional-email.tsx';
import { copy } from '../words.ts';

export interface WelcomeProps {
  /** The latest issue; null before the first. */
  issue: {
    number: number;
    subject: string;
    url: string;
    verdicts: { words: string; comparison: string; url: string }[];
  } | null;
  preferences: string;
  unsubscribe: string;
}

export default transactionalEmail<WelcomeProps>({
  PreviewProps: {
    issue: {
      number: 12,
      subject: 'Ship Kestrel, skip Quillwright',
      url: 'https://verdicts.example/issues/2026-11-24',
      verdicts: [
        {
          words: 'Ship Kestrel',
          comparison: 'Kestrel vs Quillwright',
          url: 'https://verdicts.example/comparisons/kestrel-vs-quillwright',
        },
        {
          words: 'Split: Orca or Hedge',
          comparison: 'Orca vs Hedge',
          url: 'https://verdicts.example/comparisons/orca-vs-hedge',
        },
      ],
    },
    ...sampleLinks,
  },
  words: ({ newsletter, issue, preferences, unsubscribe }) => ({
    subject: `Welcome to ${newsletter.name}`,
    preheader: issue
      ? [...`Until the next issue comes: ${issue.subject}`].slice(0, 90).join('')
      : 'The next issue is yours. Here is what you can expect.',
    heading: 'You are in',
    paragraphs: [
      `Once a week we put AI tools side by side, two at a time, and a panel says which one to ship and which one to skip. ${copy.legend}`,
      issue
        ? `Until the next issue comes, here is the latest, No. ${issue.number}: ${issue.subject}`
        : 'The first issue is still to come. You will get it as soon as it goes out.',
    ],
    action: issue
      ? { label: `Read No. ${issue.number}`, url: issue.url }
      : { label: 'See all comparisons so far', url: `${newsletter.url}/comparisons` },
    ...(issue && issue.verdicts.length > 0
      ? {
          list: {
            title: 'Its verdicts at a glance',
            rows: issue.verdicts.map(({ words, comparison, url }) => ({
              text: `${words} (${comparison})`,
              url,
            })),
          },
        }
      : {}),
    notes: [
      { text: 'Too much, or too little?', link: { label: 'Change topics or pause', url: preferences } },
      { text: 'Not for you?', link: { label: 'Unsubscribe in one step', url: unsubscribe } },
    ],
    unsubscribe,
    why: `You get this because you confirmed your subscription to ${newsletter.name}.`,
  }),
});
