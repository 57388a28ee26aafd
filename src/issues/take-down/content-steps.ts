import type { VisibilityChange } from '../../comparisons/visibility-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import type { HideRequest, TakenDown } from './take-down.ts';

/** Taking a comparison down and showing it again, as the desk and the push API ask for it. */
export interface ContentActions {
  hide(request: HideRequest): Promise<TakenDown>;
  show(request: { slug: string; record?: (tx: Connection) => Promise<unknown> }): Promise<VisibilityChange>;
}
