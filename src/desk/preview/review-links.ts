import { randomUUID } from 'node:crypto';
import type { Connection } from '../../platform/db/database.ts';
import { type Keys, keyId, oneTimeToken, tokenHash } from '../../subscribers/tokens.ts';
import { audit } from '../audit/audit.ts';
import { insertReview, selectReview, selectReviews, updateReviewRevoked } from '../desk-store.ts';

/**
 * Review links to one issue, for people without an account: they show the preview and nothing else, for seven days.
 * The token is derived from the id and our key, so that the desk can show it again; the database stores only its
 * hash.
 */
export interface Review {
  id: string;
  token: string;
  who: string;
  expiresAt: Date;
}

export async function openReview(
  db: Connection,
  { issue, who, keys }: { issue: { id: string; slug: string }; who: string; keys: Keys },
): Promise<void> {
  const id = randomUUID();
  const name = keyId(keys[0]);
  await db.transaction().execute(async (tx) => {
    const hash = tokenHash(oneTimeToken(keys, id, name));
    await insertReview(tx, { id, tokenHash: hash, keyId: name, issueId: issue.id, who });
    await audit(tx, { who, what: 'review_opened', issue: issue.slug });
  });
}

/** Returns the valid links, newest first. */
export async function listReviews(db: Connection, issueId: string, keys: Keys): Promise<Review[]> {
  return (await selectReviews(db, issueId)).map(({ id, who, expiresAt, keyId: name }) => ({
    id,
    who,
    expiresAt,
    token: oneTimeToken(keys, id, name),
  }));
}

/** Revokes a link. Idempotent. */
export async function revokeReview(
  db: Connection,
  { id, issue, who }: { id: string; issue: { id: string; slug: string }; who: string },
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    if (await updateReviewRevoked(tx, id, issue.id))
      await audit(tx, { who, what: 'review_revoked', issue: issue.slug });
  });
}

/** @returns the id of the issue of a valid link. */
export async function findReview(db: Connection, token: string): Promise<string | undefined> {
  return selectReview(db, tokenHash(token));
}
