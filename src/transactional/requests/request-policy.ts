/**
 * How much mail strangers can make us send, as pure functions. In 2016 sign-up forms were used to bury people in
 * confirm mails (Spamhaus, "subscription bombing"), so every mail that a stranger can cause passes here, whichever
 * form it came from. Nothing here depends on whether an address is known: only on the request, on the inbox, on its
 * domain and on what was asked for before.
 */

import type { Limit } from '../../platform/queue/limiter.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Requests of one kind of form. To add one, name it here and in {@link SHARE_OF}, and give it a handler. */
export const MAIL_REQUEST_KINDS = [
  /** The sign-up form: a confirm mail, or a note to a reader. */
  'sign_up',
  /** A reader gives another address: the question goes to that address. */
  'change',
  /** Somebody with a link from an issue wants what takes a fresh one, which goes to the reader. */
  'step_up',
  /** The form for a lost link to the preferences. */
  'link',
  /** The form of whoever wants to leave and has no link that works. */
  'leave',
  /** The form of the desk, sent by a browser in which this editor has never signed in. */
  'desk_sign_in',
  /** The form of the desk, sent by a browser in which this editor has signed in before. */
  'desk_sign_in_own_browser',
] as const;

export type MailRequestKind = (typeof MAIL_REQUEST_KINDS)[number];

/** Requests of one share are counted together, and no share can use up the limits of another. */
export type Share =
  | 'newcomers'
  | 'readers'
  | 'link_holders'
  | 'leavers'
  | 'desk'
  | 'desk_own_browser'
  | 'tests';

export const SHARE_OF: Readonly<Record<MailRequestKind, Share>> = {
  sign_up: 'newcomers',
  change: 'newcomers',
  step_up: 'link_holders',
  link: 'readers',
  leave: 'leavers',
  desk_sign_in: 'desk',
  desk_sign_in_own_browser: 'desk_own_browser',
};

export interface SharePolicy {
  /** Requests for one inbox, however its address is spelled. Who asks for more is told the same as everybody. */
  perInbox: readonly Limit[];
  /** The newest request of somebody replaces those before it. Otherwise each is answered. */
  newestReplaces: boolean;
  /** The hourly budgets of the domain and of all apply. */
  hasBudget: boolean;
  /** *Never mail me again* applies. Not at the desk: a confirm mail must not be able to shut an editor out. */
  honoursRefusal: boolean;
}

/** Requests for an inbox whose owner may never have heard of us. */
export const PER_INBOX: readonly Limit[] = [
  { points: 1, seconds: 10 * MINUTE },
  { points: 3, seconds: DAY },
  { points: 5, seconds: 30 * DAY },
];

export const SHARES: Readonly<Record<Share, SharePolicy>> = {
  newcomers: { perInbox: PER_INBOX, newestReplaces: true, hasBudget: true, honoursRefusal: true },
  // Only readers get such a mail. There is no limit by the month: a stranger could use it up, and a reader who has
  // lost their link would be shut out for weeks.
  readers: {
    perInbox: [
      { points: 1, seconds: 10 * MINUTE },
      { points: 3, seconds: DAY },
    ],
    newestReplaces: true,
    hasBudget: true,
    honoursRefusal: true,
  },
  // Only by a link of the reader's, so apart from what strangers can use up. Each asks for something else, and a reader
  // may want their data first and to be erased then.
  link_holders: {
    perInbox: [
      { points: 3, seconds: 10 * MINUTE },
      { points: 6, seconds: DAY },
    ],
    newestReplaces: false,
    hasBudget: true,
    honoursRefusal: true,
  },
  // Apart from the others, so that no form can be used to keep somebody on the list.
  leavers: {
    perInbox: [
      { points: 1, seconds: 10 * MINUTE },
      { points: 3, seconds: DAY },
    ],
    newestReplaces: true,
    hasBudget: true,
    honoursRefusal: true,
  },
  // A link opens only the browser that asked for it, so each request needs its own.
  desk: {
    perInbox: [
      { points: 5, seconds: HOUR },
      { points: 15, seconds: DAY },
    ],
    newestReplaces: false,
    hasBudget: false,
    honoursRefusal: false,
  },
  desk_own_browser: {
    perInbox: [
      { points: 10, seconds: HOUR },
      { points: 40, seconds: DAY },
    ],
    newestReplaces: false,
    hasBudget: false,
    honoursRefusal: false,
  },
  // An editor is no stranger, but may name any inbox.
  tests: {
    perInbox: [
      { points: 20, seconds: HOUR },
      { points: 60, seconds: DAY },
    ],
    newestReplaces: false,
    hasBudget: false,
    honoursRefusal: true,
  },
};

