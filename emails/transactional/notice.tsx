import { transactionalEmail } from '../parts/transactional-email.tsx';

/** The notices of one kind. */
export interface NoticeGroup {
  title: string;
  problems: { message: string; since: string }[];
  /** How many more there are. */
  more: number;
  standsStill: string;
  whatToDo: string;
  /** When the notices close by themselves. */
  isOver: string;
  /** Path of the page where they are dealt with. */
  page: string;
}

/** What a mail about notices says, as it is stored: resolved texts, so that a retry sends the same bytes. */
export interface NoticeContent {
  groups: NoticeGroup[];
  over: { was: string; words: string; at: string }[];
  moreOver: number;
}

export interface NoticeProps extends NoticeContent {
  /** Whether it goes to an editor who is not an operator. */
  isEditor: boolean;
}

/** The length of a subject that most mail programs show. */
const SUBJECT = 78;

/** To operators and editors: what needs a person, and what is over. */
export default transactionalEmail<NoticeProps>({
  PreviewProps: {
    groups: [
      {
        title: 'The issue of 2026-11-24 did not go out',
        problems: [
          {
            message:
              'Issue 12 (2026-11-24) was due Tuesday 24 November, 09:00 Europe/Berlin, and did not go out. Nobody approved it before its slot.',
            since: 'Tuesday 24 November, 09:00 Europe/Berlin',
          },
        ],
        more: 0,
        standsStill: 'The issue. No reader gets it until somebody acts.',
        whatToDo: 'Approve it, and it goes out at once; or cancel it.',
        isOver: 'it goes out, or is cancelled',
        page: '/editor/issues/2026-11-24',
      },
    ],
    over: [
      {
        was: 'site:https://site.example/ failed 3 gatherings in a row: it does not answer',
        words: 'The source is read again.',
        at: 'Tuesday 24 November, 08:00 Europe/Berlin',
      },
    ],
    moreOver: 0,
    isEditor: false,
  },
  words({ newsletter, groups, over, moreOver, isEditor }) {
    const [first, ...others] = groups;
    const ended = over.length + moreOver;
    const page = first?.page ?? '/editor/sources';
    return {
      subject: subjectOf(groups, over, ended),
      preheader:
        first === undefined
          ? `What ${newsletter.name} wrote to you about is over.`
          : `${first.standsStill} ${first.whatToDo}`.slice(0, 90),
      heading:
        first === undefined ? 'It is over' : others.length === 0 ? first.title : 'Several things need you',
      paragraphs: [],
      sections: [
        ...groups.map(({ title, problems, more, standsStill, whatToDo, isOver, page: path }) => ({
          title,
          paragraphs: [
            ...problems.map(({ message, since }) => `${message} Since ${since}.`),
            ...(more > 0 ? [`And ${more} more: the desk lists all of them.`] : []),
            `What stands still: ${standsStill}`,
            `What to do: ${whatToDo}`,
            `It is over when ${isOver}.`,
          ],
          link: { label: 'See it at the desk', url: newsletter.url + path },
        })),
        ...(ended === 0
          ? []
          : [
              {
                title: 'Over',
                paragraphs: [
                  ...over.map(({ was, words, at }) => `${words} (${at}) It was: ${was}`),
                  ...(moreOver > 0 ? [`And ${moreOver} more.`] : []),
                ],
              },
            ]),
      ],
      ...(groups.length > 1 || first === undefined
        ? { action: { label: 'Open the desk', url: newsletter.url + page } }
        : {}),
      notes: [{ text: 'We write once about each problem, and once more when it is over.' }],
      why: isEditor
        ? 'You get this because your address is among the editors of this newsletter.'
        : 'You get this because your address is among the operators of this newsletter.',
    };
  },
});

function subjectOf(groups: readonly NoticeGroup[], over: NoticeContent['over'], ended: number): string {
  const [first, ...others] = groups;
  if (first === undefined)
    return ended === 1 ? `Over: ${over[0]?.words ?? ''}`.slice(0, 200) : `Over: ${ended} notices`;
  const all = groups.map(({ title }) => title).join('; ');
  if (all.length <= SUBJECT || others.length === 0) return all;
  return `${first.title}, and ${others.length} more`;
}
