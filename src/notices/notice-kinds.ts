/**
 * Every kind of notice: who is mailed about it, what stands still, what to do, and when it is over. To add one, name it
 * here: the compiler then asks for its rule in src/workflow/notice-rules.ts. The worst comes first, here and in a mail.
 */
export interface KindOfNotice {
  /** Whether EDITORS are mailed too; OPERATORS always are. */
  isForEditors: boolean;
  /** The notices of this kind in a few words, for a subject line. */
  title(subjects: readonly string[]): string;
  standsStill: string;
  whatToDo: string;
  /** The page of the desk where it is dealt with. */
  page(subject: string): string;
  /** When it closes by itself. */
  isOver: string;
  /** The usual words of its recovery note; null: nobody is told unless the rule has words of its own. */
  recovery: string | null;
}

/** "2 issues are late", or `one` when there is one. */
const counted = (subjects: readonly string[], one: string, many: string) =>
  subjects.length === 1 ? one : `${subjects.length} ${many}`;

const issuePage = (slug: string) => `/editor/issues/${encodeURIComponent(slug)}`;
const sourcesPage = () => '/editor/sources';

export const NOTICE_KINDS = {
  'database-restored': {
    isForEditors: true,
    title: () => 'The database is older than what was mailed',
    standsStill:
      'Every issue. A restored backup does not know what was mailed since, and would mail it again.',
    whatToDo:
      'Run “verdict reconcile-restore”: it says what went out since the backup, and takes your decision.',
    page: () => '/editor/issues',
    isOver: 'a person has decided, by “verdict reconcile-restore --resume”',
    recovery: 'A person has taken the database for the truth; paused issues wait for a person.',
  },
  'issue-late': {
    isForEditors: true,
    title: (slugs) =>
      counted(slugs, `The issue of ${slugs[0]} did not go out`, 'issues did not go out at their slots'),
    standsStill:
      'The issue. No reader gets it until somebody acts; the next issue carries its comparisons then.',
    whatToDo: 'Approve it, and it goes out at once; or cancel it.',
    page: issuePage,
    isOver: 'it goes out, or is cancelled, or another issue was sent with all that was in it',
    recovery: 'It goes out now.',
  },
  'issue-stopped': {
    isForEditors: true,
    title: (slugs) => counted(slugs, `The issue of ${slugs[0]} stopped half-way`, 'issues stopped half-way'),
    standsStill: 'The rest of the issue: some readers have it, the others wait.',
    whatToDo: 'Remove the cause that it names, then let it go on; nobody gets it twice.',
    page: issuePage,
    isOver: 'it goes on, or is cancelled',
    recovery: 'It goes on.',
  },
  'checks-failed': {
    isForEditors: true,
    title: (slugs) =>
      counted(slugs, `The issue of ${slugs[0]} failed its checks`, 'issues failed their checks'),
    standsStill: 'Its automatic approval: without one by a person it does not go out.',
    whatToDo: 'Correct it at the desk, or override the check there, and approve it.',
    page: issuePage,
    isOver: 'somebody approves or cancels it, or its slot passes: then a mail says that it is late',
    recovery: null,
  },
  'links-broken': {
    isForEditors: true,
    title: (slugs) =>
      counted(slugs, `Links of the issue of ${slugs[0]} lead nowhere`, 'issues have links that lead nowhere'),
    standsStill: 'Its automatic approval. The links are followed again until its slot.',
    whatToDo: 'Leave out what is gone, or approve it yourself if the links are right.',
    page: issuePage,
    isOver: 'its links work, somebody edits, approves or cancels it, or its slot passes',
    recovery: null,
  },
  'comparison-gone': {
    isForEditors: true,
    title: (slugs) =>
      counted(slugs, `The issue of ${slugs[0]} carries what is gone`, 'issues carry what is gone'),
    standsStill: 'The issue: it does not go out with a comparison whose page is gone.',
    whatToDo: 'Leave it out, on the page of the issue, and approve the rest.',
    page: issuePage,
    isOver: 'it is left out, its page is back, or the issue is cancelled',
    recovery: null,
  },
  'provider-away': {
    isForEditors: false,
    title: () => 'The mail provider does not answer',
    standsStill: 'All mail: issues, confirm mails, sign-in links.',
    whatToDo:
      'Look at the provider’s status page, and at the network of the worker. It is asked again at least every five minutes. This mail could leave only when it answered: what you read may be over.',
    page: sourcesPage,
    isOver: 'the provider answers any request',
    recovery: 'The mail provider answers again, and what waited is sent.',
  },
  'duty-failing': {
    isForEditors: false,
    title: (duties) =>
      counted(duties, `The worker cannot ${duties[0]}`, 'recurring duties of the worker fail'),
    standsStill: 'What this duty does; the other duties continue.',
    whatToDo: 'Find “a duty failed” in the log of the worker: it has the reason.',
    page: sourcesPage,
    isOver: 'the duty succeeds',
    recovery: 'The duty succeeds again.',
  },
  'disk-full': {
    isForEditors: false,
    title: () => 'The disk of the database is full',
    standsStill: 'Everything that is stored: sending, sign-ups, unsubscriptions, events of the provider.',
    whatToDo:
      'Free space where the database has its files. Delete none of them, and restore nothing: all that was committed is there, and everything goes on by itself.',
    page: sourcesPage,
    isOver: 'nothing was refused for three minutes',
    recovery: 'The database stores everything again.',
  },
  'connections-short': {
    isForEditors: false,
    title: () => 'The database has too few connections',
    standsStill: 'Jobs and requests that got none; they are tried again.',
    whatToDo:
      'Raise max_connections, or the limit of the role: a process needs up to 20. Or run fewer processes, or end what else is connected.',
    page: sourcesPage,
    isOver: 'every connection was given for three minutes',
    recovery: 'There are enough connections again.',
  },
  'statement-timeout': {
    isForEditors: false,
    title: () => 'The database is too slow',
    standsStill: 'The jobs whose statements are cut off; they are tried again.',
    whatToDo:
      'Look what the database is busy with (pg_stat_activity). If it is only slow, raise DATABASE_STATEMENT_TIMEOUT.',
    page: sourcesPage,
    isOver: 'no statement was cut off for three minutes',
    recovery: 'No statement is cut off any more.',
  },
  'lock-timeout': {
    isForEditors: false,
    title: () => 'A lock in the database is not released',
    standsStill: 'What changes the locked rows: unsubscriptions are answered 503, jobs are tried again.',
    whatToDo:
      'Find who holds it (pg_blocking_pids in pg_stat_activity), and end that session. Nothing of ours holds a lock for longer than a statement takes.',
    page: sourcesPage,
    isOver: 'no lock was waited for in vain for three minutes',
    recovery: 'The lock is released.',
  },
  'redis-full': {
    isForEditors: false,
    title: () => 'Redis is full',
    standsStill: 'All jobs: sending, mails, gathering. What is stored in the database waits for them.',
    whatToDo:
      'Raise maxmemory, or remove what else is in that Redis; leave maxmemory-policy at noeviction. Everything goes on by itself.',
    page: sourcesPage,
    isOver: 'Redis refused nothing for three minutes',
    recovery: 'Redis takes jobs again.',
  },
  'redis-silent': {
    isForEditors: false,
    title: () => 'Redis does not answer',
    standsStill: 'All jobs: sending, mails, gathering. What is stored in the database waits for them.',
    whatToDo: 'Start Redis again, or look at its machine and network. Everything goes on by itself.',
    page: sourcesPage,
    isOver: 'Redis answered everything for three minutes',
    recovery: 'Redis answers again.',
  },
  'job-failed': {
    isForEditors: false,
    title: (jobs) => counted(jobs, `The job ${jobs[0]} fails`, 'jobs fail'),
    standsStill: 'What this job does; it is tried again every minute.',
    whatToDo:
      'Remove the reason that it names; “a job failed” in the log of the worker has the rest. It goes on by itself.',
    page: () => '/editor/issues',
    isOver: 'the job succeeds, or did not fail for three minutes',
    recovery: 'The job is done again.',
  },
  'clock-wrong': {
    isForEditors: false,
    title: (workers) =>
      counted(workers, `The clock of the worker ${workers[0]} is wrong`, 'workers have wrong clocks'),
    standsStill:
      'The scheduled work of this worker. The other workers do it; if there is none, no issue is composed or started.',
    whatToDo: 'Set the clock of its machine, or of the database’s, and keep both by NTP.',
    page: sourcesPage,
    isOver: 'the clock is right to a minute, or the worker has ended',
    recovery: 'The clock is right again, or the worker has ended.',
  },
  'redis-shared': {
    isForEditors: false,
    title: () => 'Another worker on this Redis does not belong here',
    standsStill: 'Nothing here; jobs of versions that share one prefix may wait for minutes.',
    whatToDo: 'Do what it says below; “verdict doctor” shows whether it is over.',
    page: sourcesPage,
    isOver: 'the other worker has ended for two minutes, or has been upgraded',
    recovery: 'The other worker is gone.',
  },
  'nothing-sent': {
    isForEditors: false,
    title: () => 'Nothing was sent for more than eight days',
    standsStill: 'The newsletter: a slot has passed, and a day more.',
    whatToDo: 'Look at the desk or at “verdict status”: they say what the last slots became.',
    page: () => '/editor/issues',
    isOver: 'an issue was sent',
    recovery: 'An issue was sent.',
  },
  'silent-week': {
    isForEditors: true,
    title: (slots) => counted(slots, `Nothing goes out on ${slots[0]}`, 'slots are skipped'),
    standsStill: 'This slot. If news comes before it, the issue is composed after all.',
    whatToDo: 'Nothing, if there is no news. Otherwise look at the sources, or add comparisons.',
    page: issuePage,
    isOver: 'its issue is composed after all, its slot has passed, or a later issue was sent',
    recovery: null,
  },
  'batch-uncertain': {
    isForEditors: false,
    title: (batches) => counted(batches, 'A batch needs your decision', 'batches need your decision'),
    standsStill: 'These batches, and the end of their issue.',
    whatToDo:
      'Run “verdict settle”: it says what is known, and what to do. An event about one message of a batch settles it too.',
    page: sourcesPage,
    isOver: 'an event, the provider or a person settles the batch',
    recovery: 'The batch is settled.',
  },
  'events-missing': {
    isForEditors: false,
    title: () => 'No event of the provider arrives',
    standsStill: 'Bounces, complaints and deliveries are not seen.',
    whatToDo: 'Look at the webhook in Resend: it is disabled when it fails for long.',
    page: issuePage,
    isOver: 'an event arrives, or another issue is sent',
    recovery: 'Events arrive again.',
  },
  'source-failing': {
    isForEditors: false,
    title: (sources) => counted(sources, 'A source fails', 'sources fail'),
    standsStill: 'Its new and changed comparisons; the other sources are read.',
    whatToDo: 'Read the reason, and look whether the site answers. It is asked again every hour.',
    page: sourcesPage,
    isOver: 'the source is read again, or is no longer in SOURCES',
    recovery: 'The source is read again.',
  },
  'sign-up-flood': {
    isForEditors: false,
    title: () => 'More sign-ups than may be mailed',
    standsStill: 'Further confirm mails of the named domain wait, for a day at most.',
    whatToDo: 'Nothing, if they are people. Otherwise see “Signing up” in docs/operating.md.',
    page: () => '/editor/people',
    isOver: 'no request waits for this budget any more',
    recovery: 'No sign-up waits any more.',
  },
  'votes-set-aside': {
    isForEditors: true,
    title: (tools) =>
      counted(tools, 'Votes on a tool came from one network', 'tools have votes from one network'),
    standsStill: 'These votes are not counted.',
    whatToDo: 'Count or discard them under Comparisons at the desk.',
    page: () => '/editor/comparisons',
    isOver: 'somebody has counted or discarded them',
    recovery: null,
  },
  'comparisons-missing': {
    isForEditors: true,
    title: (sources) => counted(sources, 'A source misses many comparisons', 'sources miss many comparisons'),
    standsStill: 'Nothing: until somebody answers they are mailed and shown as before.',
    whatToDo: 'Look whether the site still has them. If not, say so under Sources at the desk.',
    page: sourcesPage,
    isOver: 'the source lists them again, or somebody has said that they are gone',
    recovery: null,
  },
  reprint: {
    isForEditors: true,
    title: (reprints) =>
      counted(
        reprints,
        'Is a change of the whole site news?',
        'changes of the whole site wait for an answer',
      ),
    standsStill: 'These changes stay out of issues until somebody answers.',
    whatToDo: 'Answer under Sources at the desk.',
    page: sourcesPage,
    isOver: 'somebody has answered',
    recovery: null,
  },
} as const satisfies Record<string, KindOfNotice>;

export type NoticeKind = keyof typeof NOTICE_KINDS;

/** The worst first. */
export const EVERY_KIND = Object.keys(NOTICE_KINDS) as NoticeKind[];

export const kindOf = (kind: NoticeKind): KindOfNotice => NOTICE_KINDS[kind];
