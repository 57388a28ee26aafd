import { seeded } from '../resend/index.ts';

/** Choices that follow from a seed. */
export interface Random {
  /** From 0 to 1. */
  draw(): number;
  chance(probability: number): boolean;
  /** A whole number from `low` to `high`. */
  between(low: number, high: number): number;
  pick<Item>(items: readonly Item[]): Item;
  /** So many different items, or all of them. */
  sample<Item>(items: readonly Item[], count: number): Item[];
}

/** @param name streams of one seed with different names are independent of each other. */
export function random(seed: number, name: string): Random {
  let mixed = seed;
  for (const char of name) mixed = Math.imul(mixed ^ char.charCodeAt(0), 0x01000193);
  const draw = seeded(mixed);
  const between = (low: number, high: number) => low + Math.floor(draw() * (high - low + 1));
  return {
    draw,
    chance: (probability) => draw() < probability,
    between,
    pick<Item>(items: readonly Item[]) {
      const item = items[between(0, items.length - 1)];
      if (item === undefined) throw new Error('nothing to pick from');
      return item;
    },
    sample<Item>(items: readonly Item[], count: number) {
      const rest = [...items];
      const taken: Item[] = [];
      while (taken.length < count && rest.length > 0)
        taken.push(...rest.splice(between(0, rest.length - 1), 1));
      return taken;
    },
  };
}
