import { Webhook as Signer, WebhookVerificationError } from 'standardwebhooks';
import type { Webhook } from '../port.ts';
import { readResendEvent } from './resend-event.ts';

/**
 * Resend's webhooks, signed by the Standard Webhooks scheme under the header names of Svix.
 * @param secrets `whsec_…`. Any one of them may sign: while a secret is rotated, both sides have two.
 */
export function resendWebhook(secrets: readonly string[], clock: () => Date): Webhook {
  const signers = secrets.map((secret) => new Signer(secret));
  return {
    path: '/webhooks/resend',
    read(headers, body) {
      const { 'svix-id': id, 'svix-timestamp': timestamp, 'svix-signature': signature } = headers;
      if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string')
        return null;
      if (!/^[\x21-\x7e]{1,256}$/.test(id) || !/^\d{1,12}$/.test(timestamp)) return null;
      const signed = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
      const isGenuine = signers.some((signer) => signs(signer, signed, body));
      return isGenuine ? readResendEvent(id, body, clock()) : null;
    },
  };
}

/** Whether this secret made one of the signatures, and the timestamp is within five minutes of now. */
function signs(signer: Signer, signed: Record<string, string>, body: Buffer): boolean {
  try {
    signer.verify(body, signed, { jsonParse: false });
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}
