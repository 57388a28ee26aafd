import { Resend } from 'resend';
import { afterEach, beforeEach } from 'vitest';
import { type LocalResend, type LocalResendOptions, startResend } from '../resend/index.ts';

export const FROM = 'Weekly Verdicts <digest@verdicts.example>';

export const email = (to: string, more: Record<string, unknown> = {}) => ({
  from: FROM,
  to: [to],
  subject: 'Ship Inkwell over Ferret',
  html: `<p>For ${to}</p>`,
  text: `For ${to}`,
  ...more,
});

export const emails = (count: number) =>
  Array.from({ length: count }, (_, index) => email(`reader-${index}@readers.example`));

/**
 * A local Resend for every test of the file, and ways to use it.
 * @param use gets it before the test begins.
 */
export function resendForEach(use: (local: LocalResend) => void) {
  const clock = { now: new Date() };
  let open: AsyncDisposable[] = [];
  let local: LocalResend;
  beforeEach(async () => {
    clock.now = new Date('2026-11-24T09:00:00.400Z');
    local = await begin();
    use(local);
  });
  afterEach(async () => {
    for (const each of open) await each[Symbol.asyncDispose]();
    open = [];
  });

  /** Another one, on the same clock. */
  async function begin(options: LocalResendOptions = {}): Promise<LocalResend> {
    const started = await startResend({ clock: () => clock.now, ratePerSecond: 1_000, ...options });
    open.push(started);
    return started;
  }

  return {
    begin,
    /** The current time for all of them; it changes only when a test moves it. */
    clock,
    /** Lets time pass, in milliseconds. */
    pass(ms: number): void {
      clock.now = new Date(clock.now.getTime() + ms);
    },
    /** Registers a cleanup for the end of the test. */
    defer(close: () => unknown): void {
      open.push({ [Symbol.asyncDispose]: async () => void (await close()) });
    },
    sdk: (to: { url: string } = local, key = 're_local') => new Resend(key, { baseUrl: to.url }),
    /** A request as bytes, with input that the SDK would refuse. */
    async post(
      body: unknown,
      headers: Record<string, string> = {},
      to: { url: string } = local,
      route = '/emails/batch',
    ) {
      const response = await fetch(`${to.url}${route}`, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { authorization: 'Bearer re_local', 'content-type': 'application/json', ...headers },
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, body: () => JSON.parse(text) };
    },
  };
}
