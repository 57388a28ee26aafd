/**
 * How much mail strangers can make us send, as pure functions. In 2016 sign-up forms were used to flood people with
 * confirm mails (Spamhaus, "subscription bombing"), so every mail that a stranger can cause is decided here, for every
 * form. The decision never depends on whether an address is known, but on the request, the inbox, its domain and
 * earlier requests.
 */

import type { Limit } from '../../platform/queue/limiter.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The kinds of requests, by form. To add one, name it here and in {@link SHARE_OF}, and give it a handler. */
export const MAIL_REQUEST_KINDS = [
  /** The sign-up form: a confirm mail, or a note to a reader. */
  'sign_up',
  /** A reader gives another address: the new address gets a mail. */
  'change',
  /** A person with a link from an issue requests a fresh link, which goes to the reader. */
  'step_up',
  /** The form for a lost preferences link. */
  'link',
  /** The form for unsubscribing without a working link. */
  'leave',
  /** The sign-in form of the desk, from a browser in which this editor has never signed in. */
  'desk_sign_in',
  /** The sign-in form of the desk, from a browser in which this editor has signed in before. */
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
  /**
   * Limits for one inbox, however its address is spelled. A request over the limit gets the same page as every other.
   */
  perInbox: readonly Limit[];
  /** The newest request of a person replaces earlier ones. Otherwise each is answered. */
  newestReplaces: boolean;
  /** The hourly budgets of the domain and of all apply. */
  hasBudget: boolean;
  /** *Never mail me again* applies. Not at the desk: pressing it in a confirm mail must not lock an editor out. */
  honoursRefusal: boolean;
}

/** Requests for an inbox whose owner may not know us. */
export const PER_INBOX: readonly Limit[] = [
  { points: 1, seconds: 10 * MINUTE },
  { points: 3, seconds: DAY },
  { points: 5, seconds: 30 * DAY },
];

/**
 * For forms whose mail only readers get. There is no monthly limit: a stranger could use it up, and a reader who has
 * lost their link would be locked out for weeks.
 */
const FOR_READERS: SharePolicy = {
  perInbox: [
    { points: 1, seconds: 10 * MINUTE },
    { points: 3, seconds: DAY },
  ],
  newestReplaces: true,
  hasBudget: true,
  honoursRefusal: true,
};