/** Whether an inbox may have one more of a share, after what it had at these ages. */
export function hasRoom(share: Share, agesSeconds: readonly number[]): boolean {
  return SHARES[share].perInbox.every(
    ({ points, seconds }) => agesSeconds.filter((age) => age < seconds).length < points,
  );
}

/** Requests an hour of one share that are answered, for all domains together; those above it wait. */
export const BUDGET_OF_ALL = 3_000;

/** A domain without readers, which may be one person's own mail server. */
const BUDGET_OF_UNKNOWN_DOMAIN = 30;
/** A provider where everybody may have a mailbox. */
const BUDGET_OF_MAIL_HOST = 300;
/** No domain gets more than half of {@link BUDGET_OF_ALL}. */
export const BUDGET_OF_DOMAIN_AT_MOST = 1_500;

/** What waits for a budget is looked at again after this. */
export const POSTPONED_MINUTES = 15;

/** What waits longer than this for a budget is given up. */
export const WAIT_HOURS = 24;

/**
 * Requests an hour for addresses of one domain that are answered. It grows by one with every confirmed reader, so
 * that a list can grow where it has readers, and a private domain that catches all addresses gets few mails.
 */
export function domainBudget(confirmedReaders: number, isMailHost: boolean): number {
  const grown = BUDGET_OF_UNKNOWN_DOMAIN + confirmedReaders;
  return Math.min(BUDGET_OF_DOMAIN_AT_MOST, isMailHost ? Math.max(BUDGET_OF_MAIL_HOST, grown) : grown);
}

/** The part of a budget that requests may have which look like a machine's. */
export function suspiciousPart(budget: number): number {
  return Math.floor(budget / 3);
}

/** A request that waits for its answer, as far as the policy looks at it. */
export interface Candidate {
  id: string;
  kind: MailRequestKind;
  /** Whose request it is: the newest one of each kind replaces those before it. */
  askedBy: string;
  /** One inbox, however its address is spelled. */
  inbox: string;
  domain: string;
  isSuspicious: boolean;
  ageSeconds: number;
}

/** What was asked for before. */
export interface History {
  /** Inboxes whose owners never want to be mailed again. */
  refused: ReadonlySet<string>;
  /** Requests for these inboxes that were answered, with their age. */
  answered: readonly { share: Share; inbox: string; ageSeconds: number }[];
  /** Requests of the last hour that were answered, counted. */
  lastHour: readonly { share: Share; domain: string; isSuspicious: boolean; count: number }[];
  /** Confirmed readers by domain; a domain that is missing has none. */
  readers: ReadonlyMap<string, number>;
  isMailHost(domain: string): boolean;
}

export type Decision =
  /** Its handler decides what is mailed. It takes its place in all limits, whatever that is. */
  | 'answer'
  /** It takes its place in all limits, and nobody is mailed: its inbox is refused. */
  | 'silence'
  /** A budget is spent; it is looked at again later. */
  | 'postpone'
  /** Too many for this inbox, replaced by a newer one, or it waited too long. */
  | 'drop';

export interface Decided {
  decisions: Map<string, Decision>;
  /** Domains whose budget is spent; `*` for that of all. */
  budgetsExceeded: Set<string>;
}

