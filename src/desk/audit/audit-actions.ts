/** What can happen at the desk. Words never change: the log keeps them. */
export type AuditAction =
  | 'link_asked'
  /** The operator's command printed a sign-in link. */
  | 'link_printed'
  | 'signed_in'
  | 'signed_out'
  | 'signed_out_everywhere'
  /** Somebody who is not in EDITORS any more had sessions or links. */
  | 'access_ended'
  | 'passkey_added'
  | 'passkey_used'
  | 'passkey_renamed'
  | 'passkey_removed'
  | 'passkeys_reset'
  | 'edited'
  | 'composed'
  | 'approved'
  | 'approval_taken_back'
  | 'sent'
  | 'paused'
  | 'resumed'
  | 'cancelled'
  | 'test_sent'
  | 'check_overridden'
  | 'links_followed'
  | 'review_opened'
  | 'review_revoked'
  | 'batch_settled'
  | 'gather_rung'
  | 'job_tended'
  | 'suppressed'
  | 'comparison_hidden'
  | 'comparison_shown'
  | 'votes_counted'
  | 'votes_discarded'
  | 'restored'
  | 'erased'
  | 'people_searched'
  | 'person_read'
  | 'exported'
  /** Refusals. */
  | 'link_refused'
  | 'session_refused'
  | 'form_refused'
  | 'role_refused'
  | 'passkey_refused';

export interface AuditEntry {
  /** null where nobody was signed in. */
  who: string | null;
  what: AuditAction;
  /** Slug. */
  issue?: string | undefined;
  /** Never a token; of strangers never an address. */
  details?: Record<string, unknown>;
}

/** An entry as the log has it. */
export interface ListedAudit extends AuditEntry {
  id: number;
  at: Date;
  /** This entry stands for the refusals of an hour that are above its quota. */
  summary?: { hour: Date; count: number } | undefined;
}
