import type { ColumnType, Generated, GeneratedAlways } from 'kysely';

/**
 * The whole database on one page. Tables are made by `migrations/`; a conformance test compares the
 * two. Timestamps are `timestamptz` and arrive as Date; ids are random uuids, so that none in a link
 * tells how many came before it.
 */
export interface Schema {
  comparisons: ComparisonsTable;
  revisions: RevisionsTable;
  gathers: GathersTable;
  pages: PagesTable;
  quarantine: QuarantineTable;
  sources: SourcesTable;
  gathering: GatheringTable;
  notices: NoticesTable;
  failing_duties: FailingDutiesTable;
  issues: IssuesTable;
  issue_comparisons: IssueComparisonsTable;
  variants: VariantsTable;
  variant_topics: VariantTopicsTable;
  batches: BatchesTable;
  deliveries: DeliveriesTable;
  circuit: CircuitTable;
  tallies: TalliesTable;
  subscribers: SubscribersTable;
  link_ids: LinkIdsTable;
  old_links: OldLinksTable;
  consent_events: ConsentEventsTable;
  consent_texts: ConsentTextsTable;
  consent_evidence: ConsentEvidenceTable;
  consent_seals: ConsentSealsTable;
  confirmations: ConfirmationsTable;
  fresh_links: FreshLinksTable;
  mail_requests: MailRequestsTable;
  mail_request_counts: MailRequestCountsTable;
  refused_inboxes: RefusedInboxesTable;
  rate_limits: RateLimitsTable;
  installation: InstallationTable;
  erased_addresses: ErasedAddressesTable;
  mails: MailsTable;
  votes: VotesTable;
  events: EventsTable;
  clicks: ClicksTable;
  figures: FiguresTable;
  settlements: SettlementsTable;
  issue_choices: IssueChoicesTable;
  left_out: LeftOutTable;
  desk_links: DeskLinksTable;
  desk_sessions: DeskSessionsTable;
  desk_passkeys: DeskPasskeysTable;
  desk_challenges: DeskChallengesTable;
  desk_refusals: DeskRefusalsTable;
  desk_reviews: DeskReviewsTable;
  desk_audit: DeskAuditTable;
  reminders: RemindersTable;
  test_sends: TestSendsTable;
  link_checks: LinkChecksTable;
  check_overrides: CheckOverridesTable;
}

/** Written as a JSON string, read back parsed. */
type Json<T> = ColumnType<T, string, string>;
type Created = ColumnType<Date, Date | string | undefined, Date | string>;

interface ComparisonsTable {
  id: Generated<string>;
  slug: string;
  /** The two tools in either order: A-vs-B and B-vs-A are one comparison. */
  pair_key: string;
  url: string;
  /** `Comparison` of src/comparisons/model.ts. */
  content: Json<unknown>;
  content_hash: string;
  published_at: Date | null;
  first_seen_at: Created;
  changed_at: Generated<Date>;
  /** When it was taken down; null while it is shown. */
  hidden_at: Date | null;
  /** Why, and by whom. */
  hidden_reason: string | null;
  hidden_by: string | null;
  /** When it was taken down or shown again last. */
  visibility_changed_at: Date | null;
}

/** Every state a comparison was in, the first included; written with it, never changed. */
interface RevisionsTable {
  comparison_id: string;
  /** Counts from 1 in a comparison. */
  number: number;
  at: Created;
  /** `Comparison` as it was from then on. */
  content: Json<unknown>;
  content_hash: string;
  /** `Change[]` of src/comparisons/revisions.ts; empty for the first. */
  changed: Json<unknown>;
}

/** One look at all sources. */
interface GathersTable {
  id: Generated<string>;
  at: Created;
  added: number;
  changed: number;
  unchanged: number;
  /** `{ source, comparisons, rejected, fault }[]` */
  sources: Json<unknown>;
  /** `{ name, reason }[]`: what was skipped, and why. */
  rejected: Json<unknown>;
}