/** Decides about requests, oldest first. */
export function decideRequests(candidates: readonly Candidate[], history: History): Decided {
  const decisions = new Map<string, Decision>();
  const spent = new Set<string>();
  const limits = inboxLimits(history);
  const budgets = hourlyBudgets(history);
  const oldestFirst = [...candidates].sort((a, b) => b.ageSeconds - a.ageSeconds || (a.id < b.id ? -1 : 1));
  const newest = new Map(oldestFirst.map((each) => [`${each.kind} ${each.askedBy}`, each.id]));
  for (const each of oldestFirst) {
    const share = SHARE_OF[each.kind];
    const policy = SHARES[share];
    const isReplaced = policy.newestReplaces && newest.get(`${each.kind} ${each.askedBy}`) !== each.id;
    if (isReplaced || !limits.hasRoom(share, each.inbox)) {
      decisions.set(each.id, 'drop');
      continue;
    }
    const exceeded = policy.hasBudget ? budgets.exceeded(share, each) : null;
    if (exceeded !== null) {
      spent.add(exceeded);
      decisions.set(each.id, each.ageSeconds < WAIT_HOURS * HOUR ? 'postpone' : 'drop');
      continue;
    }
    limits.add(share, each.inbox);
    budgets.add(share, each);
    const isRefused = policy.honoursRefusal && history.refused.has(each.inbox);
    decisions.set(each.id, isRefused ? 'silence' : 'answer');
  }
  return { decisions, budgetsExceeded: spent };
}

function inboxLimits({ answered }: History) {
  const ages = new Map<string, number[]>();
  const add = (share: Share, inbox: string, ageSeconds = 0) => {
    const key = `${share} ${inbox}`;
    const known = ages.get(key);
    if (known === undefined) ages.set(key, [ageSeconds]);
    else known.push(ageSeconds);
  };
  for (const { share, inbox, ageSeconds } of answered) add(share, inbox, ageSeconds);
  return {
    add,
    hasRoom: (share: Share, inbox: string) => hasRoom(share, ages.get(`${share} ${inbox}`) ?? []),
  };
}

function hourlyBudgets({ lastHour, readers, isMailHost }: History) {
  const counts = new Map<string, number>();
  const countOf = (key: string) => counts.get(key) ?? 0;
  const keysOf = (share: Share, domain: string, isSuspicious: boolean) => [
    `${share} ${domain}`,
    `${share} *`,
    ...(isSuspicious ? [`${share} ${domain} suspicious`, `${share} * suspicious`] : []),
  ];
  const add = (share: Share, domain: string, isSuspicious: boolean, count: number) => {
    for (const key of keysOf(share, domain, isSuspicious)) counts.set(key, countOf(key) + count);
  };
  for (const { share, domain, isSuspicious, count } of lastHour) add(share, domain, isSuspicious, count);
  return {
    add: (share: Share, { domain, isSuspicious }: Candidate) => add(share, domain, isSuspicious, 1),
    /** @returns whose budget is spent: the domain, `*` for all, or null. */
    exceeded(share: Share, { domain, isSuspicious }: Candidate): string | null {
      const ofDomain = domainBudget(readers.get(domain) ?? 0, isMailHost(domain));
      for (const [whose, budget] of [
        [domain, ofDomain],
        ['*', BUDGET_OF_ALL],
      ] as const) {
        if (countOf(`${share} ${whose}`) >= budget) return whose;
        if (isSuspicious && countOf(`${share} ${whose} suspicious`) >= suspiciousPart(budget)) return whose;
      }
      return null;
    },
  };
}

/** Other names of one provider. */
const SAME_DOMAIN: Record<string, string> = { 'googlemail.com': 'gmail.com' };

/**
 * One inbox, as far as its spelling can hide it: without plus tags and dots, which some providers ignore. For
 * counting only, where two people who share a count wait a little; as an identity it would be wrong.
 * @param key of an address: lower case.
 */
export function foldAddress(key: string): string {
  const at = key.lastIndexOf('@');
  const domain = key.slice(at + 1);
  const bare = key.slice(0, at).replace(/(?<=.)\+.*$/, '');
  return `${bare.replaceAll('.', '')}@${SAME_DOMAIN[domain] ?? domain}`;
}

/** Every domain at which an address can be the same inbox. @param key of an address: lower case. */
export function domainsOfInbox(key: string): string[] {
  const folded = foldAddress(key);
  const domain = folded.slice(folded.lastIndexOf('@') + 1);
  const others = Object.entries(SAME_DOMAIN).filter(([, same]) => same === domain);
  return [domain, ...others.map(([name]) => name)];
}
