import type { ColumnType, Generated, GeneratedAlways } from 'kysely';

/**
 * The whole database on one page. `migrations/` creates the tables; a conformance test compares the two. Timestamps are
 * `timestamptz` and arrive as Date. Ids are random uuids, so that a link does not reveal how many rows there are.
 */
export interface Schema {
  comparisons: ComparisonsTable;
  revisions: RevisionsTable;
  reprints: ReprintsTable;
  field_changes: FieldChangesTable;
  comparison_listings: ComparisonListingsTable;
  gathers: GathersTable;
  pages: PagesTable;
  quarantine: QuarantineTable;
  sources: SourcesTable;
  gathering: GatheringTable;
  notices: NoticesTable;
  failing_duties: FailingDutiesTable;
  wrong_clocks: WrongClocksTable;
  faults: FaultsTable;
  sending_mark: SendingMarkTable;
  reconciles: ReconcilesTable;
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
  issue_renderings: IssueRenderingsTable;
  refusal_runs: RefusalRunsTable;
}

/** Written as a JSON string, read back parsed. */
type Json<T> = ColumnType<T, string, string>;
type Created = ColumnType<Date, Date | string | undefined, Date | string>;

interface ComparisonsTable {
  id: Generated<string>;
  slug: string;
  /** The two tools in a fixed order: A-vs-B and B-vs-A are one comparison. */
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
  /** When it was last taken down or shown again. */
  visibility_changed_at: Date | null;
  /** Since when it is no longer on its site; null while it is. */
  gone_at: Date | null;
  /** `page`: its page answers that it is gone; `listing`: its source lists it no more. */
  gone_by: 'page' | 'listing' | null;
  gone_reason: string | null;
  /** When it last went or came back. */
  presence_changed_at: Date | null;
}

/** Every version of a comparison, including the first; written with it, never changed. */
interface RevisionsTable {
  comparison_id: string;
  /** Counts from 1 in each comparison. */
  number: number;
  at: Created;
  /** The `Comparison` in this version. */
  content: Json<unknown>;
  content_hash: string;
  /** `Change[]` of src/comparisons/revisions.ts; empty for the first. */
  changed: Json<unknown>;
}

/** An event of a site: much of the archive changed within days in the same field and way. */
interface ReprintsTable {
  id: Generated<string>;
  /** `Field` of src/comparisons/reprints. */
  field: string;
  way: string;
  keeps_figures: boolean;
  /** An issue would tell at least one of its changes. */
  is_told: boolean;
  /** The number of comparisons when it was detected. */
  archive_size: number;
  first_at: Created;
  last_at: Created;
  /** null: an editor has to answer. */
  answer: 'not_news' | 'news' | null;
  /** null when the rule answered. */
  answered_by: string | null;
  answered_at: Date | null;
}

/** Changes of single fields: those of the last days, and those of reprints. */
interface FieldChangesTable {
  comparison_id: string;
  /** Number of the revision that made it. */
  revision: number;
  side: number;
  field: string;
  way: string;
  keeps_figures: boolean;
  is_told: boolean;
  /** The values, see `FieldChange` of src/comparisons/reprints. */
  was: Json<unknown>;
  now: Json<unknown>;
  at: Created;
  /** null: it belongs to no reprint, and is forgotten after the window. */
  reprint_id: string | null;
}

/** Where a comparison comes from; none for a pushed one. */
interface ComparisonListingsTable {
  comparison_id: string;
  /** The entry of SOURCES that gave it last. */
  source: string;
  /** Its file, or its page's URL, in that source. */
  entry: string;
  /** For how many gatherings in a row the source has not listed it. */
  missed: Generated<number>;
}

/** One run over all sources. */
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

