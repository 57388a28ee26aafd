import { setImmediate } from 'node:timers/promises';

/** How many items are handled before other work of the process gets its turn. */
export const SLICE = 100;

/** Maps many items without blocking the event loop for all of them. */
export async function inSlices<Item, Result>(
  items: readonly Item[],
  map: (item: Item) => Result,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += SLICE) {
    if (at > 0) await setImmediate();
    results.push(...items.slice(at, at + SLICE).map(map));
  }
  return results;
}