/** What was last read at an address, so that the next request can ask whether it changed. */
interface PagesTable {
  url: string;
  /** The first of SOURCES that lists it. */
  source: string;
  kind: 'robots' | 'sitemap' | 'feed' | 'page';
  /** HTTP status of the last answer that told something new. */
  status: number;
  etag: string | null;
  last_modified: string | null;
  body_hash: string;
  /** Version of the reader; what an older one read is read again. */
  reader: number;
  /** What the sitemap said when it was read. */
  lastmod: string | null;
  /** The comparison it holds, once it was valid. */
  pair_key: string | null;
  /** Of robots.txt, a sitemap or a feed: what it says, for the day it answers 304; null for a page. */
  listing: ColumnType<unknown, string | null, string | null>;
  /** When it was last found changed. */
  fetched_at: Date;
}

/** Pages and files that are no valid comparison; they wait here until they change. */
interface QuarantineTable {
  source: string;
  url: string;
  /** `Fault[]` */
  faults: Json<unknown>;
  /** null where nothing could be read. */
  body_hash: string | null;
  first_seen_at: Date;
  /** When it was last read and found wrong. */
  last_seen_at: Date;
}

/** The health of each source that ever failed. */
interface SourcesTable {
  source: string;
  /** In a row; three and more are *failing*. */
  failures: number;
  reason: string | null;
  failed_at: Date | null;
  recovered_at: Date | null;
}

/** At most one row: who is gathering now. */
interface GatheringTable {
  is_only: Generated<boolean>;
  holder: string;
  /** After this the holder is taken for dead. */
  until: Date;
}

/** Duties that failed when they were last done. */
interface FailingDutiesTable {
  duty: string;
  /** In a row, of all workers. */
  failures: number;
  reason: string;
  failed_at: Date;
}

/** What editors are told once. */
interface NoticesTable {
  id: Generated<string>;
  /** `NoticeKind` of src/notices. */
  kind: string;
  /** The source, the slot, the domain, the issue, the batch, the tool, or the duty. */
  subject: string;
  message: string;
  at: Created;
  resolved_at: Date | null;
}

export type IssueStatus =
  | 'draft'
  | 'review'
  | 'approved'
  | 'preparing'
  | 'sending'
  | 'sent'
  | 'paused'
  | 'cancelled'
  | 'skipped'
  | 'failed';

interface IssuesTable {
  id: Generated<string>;
  /** Counts from 1; null while skipped. */
  number: number | null;
  slug: string;
  /** Local date of the slot, unique (I6). */
  slot: string;
  due_at: Date;
  status: IssueStatus;
  /** The status to go back to on resume. */
  resume_to: IssueStatus | null;
  /** Why it is skipped, paused or failed. */
  reason: string | null;
  template: string;
  /** `Plan`: what was composed, frozen when approved; null while skipped. */
  plan: ColumnType<unknown, string | null, string | null>;
  plan_hash: string | null;
  /** `Envelope` of src/delivery: sender, host and signing key, frozen when prepared. */
  envelope: ColumnType<unknown, string | null, string | null>;
  created_at: Created;
  approved_at: Date | null;
  prepared_at: Date | null;
  /** The last reader whose delivery is made, while the audience is being frozen; null before and after. */
  frozen_to: string | null;
  finished_at: Date | null;
  /** Raised by every composing and every edit; who edits names the one they saw. */
  revision: Generated<number>;
}

/** What an issue carries, as it was mailed: the memory behind *changed verdicts*. */
interface IssueComparisonsTable {
  issue_id: string;
  comparison_id: string;
  section: 'new' | 'changed';
  /** `Comparison` as composed. */
  content: Json<unknown>;
  content_hash: string;
}

interface VariantsTable {
  id: Generated<string>;
  issue_id: string;
  /** Counts from 1 in an issue; 1 is the general one. */
  number: number;
  subject: string;
  preheader: string;
  html: string;
  text: string;
  content_hash: string;
}