/** The last read content of a URL, so that the next request can ask whether it changed. */
interface PagesTable {
  url: string;
  /** The first entry of SOURCES that lists it. */
  source: string;
  kind: 'robots' | 'sitemap' | 'feed' | 'page';
  /** HTTP status of the last answer with new content. */
  status: number;
  etag: string | null;
  last_modified: string | null;
  body_hash: string;
  /** Version of the parser; a page parsed by an older version is read again. */
  reader: number;
  /** The sitemap's date when it was read. */
  lastmod: string | null;
  /** The comparison on this page, once it was valid. */
  pair_key: string | null;
  /** The content of a robots.txt, sitemap or feed, to be used when it answers 304; null for a page. */
  listing: ColumnType<unknown, string | null, string | null>;
  /** When it last had changed. */
  fetched_at: Date;
}

/** Pages and files that are no valid comparison; they stay here until they change. */
interface QuarantineTable {
  source: string;
  url: string;
  /** `Fault[]` */
  faults: Json<unknown>;
  /** null when nothing could be read. */
  body_hash: string | null;
  first_seen_at: Date;
  /** When it was last read and found invalid. */
  last_seen_at: Date;
}

/** The health of each source that ever failed. */
interface SourcesTable {
  source: string;
  /** Failures in a row; a source with three or more is *failing*. */
  failures: number;
  reason: string | null;
  failed_at: Date | null;
  recovered_at: Date | null;
}

/** At most one row: the lock of the process that gathers now. */
interface GatheringTable {
  is_only: Generated<boolean>;
  holder: string;
  /** After this time the holder is considered dead. */
  until: Date;
}

/** Duties whose last run failed. */
interface FailingDutiesTable {
  duty: string;
  /** Failures in a row, over all workers. */
  failures: number;
  reason: string;
  failed_at: Date;
}

/** Of each worker whose clock is wrong by more than a minute, the last measurement. */
/** What database and queue refuse at present, and the jobs that fail. */
interface FaultsTable {
  kind: string;
  /** '' where there is one of its kind. */
  subject: string;
  reason: string;
  since: Date;
  /** When it was met last. */
  at: Date;
}

interface WrongClocksTable {
  /** Host and process id. */
  worker: string;
  /** Ahead of the database; negative: behind. */
  ahead_ms: number;
  measured_at: Created;
}

/** One row: how far sending has come. The same is written outside of the database, see src/sending/mark. */
interface SendingMarkTable {
  is_only: Generated<boolean>;
  installation: Generated<string>;
  epoch: Generated<number>;
  /** `Mark['issues']` of mark-store.ts. */
  issues: ColumnType<unknown, string | undefined, string>;
  at: Created;
  /** `Mark`: the one outside, while it is ahead. */
  ahead: Json<unknown> | null;
  noticed_at: Date | null;
}

/** At most one row: the last time that the recurring duties were done. */
interface ReconcilesTable {
  is_only: Generated<boolean>;
  at: Date;
}

/** Notices for people, each shown and mailed once. */
interface NoticesTable {
  id: Generated<string>;
  /** `NoticeKind` of src/notices. */
  kind: string;
  /** The source, the slot, the domain, the issue, the batch, the tool, or the duty. */
  subject: string;
  message: string;
  /** Since when. */
  at: Created;
  resolved_at: Date | null;
  /** When the mail about it was queued. */
  mailed_at: Date | null;
  /** How it ended, for its recovery note; null: in the usual words of its kind. */
  recovery: string | null;
  /** When the recovery note was queued, or decided not to be. */
  recovery_mailed_at: Date | null;
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
  /** Counts from 1; given when the content is frozen, taken back when it is cancelled before anything was submitted. */
  number: number | null;
  slug: string;
  /** Local date of the slot, unique (I6). */
  slot: string;
  due_at: Date;
  status: IssueStatus;
  /** The status after resume. */
  resume_to: IssueStatus | null;
  /** Why it is skipped, paused or failed. */
  reason: string | null;
  template: string;
  /** `Plan`: what was composed, frozen on approval; null while skipped. */
  plan: ColumnType<unknown, string | null, string | null>;
  plan_hash: string | null;
  /** `Envelope` of src/sending: sender, host and signing key, frozen when prepared. */
  envelope: ColumnType<unknown, string | null, string | null>;
  created_at: Created;
  approved_at: Date | null;
  prepared_at: Date | null;
  /** The last reader with a delivery, while the audience is being frozen; null before and after. */
  frozen_to: string | null;
  finished_at: Date | null;
  /** Raised by every composing and every edit; an editor's request names the revision it was based on. */
  revision: Generated<number>;
  /** When its slot was found to have passed without it. Until somebody sends it, other issues may carry its content. */
  late_at: Date | null;
}

