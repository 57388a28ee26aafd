/** The actions in the desk's audit log. Names never change, because the log stores them. */
export type AuditAction =
  | 'link_asked'
  /** The operator's command printed a sign-in link. */
  | 'link_printed'
  | 'signed_in'
  | 'signed_out'
  | 'signed_out_everywhere'
  /** A former editor, who is not in EDITORS any more, still had sessions or links. */
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
  /** To another time. */
  | 'moved'
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
  /** Readers who failed got another chance. */
  | 'retried'
  | 'gather_rung'
  | 'reprint_answered'
  | 'missing_confirmed'
  | 'gone_left_out'
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
  /** null if nobody was signed in. */
  who: string | null;
  what: AuditAction;
  /** Slug. */
  issue?: string | undefined;
  /** Never contains a token, nor the address of a stranger. */
  details?: Record<string, unknown>;
}

/** A stored entry of the log. */
export interface ListedAudit extends AuditEntry {
  id: number;
  at: Date;
  /** Set when this entry summarizes the refusals of an hour above its quota. */
  summary?: { hour: Date; count: number } | undefined;
}