/** Which variant a set of topics gets; null variant = nothing for them this week. */
interface VariantTopicsTable {
  issue_id: string;
  /** Sorted; empty = everything. */
  topics: string[];
  variant_id: string | null;
}

export type BatchStatus = 'pending' | 'submitting' | 'submitted' | 'failed' | 'uncertain';

interface BatchesTable {
  id: Generated<string>;
  issue_id: string;
  variant_id: string;
  number: number;
  status: BatchStatus;
  /** Part of the idempotency key; raised only after a definite rejection. */
  revision: Generated<number>;
  /** sha256 of the exact bytes submitted under this key. */
  payload_hash: string | null;
  lease_id: string | null;
  /** Kept when it is given up as `uncertain`: until then somebody waited for the answer. */
  lease_until: Date | null;
  /** First claim under this key: the provider forgets keys after 24 h. */
  claimed_at: Date | null;
  attempts: Generated<number>;
  reason: string | null;
}

export type DeliveryStatus =
  | 'prepared'
  | 'submitted'
  | 'delivered'
  | 'bounced'
  | 'complained'
  | 'excluded'
  | 'failed'
  | 'uncertain';

interface DeliveriesTable {
  id: Generated<string>;
  issue_id: string;
  subscriber_id: string;
  /** null when excluded before a batch was made. */
  batch_id: string | null;
  /** Order within the batch, frozen with it. */
  position: number;
  status: DeliveryStatus;
  reason: string | null;
  provider_id: string | null;
  submitted_at: Date | null;
  /** Of a bounce: whether the address is gone for good, or was only out of reach. */
  bounce: 'hard' | 'soft' | null;
  /** The earliest that an event told. */
  delivered_at: Date | null;
  opened_at: Date | null;
}

/** Deliveries counted, kept by triggers on them; the sum over an issue is where it stands (I11). */
interface TalliesTable {
  issue_id: string;
  /** The batch, or the issue for those who are in none: a row that only one worker at a time counts in. */
  holder: string;
  /** `submitted` whatever became of it later. */
  status: 'prepared' | 'submitted' | 'excluded' | 'failed' | 'uncertain';
  /** Empty but for `excluded` and `failed`. */
  reason: string;
  count: number;
}

/** One row, made by the migration: whether the provider answers, as all workers together have found. */
interface CircuitTable {
  is_only: Generated<boolean>;
  /** Requests without an answer, in a row. */
  failures: Generated<number>;
  /** Of the last of them. */
  reason: string | null;
  /** When the first of them was. */
  since: Date | null;
  /** Nobody asks before that, and then one worker does; null: everybody may. */
  open_until: Date | null;
}

export type SubscriberStatus = 'pending' | 'active' | 'unsubscribed' | 'suppressed';

interface SubscribersTable {
  id: Generated<string>;
  /** As typed; mail goes here. */
  email: string;
  /** Lower-case local part and ASCII domain: one person, one row. */
  email_key: string;
  status: SubscriberStatus;
  /** Sorted; empty = everything. */
  topics: string[];
  timezone: string | null;
  /** Part of every signed link; raised to revoke links that went astray. */
  token_version: Generated<number>;
  reason: string | null;
  created_at: Created;
  confirmed_at: Date | null;
  left_at: Date | null;
  /** No issue until then. */
  paused_until: Date | null;
}

/** Further ids by which links in mail lead to a person, beside the id of their row. */
interface LinkIdsTable {
  link_id: string;
  subscriber_id: string;
  /** Of the links that open preferences and votes; null: they only leave. */
  version: number | null;
  /** Later versions were mailed to somebody else; null: there are none. */
  up_to: number | null;
}

/** Links in an inbox that is not the address of their row any more; kept by trigger, like what follows from it. */
interface OldLinksTable {
  link_id: string;
  /** `address_hash(email_key)` */
  inbox_hash: string;
  up_to: number;
}

