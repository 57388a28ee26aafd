import { sampleLinks } from '../parts/sample.ts';
import { transactionalEmail } from '../parts/transactional-email.tsx';

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
      ? [...`While you wait for the next issue: ${issue.subject}`].slice(0, 90).join('')
      : 'The next issue is yours. Here is what to expect until then.',
    heading: 'You are on the list',
    paragraphs: [
      'Once a week you get the verdicts on new AI tools, two at a time: which one to ship, which one to skip.',
      issue
        ? `While you wait for the next issue, here is the latest, No. ${issue.number}: ${issue.subject}`
        : 'The first issue is yet to come. It will be yours as soon as it goes out.',
    ],
    action: issue
      ? { label: `Read No. ${issue.number}`, url: issue.url }
      : { label: 'See what was compared so far', url: `${newsletter.url}/comparisons` },
    ...(issue && issue.verdicts.length > 0
      ? {
          list: {
            title: 'Its verdicts in ten seconds',
            rows: issue.verdicts.map(({ words, comparison, url }) => ({
              text: `${words} (${comparison})`,
              url,
            })),
          },
        }
      : {}),
    notes: [
      { text: 'Too much, or too little?', link: { label: 'Change topics or pause', url: preferences } },
      { text: 'Not for you after all?', link: { label: 'Unsubscribe in one step', url: unsubscribe } },
    ],
    unsubscribe,
    why: `You get this because you confirmed your subscription to ${newsletter.name}.`,
  }),
});
