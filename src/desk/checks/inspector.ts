import type { Issue } from '../../issues/issue-store.ts';
import type { RenderedIssue } from '../../sending/inspection/check-panel.ts';
import { type Inspection, inspectIssue, makeRendering } from '../../sending/inspection/inspect-issue.ts';
import { storedRendering } from '../../sending/inspection/inspection-store.ts';
import type { DeskContext, DeskOptions } from '../desk-context.ts';

/** Inspects an issue by its stored rendering. @returns null while the first one is being made. */
export type Inspect = (issue: Issue) => Promise<Inspection | null>;

/** How old a rendering may be before the next view has it made again: readers' topics change slowly. */
const RENEW_AFTER_MS = 5 * 60_000;

/**
 * A view shows the checks that are stored and never waits long: rendering every variant takes seconds. What is missing
 * is made in the background, once for all views of this process.
 */
export function createInspector({
  db,
  desk,
  clock,
}: Pick<DeskContext, 'db' | 'clock'> & { desk: Pick<DeskOptions, 'checksWaitMs' | 'setUp'> }): Inspect {
  const running = new Map<string, Promise<RenderedIssue[]>>();
  const failures = new Map<string, unknown>();
  const keyOf = ({ id, planHash, template }: Issue) => `${id} ${planHash} ${template}`;

  const make = (issue: Issue): Promise<RenderedIssue[]> => {
    const key = keyOf(issue);
    const current = running.get(key);
    if (current !== undefined) return current;
    const made = makeRendering(db, issue, clock()).finally(() => running.delete(key));
    running.set(key, made);
    // The next view shows it, and the one after that tries again.
    made.catch((error) => failures.set(key, error));
    return made;
  };

  return async (issue) => {
    const failure = failures.get(keyOf(issue));
    failures.delete(keyOf(issue));
    if (failure !== undefined) throw failure;
    const stored = await storedRendering(db, issue);
    if (stored !== undefined && clock().getTime() - stored.renderedAt.getTime() > RENEW_AFTER_MS)
      make(issue).catch(() => {});
    const variants = stored?.variants ?? (await within(desk.checksWaitMs, make(issue)));
    if (variants === undefined) return null;
    return inspectIssue(db, issue, { now: clock(), setUp: desk.setUp(), variants });
  };
}

/** @returns undefined when the value takes longer. */
async function within<T>(ms: number, value: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms).unref();
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
  }
}