/** Append-only, by trigger (I8). */
interface ConsentEventsTable {
  id: GeneratedAlways<number>;
  subscriber_id: string;
  event:
    | 'requested'
    | 'confirm_sent'
    | 'confirmed'
    | 'preference_changed'
    | 'unsubscribed'
    | 'resubscribed'
    | 'suppressed'
    | 'restored'
    | 'erased';
  at: Created;
  method: string;
  source: string | null;
  details: Json<unknown>;
  /** `consent_event_hash` of the row as it was written, set by a trigger whatever an insert says. */
  row_hash: Generated<Buffer>;
}

/** What people were told when they agreed; never changed. */
interface ConsentTextsTable {
  version: string;
  /** sha256, hex. */
  hash: string;
  text: string;
  at: Created;
}

/** Where a consent came from, for as long as that is needed: the one part of it that may be deleted. */
interface ConsentEvidenceTable {
  event_id: number;
  ip: string | null;
  user_agent: string | null;
  at: Created;
}

/** What a stretch of the consent log held, for good. A trigger makes all of it from `to_id`; never changed. */
interface ConsentSealsTable {
  /** Counts from 1, without a gap. */
  number: Generated<number>;
  /** Follows `to_id` of the seal before it. */
  from_id: Generated<number>;
  to_id: number;
  rows: Generated<number>;
  /** sha256 of the hashes of its rows, in the order of their ids. */
  rows_hash: Generated<Buffer>;
  /** `hash` of the seal before it; empty for the first. */
  previous: Generated<Buffer>;
  at: Created;
  /** `consent_seal_hash` of all of the above. */
  hash: Generated<Buffer>;
}

/** Something that may cause a mail and waits for its answer; gone when it is answered. */
interface MailRequestsTable {
  id: Generated<string>;
  /** `MailRequestKind` of src/transactional. */
  kind: string;
  /** Where the mail would go. */
  email: string;
  email_key: string;
  /** `address_hash` of the folded address: one inbox, however its address is spelled. */
  limit_key: string;
  domain: string;
  /** What the handler of its kind needs to know. */
  details: Json<unknown>;
  /** It may be a machine's: such requests have a smaller part of every budget. */
  is_suspicious: boolean;
  ip: string | null;
  user_agent: string | null;
  created_at: Created;
  /** Later than it came when an hourly budget was spent. */
  due_at: Created;
}

/** Requests that took their place in the limits, whether or not a mail came of it. */
interface MailRequestCountsTable {
  id: GeneratedAlways<number>;
  /** `Share` of src/transactional: what is counted together. */
  share: string;
  limit_key: string;
  domain: string;
  is_suspicious: boolean;
  at: Created;
}

/** People who never want to be asked again, in every spelling of their address. */
interface RefusedInboxesTable {
  limit_key: string;
  at: Created;
}

/** Counters of requests, where no Redis counts them. */
interface RateLimitsTable {
  key: string;
  points: Generated<number>;
  /** Unix time in ms. */
  expire: number | null;
}

/** Links that work once, by their hash: who reads the table cannot use them. */
interface ConfirmationsTable {
  /** `tokenHash` of src/subscribers/tokens.ts. */
  token_hash: string;
  purpose: 'subscribe' | 'change';
  subscriber_id: string;
  /** The new address of a `change`. */
  email: string | null;
  email_key: string | null;
  /** What was asked for with it: topics, consent text, form. */
  details: Json<unknown>;
  created_at: Created;
  expires_at: Date;
  used_at: Date | null;
}

/** Links that were mailed to readers for what a link in an issue may not do; by their hash, each works once. */
interface FreshLinksTable {
  /** `tokenHash` of src/subscribers/tokens.ts. */
  token_hash: string;
  subscriber_id: string;
  purpose: 'export' | 'erase' | 'change_address';
  /** Of the subscriber when it was made: what makes their older links void ends this one, too. */
  token_version: number;
  created_at: Created;
  expires_at: Date;
  used_at: Date | null;
}

/** One row, made by the migration. */
interface InstallationTable {
  is_only: Generated<boolean>;
  /** Makes hashes of addresses that can be compared here and nowhere else. */
  salt: Generated<string>;
}

