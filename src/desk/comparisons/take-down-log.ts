import { type AffectedIssue, describeTakeDown, type HideRequest } from '../../issues/take-down/take-down.ts';
import type { Connection } from '../../platform/db/database.ts';
import { audit } from '../audit/audit.ts';
import { selectTakeDown } from '../desk-store.ts';

/** Records the take-down of a comparison in the audit log, whether the desk, a command or a push asked for it. */
export function recordTakeDown(
  comparison: string,
  reason: string,
  who: string,
): Required<Pick<HideRequest, 'record' | 'recordTakenBack'>> {
  return {
    record: (tx: Connection, issues: readonly AffectedIssue[]) =>
      audit(tx, {
        who,
        what: 'comparison_hidden',
        details: { comparison, reason, issues: issues.map(describeTakeDown) },
      }),
    recordTakenBack: (tx, { slug }) =>
      audit(tx, {
        who,
        what: 'approval_taken_back',
        issue: slug,
        details: { because: `${comparison} was taken down` },
      }),
  };
}

export function recordShown(comparison: string, who: string): (tx: Connection) => Promise<void> {
  return (tx) => audit(tx, { who, what: 'comparison_shown', details: { comparison } });
}

/** Says what happened to a comparison's issues at its last take-down; one line for each. */
export async function lastTakeDown(db: Connection, comparison: string): Promise<string[]> {
  const { issues } = (await selectTakeDown(db, comparison)) ?? {};
  return Array.isArray(issues) ? issues.map(String) : [];
}
