import { MS, type Week } from './calendar.ts';
import type { Random } from './random.ts';

/** What goes wrong in a year, and when. */
export interface Trouble {
  /** `process` and `source`: there is none. */
  kind: 'process' | 'source' | 'provider-away' | 'provider-failing';
  from: Date;
  to: Date;
}

export interface Plan {
  troubles: Trouble[];
  /** Numbers of the weeks in which the site publishes nothing. */
  silent: Set<number>;
  /** Week in which the signing key is rotated. */
  rotation: number;
  /** Week in which the site prints all prices in another way; null: never. */
  reprint: number | null;
}

export interface PlanOptions {
  weeks: readonly Week[];
  random: Random;
  /** Null: none. */
  reprint: number | null;
  /** Whether anything fails at all. */
  calm: boolean;
}

/**
 * A short year has one of each trouble; in a long one they come at places chosen by the seed. Those of the process and
 * of the provider last over a slot, the first also over its draft.
 */
export function planTroubles({ weeks, random, reprint, calm }: PlanOptions): Plan {
  const isShort = weeks.length < 20;
  const place = (share: number, short: number) =>
    isShort ? short : Math.min(weeks.length - 1, Math.round(weeks.length * share) + random.between(0, 2));
  const around = (kind: Trouble['kind'], number: number, from: number, to: number): Trouble[] => {
    const due = weeks[number - 1]?.dueAt.getTime();
    if (due === undefined) return [];
    return [{ kind, from: new Date(due + from * MS.hour), to: new Date(due + to * MS.hour) }];
  };
  const troubles = calm
    ? []
    : [
        // A day, over draft and slot: too late to be sent without a person.
        ...around('process', place(0.15, 3), -27, 21),
        // The provider is away for a day.
        ...around('provider-away', place(0.25, 5), -0.6, 24.4),
        ...(isShort
          ? []
          : [
              // A month without the source.
              ...around('source', place(0.34, 0), -150, 4 * 168 - 150),
              // Back an hour after the slot: it is still sent.
              ...around('process', place(0.5, 0), -2, 1.2),
              ...around('provider-failing', place(0.63, 0), -0.2, 3.3),
              ...around('process', place(0.75, 0), -30, 20),
            ]),
      ];
  return {
    troubles,
    silent: new Set(calm ? [] : isShort ? [7] : [place(0.1, 0), place(0.55, 0)]),
    rotation: place(0.43, 4),
    reprint,
  };
}

export function isIn({ troubles }: Plan, kind: Trouble['kind'], at: Date): boolean {
  return troubles.some((each) => each.kind === kind && each.from <= at && at < each.to);
}
