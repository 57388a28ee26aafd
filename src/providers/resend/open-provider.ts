import { AppError } from '../../platform/errors.ts';
import type { Mailer, Provider } from '../port.ts';
import { openResend, type ResendOptions } from './resend.ts';
import { resendWebhook } from './resend-webhook.ts';

export interface ResendSettings extends Omit<ResendOptions, 'apiKey'> {
  /** Undefined in a process that never sends itself, such as a web server beside its workers. */
  apiKey: string | undefined;
  /** Any one of them may sign; without one, events are not accepted. */
  webhookSecrets: readonly string[];
  /** Requests a second. */
  rate: number;
  clock(): Date;
}

/** Resend: mail by its API, events by its webhook. */
export function openResendProvider({ apiKey, webhookSecrets, rate, ...options }: ResendSettings): Provider {
  return {
    mailer: apiKey === undefined ? withoutKey() : openResend({ ...options, apiKey }),
    canSend: apiKey !== undefined,
    rate,
    webhook: webhookSecrets.length > 0 ? resendWebhook(webhookSecrets, options.clock) : null,
    browsable: null,
  };
}

/** The mailer of a process without a key: only the workers send, and only they have the key. */
function withoutKey(): Mailer {
  return {
    destination: 'Resend, through the workers',
    submit: () => Promise.reject(keyMissing()),
    send: () => Promise.reject(keyMissing()),
  };
}

/** The error of a process that must send but has no key. */
export function keyMissing(): AppError {
  return new AppError('mailer-key-missing', 'This process may not send: it has no RESEND_API_KEY.', {
    help: 'Run it where the key is, as in a worker (`docker compose exec worker …`), or set RESEND_API_KEY.',
  });
}
