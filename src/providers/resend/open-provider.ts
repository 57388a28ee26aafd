import { AppError } from '../../platform/errors.ts';
import type { Mailer, Provider } from '../port.ts';
import { openResend, type ResendOptions } from './resend.ts';
import { resendWebhook } from './resend-webhook.ts';

export interface ResendSettings extends Omit<ResendOptions, 'apiKey'> {
  /** Undefined in a process that only asks others to send, as a web server beside its workers. */
  apiKey: string | undefined;
  /** Any one of them signs; none: its events go nowhere. */
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

/** For a process that has no key: mail goes out through Resend, and the key to it is the workers' alone. */
function withoutKey(): Mailer {
  return {
    destination: 'Resend, through the workers',
    submit: () => Promise.reject(keyMissing()),
    send: () => Promise.reject(keyMissing()),
  };
}

/** Why a process that has no key sends nothing. */
export function keyMissing(): AppError {
  return new AppError('mailer-key-missing', 'This process may not send: it has no RESEND_API_KEY.', {
    help: 'Run it where the key is, as in a worker (`docker compose exec worker …`), or set RESEND_API_KEY.',
  });
}