/** The comparisons that an issue tells its readers about, as they were then; *changed verdicts* are computed from it. */
interface IssueComparisonsTable {
  issue_id: string;
  comparison_id: string;
  section: 'new' | 'changed';
  /** In a row of its own, counted in a summary, or left out by an editor, which counts as told. */
  told: Generated<'row' | 'summary' | 'dropped'>;
  /** `ChangedVerdict` of src/issues/content.ts; null for a new comparison. */
  change: ColumnType<unknown, string | null, string | null>;
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

/** Which variant a set of topics gets; null variant = no content for them in this issue. */
interface VariantTopicsTable {
  issue_id: string;
  /** Sorted; empty = everything. */
  topics: string[];
  /** The ids of the stopped issues that its readers have, sorted. */
  had: Generated<string[]>;
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
  /** The version of their layout; null: nothing was submitted under this key yet. */
  layout: number | null;
  lease_id: string | null;
  /** Kept when the batch becomes `uncertain`: a worker waited for the answer until then. */
  lease_until: Date | null;
  /** First claim under this key: the provider forgets keys after 24 h. */
  claimed_at: Date | null;
  attempts: Generated<number>;
  reason: string | null;
  /** When the provider refused its members, in a way that may be no fault of theirs. */
  refused_at: Date | null;
  /** The batch of which it is a part, or was the first; null: it was never split. */
  split_from: string | null;
  /** It was refused, and opened again when the issue went on. */
  reopened: Generated<boolean>;
}

/** Of each issue the refusals since the provider last accepted something of it. */
interface RefusalRunsTable {
  issue_id: string;
  requests: number;
  readers: number;
  reason: string;
  since: Created;
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
  /** Kind of a bounce: hard when the address is gone permanently, soft when it was only unreachable. */
  bounce: 'hard' | 'soft' | null;
  /** The earliest time that an event reported. */
  delivered_at: Date | null;
  opened_at: Date | null;
}

/** Counters of deliveries, updated by triggers on them; their sum over an issue is its progress (I11). */
interface TalliesTable {
  issue_id: string;
  /** The batch, or the issue for deliveries without a batch: only one worker at a time updates this row. */
  holder: string;
  /** `submitted`, whatever later events report. */
  status: 'prepared' | 'submitted' | 'excluded' | 'failed' | 'uncertain';
  /** Empty except for `excluded` and `failed`. */
  reason: string;
  count: number;
}

/** One row, made by the migration: whether the provider responds, as all workers together found. */
interface CircuitTable {
  is_only: Generated<boolean>;
  /** Requests in a row without a response. */
  failures: Generated<number>;
  /** Reason of the last failure. */
  reason: string | null;
  /** Time of the first failure. */
  since: Date | null;
  /** No request before this time; then one worker sends a probe. null: all workers may send requests. */
  open_until: Date | null;
}

export type SubscriberStatus = 'pending' | 'active' | 'unsubscribed' | 'suppressed';

interface SubscribersTable {
  id: Generated<string>;
  /** As typed; mail goes to this address. */
  email: string;
  /** Lower-case local part and ASCII domain: one person, one row. */
  email_key: string;
  status: SubscriberStatus;
  /** Sorted; empty = everything. */
  topics: string[];
  timezone: string | null;
  /** Part of every signed link; raised to void links that were forwarded. */
  token_version: Generated<number>;
  reason: string | null;
  created_at: Created;
  confirmed_at: Date | null;
  left_at: Date | null;
  /** No issue is mailed until then. */
  paused_until: Date | null;
}

/** Further ids in links that lead to a person, beside the id of their row. */
interface LinkIdsTable {
  link_id: string;
  subscriber_id: string;
  /** Version of the links that open preferences and votes; null: they only unsubscribe. */
  version: number | null;
  /** Later versions were mailed to somebody else; null: there are none. */
  up_to: number | null;
}

/** Links in an inbox that no longer is the address of their row; a trigger writes these rows. */
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
  /** `consent_event_hash` of the row as it was written; a trigger sets it, whatever the insert says. */
  row_hash: Generated<Buffer>;
}

