import { type Refusal, refusal } from './contract.ts';

export interface LimitOptions {
  ratePerSecond: number;
  dailyQuota: number | undefined;
  monthlyQuota: number | undefined;
  clock: () => Date;
}

/** The limits of an account: requests in a second, recipients in a day and in a month. */
export class Limits {
  readonly #options: LimitOptions;
  readonly #window = { second: 0, used: 0 };
  readonly #used = { day: '', daily: 0, month: '', monthly: 0 };

  constructor(options: LimitOptions) {
    this.#options = options;
  }

  /** Counts one request; its answer has the headers, whether it was allowed or not. */
  takeRequest(): { headers: Record<string, string>; allowed: boolean } {
    const { clock, ratePerSecond } = this.#options;
    const second = Math.floor(clock().getTime() / 1_000);
    if (this.#window.second !== second) Object.assign(this.#window, { second, used: 0 });
    this.#window.used += 1;
    const remaining = Math.max(0, ratePerSecond - this.#window.used);
    const headers = Number.isFinite(ratePerSecond)
      ? {
          'ratelimit-limit': String(ratePerSecond),
          'ratelimit-remaining': String(remaining),
          'ratelimit-reset': '1',
          'ratelimit-policy': `${ratePerSecond};w=1`,
        }
      : {};
    return { headers, allowed: this.#window.used <= ratePerSecond };
  }

  /** Counts the recipients of one request. @returns why none of them may be mailed; undefined when all may. */
  takeRecipients(count: number): Refusal | undefined {
    this.#turn();
    const { dailyQuota = Number.POSITIVE_INFINITY, monthlyQuota = Number.POSITIVE_INFINITY } = this.#options;
    if (this.#used.daily + count > dailyQuota)
      return refusal(429, 'daily_quota_exceeded', 'You have reached your daily email sending quota.');
    if (this.#used.monthly + count > monthlyQuota)
      return refusal(429, 'monthly_quota_exceeded', 'You have reached your monthly email sending quota.');
    this.#used.daily += count;
    this.#used.monthly += count;
    return undefined;
  }

  /** Used counts, not the remaining ones. */
  quotaHeaders(): Record<string, string> {
    this.#turn();
    return {
      'x-resend-monthly-quota': String(this.#used.monthly),
      ...(this.#options.dailyQuota === undefined ? {} : { 'x-resend-daily-quota': String(this.#used.daily) }),
    };
  }

  /** A new day or month starts at zero. */
  #turn(): void {
    const now = this.#options.clock().toISOString();
    const [day, month] = [now.slice(0, 10), now.slice(0, 7)];
    if (this.#used.day !== day) Object.assign(this.#used, { day, daily: 0 });
    if (this.#used.month !== month) Object.assign(this.#used, { month, monthly: 0 });
  }
}
