import { type AffectedIssue, describeTakeDown, type HideRequest } from '../../issues/take-down/take-down.ts';
import type { Connection } from '../../platform/db/database.ts';
import { audit } from '../audit/audit.ts';
import { selectTakeDown } from '../desk-store.ts';

/** How the log tells of a comparison that is taken down, whoever asks for it: the desk, a command or a push. */
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

/** What became of the issues that carried a comparison, when it was taken down last; one line each. */
export async function lastTakeDown(db: Connection, comparison: string): Promise<string[]> {
  const { issues } = (await selectTakeDown(db, comparison)) ?? {};
  return Array.isArray(issues) ? issues.map(String) : [];
}