/** The texts that people agreed to; never changed. */
interface ConsentTextsTable {
  version: string;
  /** sha256, hex. */
  hash: string;
  text: string;
  at: Created;
}

/** Where a consent came from, stored only as long as needed: the one part of it that may be deleted. */
interface ConsentEvidenceTable {
  event_id: number;
  ip: string | null;
  user_agent: string | null;
  at: Created;
}

/** Seals of ranges of the consent log. A trigger computes all columns from `to_id`; never changed. */
interface ConsentSealsTable {
  /** Counts from 1, without a gap. */
  number: Generated<number>;
  /** The id after `to_id` of the previous seal. */
  from_id: Generated<number>;
  to_id: number;
  rows: Generated<number>;
  /** sha256 of the hashes of its rows, in the order of their ids. */
  rows_hash: Generated<Buffer>;
  /** `hash` of the previous seal; empty for the first. */
  previous: Generated<Buffer>;
  at: Created;
  /** `consent_seal_hash` of all of the above. */
  hash: Generated<Buffer>;
}

/** Pending requests that may cause a mail; deleted when answered. */
interface MailRequestsTable {
  id: Generated<string>;
  /** `MailRequestKind` of src/transactional. */
  kind: string;
  /** The address that would be mailed. */
  email: string;
  email_key: string;
  /** `address_hash` of the folded address: one inbox, however its address is spelled. */
  limit_key: string;
  domain: string;
  /** Input of the handler of its kind. */
  details: Json<unknown>;
  /** It may be a machine's: suspicious requests have a smaller part of every budget. */
  is_suspicious: boolean;
  ip: string | null;
  user_agent: string | null;
  created_at: Created;
  /** Later than its arrival when an hourly budget was exceeded. */
  due_at: Created;
  /** Counts upwards: which of two requests of one millisecond came first. */
  arrival: Generated<number>;
}

/** Requests counted against the limits, whether or not they caused a mail. */
interface MailRequestCountsTable {
  id: GeneratedAlways<number>;
  /** `Share` of src/transactional: what is counted together. */
  share: string;
  limit_key: string;
  domain: string;
  is_suspicious: boolean;
  at: Created;
}

/** Inboxes whose owners never want to be asked again, in every spelling of their address. */
interface RefusedInboxesTable {
  limit_key: string;
  at: Created;
}

/** Rate-limit counters, when there is no Redis. */
interface RateLimitsTable {
  key: string;
  points: Generated<number>;
  /** Unix time in ms. */
  expire: number | null;
}

/** One-time links, by their hash: a person who reads the table cannot use them. */
interface ConfirmationsTable {
  /** `tokenHash` of src/subscribers/tokens.ts. */
  token_hash: string;
  purpose: 'subscribe' | 'change';
  subscriber_id: string;
  /** The new address of a `change`. */
  email: string | null;
  email_key: string | null;
  /** The data of the request: topics, consent text, form. */
  details: Json<unknown>;
  created_at: Created;
  expires_at: Date;
  used_at: Date | null;
}

