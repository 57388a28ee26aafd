import { AppError } from '../platform/errors.ts';
import type { Mailer } from './port.ts';

/**
 * What a process has that only asks others to send, as a web server beside its workers: mail goes out through Resend, and
 * the key to it is theirs alone.
 */
export function sentElsewhere(): Mailer {
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
