import type { VisibilityChange } from '../../comparisons/visibility-store.ts';
import type { Connection } from '../../platform/db/database.ts';
import type { HideRequest, TakenDown } from './take-down.ts';

/** Takes a comparison down or shows it again, for the desk and the push API. */
export interface ContentActions {
  hide(request: HideRequest): Promise<TakenDown>;
  show(request: { slug: string; record?: (tx: Connection) => Promise<unknown> }): Promise<VisibilityChange>;
}
