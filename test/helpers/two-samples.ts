/** How well a number separates two groups, by the test of Mann and Whitney. */
export interface Separation {
  /** The probability that a number of the first group is greater than one of the second: 0.5 means no difference. */
  auc: number;
  /** Its distance from no difference, in standard deviations. */
  z: number;
}

export function separationOf(first: readonly number[], second: readonly number[]): Separation {
  const all = [
    ...first.map((value) => ({ value, isFirst: true })),
    ...second.map((value) => ({ value, isFirst: false })),
  ];
  all.sort((a, b) => a.value - b.value);
  let rankSum = 0;
  for (let from = 0; from < all.length; ) {
    let to = from;
    while (to < all.length && all[to]?.value === all[from]?.value) to += 1;
    // Equal numbers share the mean of their ranks, which count from 1.
    const rank = (from + 1 + to) / 2;
    rankSum += all.slice(from, to).filter(({ isFirst }) => isFirst).length * rank;
    from = to;
  }
  const [n, m] = [first.length, second.length];
  const u = rankSum - (n * (n + 1)) / 2;
  return { auc: u / (n * m), z: (u - (n * m) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12) };
}