/** Links mailed to readers for what a link in an issue may not do; by their hash, each works once. */
interface FreshLinksTable {
  /** `tokenHash` of src/subscribers/tokens.ts. */
  token_hash: string;
  subscriber_id: string;
  purpose: 'export' | 'erase' | 'change_address';
  /** The subscriber's version when the link was made: voiding their older links ends this one, too. */
  token_version: number;
  created_at: Created;
  expires_at: Date;
  used_at: Date | null;
}

/** One row, made by the migration. */
interface InstallationTable {
  is_only: Generated<boolean>;
  /** Makes address hashes that can be compared only within this installation. */
  salt: Generated<string>;
}

/** People who asked to be forgotten: `address_hash(email_key)`, a function of the database. */
interface ErasedAddressesTable {
  hash: string;
  at: Created;
}

export type MailStatus = 'pending' | 'sent' | 'dropped' | 'failed' | 'uncertain';

/** Mail to one person because of an action of theirs: a row first, then a job. */
interface MailsTable {
  id: string;
  /** `MailKind` of src/transactional. */
  kind: string;
  subscriber_id: string | null;
  /** The address, when it is not the subscriber's. */
  recipient: string | null;
  /** The template's input; nothing secret. */
  content: Json<unknown>;
  /** The key that signs its links. */
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

/** Events that the provider reports later, with the fields that we use: no address, no token, no message content. */
interface EventsTable {
  /** The provider's id of the event: a repeated event is the same row. */
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
  /** Set when the event named an address that we know, instead of a message of ours. */
  subscriber_id: string | null;
  /** The provider's id of the message. */
  provider_id: string | null;
  reason: string | null;
  /** The clicked link, without tokens. */
  link: string | null;
  is_scanner: Generated<boolean>;
  /** When to process it (again); null when it is done. */
  due_at: Date | null;
  looks: Generated<number>;
  outcome: 'applied' | 'ignored' | 'unmatched' | null;
}

/** Clicks by reader and link; only when the provider counts clicks. */
interface ClicksTable {
  delivery_id: string;
  link: string;
  issue_id: string;
  first_at: Date;
  last_at: Date;
  /** By a known link scanner. */
  is_scanner: boolean;
}

/** Counters of an issue's deliveries by outcome; changed in the same transaction. */
interface FiguresTable {
  issue_id: string;
  /** Includes complaints: their mail had arrived. */
  delivered: Generated<number>;
  bounced_hard: Generated<number>;
  bounced_soft: Generated<number>;
  complained: Generated<number>;
  /** Accepted by the provider, but not mailed. */
  failed: Generated<number>;
  opened: Generated<number>;
}

/** Who decided the outcome of a batch whose answer was lost. */
interface SettlementsTable {
  id: Generated<string>;
  batch_id: string;
  /** Revision of the key it was submitted under. */
  revision: number;
  decision: 'accepted' | 'not-accepted';
  /** `event msg_…`, or `person NAME`. */
  decided_by: string;
  at: Created;
}

/** What editors chose for an issue, in addition to what was composed. */
interface IssueChoicesTable {
  issue_id: string;
  /** `EditorChoices` of src/issues/edit.ts. */
  choices: Json<unknown>;
  /** Editor of the last change; an address, like every `who`. */
  who: string;
  at: Created;
}

/** Comparisons that no issue carries until an editor puts them back. */
interface LeftOutTable {
  comparison_id: string;
  /** The issue they were left out of. */
  issue_id: string;
  reason: string;
  who: string;
  at: Created;
}

/** One-time sign-in links of the desk, by their hash. */
interface DeskLinksTable {
  token_hash: string;
  /**
   * Hash of the cookie in the requesting browser: the link works only there. Null: the operator's command printed it.
   */
  browser_hash: string | null;
  email: string;
  created_at: Created;
  expires_at: Date;
  used_at: Date | null;
}

interface DeskSessionsTable {
  /** Hash of the cookie. */
  token_hash: string;
  email: string;
  created_at: Created;
  seen_at: Created;
  ended_at: Date | null;
  /** The passkey used last in this session; it may have been removed since. */
  passkey_id: string | null;
  passkey_at: Date | null;
}

/** Public keys of editors: a second factor beside the mailed link. */
interface DeskPasskeysTable {
  id: Generated<string>;
  email: string;
  /** The authenticator's id of it, base64url. */
  credential_id: string;
  /** COSE, base64url. */
  public_key: string;
  /** The authenticator's own use counter; a copied authenticator counts separately. */
  counter: number;
  /** The random id of its owner that authenticators store, base64url; the same for all passkeys of one editor. */
  user_handle: string;
  transports: string[];
  /** The name that its owner gave it. */
  name: string;
  /** A provider syncs it to several devices. */
  is_synced: boolean;
  created_at: Created;
  last_used_at: Date | null;
}

/** The challenge that a passkey must sign; deleted when it is answered. */
interface DeskChallengesTable {
  session_hash: string;
  purpose: 'register' | 'authenticate';
  challenge: string;
  expires_at: Date;
}

/** Counters of refusals by hour. */
interface DeskRefusalsTable {
  /** The quota: a kind of refusal, and the editor concerned. */
  bucket: string;
  hour: Date;
  count: number;
}

/** Links to review one issue, for people without an account. */
interface DeskReviewsTable {
  id: string;
  token_hash: string;
  /** The key that signs its link. */
  key_id: string;
  issue_id: string;
  who: string;
  created_at: Created;
  expires_at: Date;
  revoked_at: Date | null;
}

/** Append-only, by trigger: actions of editors, and refused attempts. */
interface DeskAuditTable {
  id: GeneratedAlways<number>;
  at: Created;
  /** null when nobody was signed in. */
  who: string | null;
  what: string;
  /** Slug of the issue it is about. */
  issue: string | null;
  details: Json<unknown>;
}

/** Reminders sent to editors. */
interface RemindersTable {
  issue_id: string;
  kind: 'ready' | 'slot_nears';
  at: Created;
}

/** A test copy of an issue, frozen; its mails are in `mails`. */
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

/** Result of our last check of a link in an issue. */
interface LinkChecksTable {
  url: string;
  /** HTTP status of the last answer; null when there was none. */
  status: number | null;
  /** What is wrong with the link; null when it is correct. */
  reason: string | null;
  checked_at: Date;
  /** A reader who follows it finds nothing; false for a page that only refuses programs. */
  is_broken: Generated<boolean>;
}

/** A publisher's decision to ignore one failed check, for exactly one plan in one template. */
interface CheckOverridesTable {
  issue_id: string;
  plan_hash: string;
  template: string;
  /** The check's id, with the comparison's slug if the check is about one: "price.changed:cursor-vs-zed". */
  check_key: string;
  reason: string;
  who: string;
  at: Created;
}

/** Readers' votes on tools: one row per reader and tool, with the latest vote. */
interface VotesTable {
  subscriber_id: string;
  /** `nameKey` of the tool's name. */
  tool_key: string;
  call: 'ship' | 'skip';
  /** The comparison where it was cast last. */
  comparison_id: string;
  at: Created;
  /** Since when the reader has been subscribed; null when they are not. A trigger on subscribers updates it. */
  reader_since: Date | null;
  /** `set_aside` until an editor decides. */
  state: Generated<'counted' | 'set_aside' | 'discarded'>;
  set_aside_at: Date | null;
  /** Salted hashes of the voter's network, and of the wider IPv6 network; deleted after a week. */
  network: string | null;
  wide_network: string | null;
}

/** Of each issue the last rendering, as the desk shows it before the issue is frozen. */
interface IssueRenderingsTable {
  issue_id: string;
  plan_hash: string;
  template: string;
  /** `RenderedIssue[]` of inspect-issue.ts. */
  variants: Json<unknown>;
  rendered_at: Date;
}