export const SHARES: Readonly<Record<Share, SharePolicy>> = {
  newcomers: { perInbox: PER_INBOX, newestReplaces: true, hasBudget: true, honoursRefusal: true },
  readers: FOR_READERS,
  // Only a reader's link causes these, so strangers cannot use them up. A reader may need several: first their data,
  // then erasure.
  link_holders: {
    perInbox: [
      { points: 3, seconds: 10 * MINUTE },
      { points: 6, seconds: DAY },
    ],
    newestReplaces: false,
    hasBudget: true,
    honoursRefusal: true,
  },
  // Separate from the others, so that no other form can be used to keep somebody subscribed.
  leavers: FOR_READERS,
  // A sign-in link works only in the browser that requested it, so each request needs its own.
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
  // An editor is trusted, but can name any inbox.
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

/** Whether an inbox may have one more request of a share, given the ages of the earlier ones. */
export function hasRoom(share: Share, agesSeconds: readonly number[]): boolean {
  return SHARES[share].perInbox.every(
    ({ points, seconds }) => agesSeconds.filter((age) => age < seconds).length < points,
  );
}

/** Requests of one share that are answered in an hour, over all domains; further requests wait. */
export const BUDGET_OF_ALL = 3_000;

/** A domain without readers: it may be one person's own mail server. */
const BUDGET_OF_UNKNOWN_DOMAIN = 30;
/** A provider where everybody can have a mailbox. */
const BUDGET_OF_MAIL_HOST = 300;
/** No domain gets more than half of {@link BUDGET_OF_ALL}. */
export const BUDGET_OF_DOMAIN_AT_MOST = 1_500;

/** A request over budget is checked again after this time. */
export const POSTPONED_MINUTES = 15;

/** A request that waits longer than this for a budget is dropped. */
export const WAIT_HOURS = 24;

/**
 * Requests for addresses of one domain that are answered in an hour. The budget grows by one with every confirmed
 * reader, so that a list can grow where it has readers, and a private catch-all domain gets few mails.
 */
export function domainBudget(confirmedReaders: number, isMailHost: boolean): number {
  const grown = BUDGET_OF_UNKNOWN_DOMAIN + confirmedReaders;
  return Math.min(BUDGET_OF_DOMAIN_AT_MOST, isMailHost ? Math.max(BUDGET_OF_MAIL_HOST, grown) : grown);
}

/** The part of a budget that suspicious requests may use. */
export function suspiciousPart(budget: number): number {
  return Math.floor(budget / 3);
}

/** A pending request, with the fields that the policy reads. */
export interface Candidate {
  id: string;
  kind: MailRequestKind;
  /** Who made the request: their newest request of each kind replaces earlier ones. */
  askedBy: string;
  /** The inbox, the same for all spellings of its address. */
  inbox: string;
  domain: string;
  isSuspicious: boolean;
  ageSeconds: number;
}

/** Earlier requests. */
export interface History {
  /** Blocked inboxes: their owners never want to be mailed again. */
  refused: ReadonlySet<string>;
  /** Answered requests for these inboxes, with their age. */
  answered: readonly { share: Share; inbox: string; ageSeconds: number }[];
  /** Answered requests of the last hour, counted. */
  lastHour: readonly { share: Share; domain: string; isSuspicious: boolean; count: number }[];
  /** Confirmed readers by domain; a missing domain has none. */
  readers: ReadonlyMap<string, number>;
  isMailHost(domain: string): boolean;
}

export type Decision =
  /** The handler decides what is mailed. It counts against all limits in any case. */
  | 'answer'
  /** It counts against all limits, but causes no mail: its inbox is blocked. */
  | 'decline'
  /** A budget is exceeded; it is checked again later. */
  | 'postpone'
  /** Over the limit of this inbox, replaced by a newer request, or too old. */
  | 'drop';

export interface Decided {
  decisions: Map<string, Decision>;
  /** Domains whose budget is exceeded; `*` for the budget of all domains. */
  budgetsExceeded: Set<string>;
}

/** Decides about requests, oldest first; those of one age are given in the order of their arrival. */
export function decideRequests(candidates: readonly Candidate[], history: History): Decided {
  const decisions = new Map<string, Decision>();
  const exceededBudgets = new Set<string>();
  const limits = inboxLimits(history);
  const budgets = hourlyBudgets(history);
  const oldestFirst = [...candidates].sort((a, b) => b.ageSeconds - a.ageSeconds);
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
      exceededBudgets.add(exceeded);
      decisions.set(each.id, each.ageSeconds < WAIT_HOURS * HOUR ? 'postpone' : 'drop');
      continue;
    }
    limits.add(share, each.inbox);
    budgets.add(share, each);
    const isRefused = policy.honoursRefusal && history.refused.has(each.inbox);
    decisions.set(each.id, isRefused ? 'decline' : 'answer');
  }
  return { decisions, budgetsExceeded: exceededBudgets };
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
    /** @returns which budget is exceeded: the domain, `*` for all, or null. */
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

/** Domain aliases of one provider. */
const SAME_DOMAIN: Record<string, string> = { 'googlemail.com': 'gmail.com' };

/**
 * Maps the spellings of one inbox to one key: without plus tags and dots, which some providers ignore. Use it for
 * counting only, where two people who share a counter wait a little; as an identity it would be wrong.
 * @param key of an address: lower case.
 */
export function foldAddress(key: string): string {
  const at = key.lastIndexOf('@');
  const domain = key.slice(at + 1);
  const bare = key.slice(0, at).replace(/(?<=.)\+.*$/, '');
  return `${bare.replaceAll('.', '')}@${SAME_DOMAIN[domain] ?? domain}`;
}

/** All domains at which an address can be the same inbox. @param key of an address: lower case. */
export function domainsOfInbox(key: string): string[] {
  const folded = foldAddress(key);
  const domain = folded.slice(folded.lastIndexOf('@') + 1);
  const others = Object.entries(SAME_DOMAIN).filter(([, same]) => same === domain);
  return [domain, ...others.map(([name]) => name)];
}