/** People who asked to be forgotten: `address_hash(email_key)`, a function of the database. */
interface ErasedAddressesTable {
  hash: string;
  at: Created;
}

export type MailStatus = 'pending' | 'sent' | 'dropped' | 'failed' | 'uncertain';

/** Mail to one person because of something they did: a row first, then a job. */
interface MailsTable {
  id: string;
  /** `MailKind` of src/transactional. */
  kind: string;
  subscriber_id: string | null;
  /** Where it goes when that is not the subscriber's address. */
  recipient: string | null;
  /** What its template needs to know; nothing secret. */
  content: Json<unknown>;
  /** Which key makes its links. */
  key_id: string;
  status: Generated<MailStatus>;
  reason: string | null;
  lease_id: string | null;
  lease_until: Date | null;
  /** First attempt: the provider forgets keys after 24 h. */
  claimed_at: Date | null;
  attempts: Generated<number>;
  provider_id: string | null;
  created_at: Created;
  sent_at: Date | null;
}

export type EventKind =
  | 'accepted'
  | 'delayed'
  | 'delivered'
  | 'opened'
  | 'clicked'
  | 'soft_bounce'
  | 'hard_bounce'
  | 'complained'
  | 'failed'
  | 'suppressed'
  | 'other';

/** What the provider tells us later, as far as it is used: no address, no token, nothing of the message. */
interface EventsTable {
  /** The provider's id of the event: the same one told again is the same row. */
  id: string;
  /** As the provider calls it. */
  type: string;
  kind: EventKind;
  /** When it happened, by the provider's clock. */
  at: Date;
  received_at: Created;
  /** From the tags of the message. */
  delivery_id: string | null;
  mail_id: string | null;
  /** Where the event named an address that we know, instead of a message of ours. */
  subscriber_id: string | null;
  /** The provider's id of the message. */
  provider_id: string | null;
  reason: string | null;
  /** What was clicked, without tokens. */
  link: string | null;
  is_scanner: Generated<boolean>;
  /** When to look at it (again); null when it is done with. */
  due_at: Date | null;
  looks: Generated<number>;
  outcome: 'applied' | 'ignored' | 'unmatched' | null;
}

/** Who clicked what; only where the provider counts clicks. */
interface ClicksTable {
  delivery_id: string;
  link: string;
  issue_id: string;
  first_at: Date;
  last_at: Date;
  /** By a program that is known to follow links. */
  is_scanner: boolean;
}

/** Deliveries of an issue by what became of them; changed in one transaction with them. */
interface FiguresTable {
  issue_id: string;
  /** Complaints included: they had arrived. */
  delivered: Generated<number>;
  bounced_hard: Generated<number>;
  bounced_soft: Generated<number>;
  complained: Generated<number>;
  /** Accepted by the provider, and then not mailed after all. */
  failed: Generated<number>;
  opened: Generated<number>;
}

/** Who said what became of a batch whose answer was lost. */
interface SettlementsTable {
  id: Generated<string>;
  batch_id: string;
  /** The key it was submitted under. */
  revision: number;
  decision: 'accepted' | 'not-accepted';
  /** `event msg_…`, or `person NAME`. */
  decided_by: string;
  at: Created;
}

/** What editors chose for an issue, beside what was composed. */
interface IssueChoicesTable {
  issue_id: string;
  /** `EditorChoices` of src/issues/edit.ts. */
  choices: Json<unknown>;
  /** Who chose last; an address, like every `who`. */
  who: string;
  at: Created;
}

/** Comparisons that no issue carries until somebody puts them back. */
interface LeftOutTable {
  comparison_id: string;
  /** The issue they were left out of. */
  issue_id: string;
  reason: string;
  who: string;
  at: Created;
}

/** Links that open the desk once, by their hash. */
interface DeskLinksTable {
  token_hash: string;
  /** Of the cookie in the browser that asked: the link works in no other. Null: the operator printed it. */
  browser_hash: string | null;
  email: string;
  created_at: Created;
  expires_at: Date;
  used_at: Date | null;
}

