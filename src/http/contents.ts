import type { VisibilityChange } from '../comparisons/index.ts';
import type { Connection } from '../db/index.ts';
import type { HideRequest, TakenDown } from '../issues/index.ts';

/** Taking a comparison down and showing it again, as the desk and the push API ask for it. */
export interface ContentSteps {
  hide(request: HideRequest): Promise<TakenDown>;
  show(request: { slug: string; record?: (tx: Connection) => Promise<unknown> }): Promise<VisibilityChange>;
}
