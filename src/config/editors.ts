import { isIP } from 'node:net';

/** The editors of the desk, as the settings define them. */

/** Editors write; only publishers approve, send, pause and cancel. */
export type Role = 'editor' | 'publisher';

/** Who may sign in: an entry of `EDITORS`. */
export interface Editor {
  /** Lower case. */
  email: string;
  role: Role;
}

/** `DESK_PASSKEYS`. */
export const PASSKEY_POLICIES = ['off', 'optional', 'required'] as const;

export type PasskeyPolicy = (typeof PASSKEY_POLICIES)[number];

/** Browsers make passkeys for a host name over https, and for localhost; never for an IP address. */
export function canHavePasskeys(publicUrl: string): boolean {
  const { protocol, hostname } = new URL(publicUrl);
  if (hostname === 'localhost' || hostname.endsWith('.localhost')) return true;
  return protocol === 'https:' && isIP(hostname.replace(/^\[|\]$/g, '')) === 0;
}
