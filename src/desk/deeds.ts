/** What can happen at the desk. Words never change: the log keeps them. */
export type Deed =
  | 'link_asked'
  | 'signed_in'
  | 'signed_out'
  | 'signed_out_everywhere'
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
  | 'erased'
  /** Refusals. */
  | 'link_refused'
  | 'session_refused'
  | 'form_refused'
  | 'role_refused';

export interface AuditEntry {
  /** null where nobody was signed in. */
  who: string | null;
  what: Deed;
  /** Slug. */
  issue?: string | undefined;
  /** Never a token; of strangers never an address. */
  details?: Record<string, unknown>;
}