interface DeskSessionsTable {
  /** Of the cookie. */
  token_hash: string;
  email: string;
  created_at: Created;
  seen_at: Created;
  ended_at: Date | null;
  /** The passkey that was used in it last; it may have been removed since. */
  passkey_id: string | null;
  passkey_at: Date | null;
}

/** Public keys of editors: a second factor beside the mailed link. */
interface DeskPasskeysTable {
  id: Generated<string>;
  email: string;
  /** As its authenticator names it, base64url. */
  credential_id: string;
  /** COSE, base64url. */
  public_key: string;
  /** How often it was used, by its own count; a copy of it counts on its own. */
  counter: number;
  /** The random name of its owner that authenticators keep, base64url; the same for every passkey of one editor. */
  user_handle: string;
  transports: string[];
  /** As its owner calls it. */
  name: string;
  /** It is kept by a provider on several devices, and not in one alone. */
  is_synced: boolean;
  created_at: Created;
  last_used_at: Date | null;
}

/** What a passkey has to sign; gone as soon as it is answered. */
interface DeskChallengesTable {
  session_hash: string;
  purpose: 'register' | 'authenticate';
  challenge: string;
  expires_at: Date;
}

/** How often something was refused in an hour. */
interface DeskRefusalsTable {
  /** What shares a quota: a kind of refusal, and the editor whom it concerns. */
  bucket: string;
  hour: Date;
  count: number;
}

/** Links to look at one issue, for people without an account. */
interface DeskReviewsTable {
  id: string;
  token_hash: string;
  /** Which key makes its link. */
  key_id: string;
  issue_id: string;
  who: string;
  created_at: Created;
  expires_at: Date;
  revoked_at: Date | null;
}

/** Append-only, by trigger: what editors did, and what was refused. */
interface DeskAuditTable {
  id: GeneratedAlways<number>;
  at: Created;
  /** null where nobody was signed in. */
  who: string | null;
  what: string;
  /** Slug of the issue it is about. */
  issue: string | null;
  details: Json<unknown>;
}

/** What editors were reminded of. */
interface RemindersTable {
  issue_id: string;
  kind: 'ready' | 'slot_nears';
  at: Created;
}

/** An issue as it was sent to try it, frozen; its copies are in `mails`. */
interface TestSendsTable {
  id: string;
  issue_id: string;
  who: string;
  /** From: of the issue. */
  sender: string;
  subject: string;
  html: string;
  text: string;
  at: Created;
}

/** What came of it when we followed a link of an issue ourselves, last time. */
interface LinkChecksTable {
  url: string;
  /** HTTP status of the last answer; null where there was none. */
  status: number | null;
  /** What is wrong with it; null where it leads where it should. */
  reason: string | null;
  checked_at: Date;
}

/** A publisher's word on one red check, for exactly one plan in one template. */
interface CheckOverridesTable {
  issue_id: string;
  plan_hash: string;
  template: string;
  /** The check's id, with the comparison's slug where it is about one: "price.changed:cursor-vs-zed". */
  check_key: string;
  reason: string;
  who: string;
  at: Created;
}

/** What readers said of tools: one row a reader and tool, the last word. */
interface VotesTable {
  subscriber_id: string;
  /** `nameKey` of the tool's name. */
  tool_key: string;
  call: 'ship' | 'skip';
  /** Where it was cast last. */
  comparison_id: string;
  at: Created;
  /** Since when the reader has been on the list; null for who is no reader now. Kept by a trigger on subscribers. */
  reader_since: Date | null;
  /** `set_aside` until an editor decides. */
  state: Generated<'counted' | 'set_aside' | 'discarded'>;
  set_aside_at: Date | null;
  /** Salted hashes of the network it came from, and of the wider one of IPv6; deleted after a week. */
  network: string | null;
  wide_network: string | null;
}
