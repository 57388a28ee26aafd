import { domainToASCII } from 'node:url';
import { z } from 'zod';

/** An address in two forms: `email` is where mail goes, and `key` identifies the person. */
export interface Address {
  /** As typed, except that the domain is lower-case ASCII (IDNA). */
  email: string;
  /** Lower-case local part at ASCII domain. Dots and plus tags are kept: providers treat them differently. */
  key: string;
}

/** Control, white space, zero-width and bidirectional characters; CR and LF would reach a header. */
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Z}\p{Cs}]/u;

/**
 * The pattern of `z.email()`, with two changes: labels have at most 63 octets and begin and end with a letter or digit
 * (RFC 1035 §2.3.1), and top-level domains in other scripts (xn--p1ai) are allowed.
 */
const syntax = z.email({
  pattern:
    /^(?!\.)(?!.*\.\.)[\w'+\-.]*[\w+-]@(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+(?:[a-z]{2,63}|xn--[a-z\d-]{0,58}[a-z\d])$/i,
});

/**
 * Parses one address as a person types it. Octet limits: RFC 5321 §4.5.3.1 (local part 64, path 256 with its angle
 * brackets, so 254).
 * @returns the address, or the reason why it is invalid, as a text for people.
 */
export function parseAddress(input: string): Address | { reason: string } {
  const text = input.trim().normalize('NFC');
  if (text === '') return { reason: 'is empty' };
  if (FORBIDDEN.test(text)) return { reason: 'contains a space or an invisible character' };
  const at = text.lastIndexOf('@');
  if (at < 1 || at === text.length - 1) return { reason: 'is not of the form name@example.org' };
  const local = text.slice(0, at);
  const domain = domainToASCII(text.slice(at + 1)).toLowerCase();
  if (!/^[\x21-\x7e]+$/.test(local))
    return { reason: 'has letters before the @ that mail systems do not deliver yet' };
  if (Buffer.byteLength(local) > 64) return { reason: 'is longer than 64 characters before the @' };
  if (domain === '' || domain.length > 253) return { reason: 'has no valid domain after the @' };
  const email = `${local}@${domain}`;
  if (email.length > 254) return { reason: 'is longer than 254 characters' };
  if (!syntax.safeParse(email).success) return { reason: 'is not of the form name@example.org' };
  return { email, key: `${local.toLowerCase()}@${domain}` };
}
