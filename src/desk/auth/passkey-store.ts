import { sql } from 'kysely';
import type { Connection } from '../../platform/db/database.ts';

export type Purpose = 'register' | 'authenticate';

export interface PasskeyRow {
  id: string;
  credentialId: string;
  publicKey: string;
  counter: number;
  userHandle: string;
  transports: string[];
  name: string;
  /** Whether it is synced between several devices, and not bound to one. */
  isSynced: boolean;
  createdAt: Date;
  lastUsedAt: Date | null;
}

const COLUMNS = sql`id, credential_id as "credentialId", public_key as "publicKey", counter,
  user_handle as "userHandle", transports, name, is_synced as "isSynced", created_at as "createdAt",
  last_used_at as "lastUsedAt"`;

/** The passkeys of one editor, the oldest first. */
export async function selectPasskeys(db: Connection, email: string): Promise<PasskeyRow[]> {
  const { rows } = await sql<PasskeyRow>`
    select ${COLUMNS} from desk_passkeys where email = ${email} order by created_at, id
  `.execute(db);
  return rows;
}

/** Like {@link selectPasskeys}, with the rows locked until the transaction ends. */
export async function lockPasskeys(tx: Connection, email: string): Promise<PasskeyRow[]> {
  const { rows } = await sql<PasskeyRow>`
    select ${COLUMNS} from desk_passkeys where email = ${email} order by created_at, id for update
  `.execute(tx);
  return rows;
}

/** @returns its id; undefined when this credential is already stored. */
export async function insertPasskey(
  tx: Connection,
  email: string,
  passkey: Omit<PasskeyRow, 'id' | 'createdAt' | 'lastUsedAt'>,
): Promise<string | undefined> {
  const { credentialId, publicKey, counter, userHandle, transports, name, isSynced } = passkey;
  const { rows } = await sql<{ id: string }>`
    insert into desk_passkeys
      (email, credential_id, public_key, counter, user_handle, transports, name, is_synced, last_used_at)
    values (${email}, ${credentialId}, ${publicKey}, ${counter}, ${userHandle}, ${transports}::text[], ${name},
      ${isSynced}, now())
    on conflict (credential_id) do nothing returning id
  `.execute(tx);
  return rows[0]?.id;
}

/** Records that it was used, in its session too. */
export async function updatePasskeyUsed(
  tx: Connection,
  { id, counter, isSynced }: Pick<PasskeyRow, 'id' | 'counter' | 'isSynced'>,
): Promise<void> {
  await sql`
    update desk_passkeys set counter = ${counter}, is_synced = ${isSynced}, last_used_at = now() where id = ${id}
  `.execute(tx);
}

export async function updateSessionPasskey(tx: Connection, sessionHash: string, id: string): Promise<void> {
  await sql`
    update desk_sessions set passkey_id = ${id}, passkey_at = now() where token_hash = ${sessionHash}
  `.execute(tx);
}

/** @returns its former name; undefined if this editor has no such passkey. */
export async function updatePasskeyName(
  tx: Connection,
  { id, email, name }: { id: string; email: string; name: string },
): Promise<string | undefined> {
  const { rows } = await sql<{ name: string }>`
    update desk_passkeys k set name = ${name} from desk_passkeys old
    where k.id = ${id} and k.email = ${email} and old.id = k.id returning old.name
  `.execute(tx);
  return rows[0]?.name;
}

/** Removes a passkey, and ends the sessions that were opened with it, because the device may be in other hands. */
export async function deletePasskey(
  tx: Connection,
  { id, exceptSession }: { id: string; exceptSession: string },
): Promise<void> {
  await sql`delete from desk_passkeys where id = ${id}`.execute(tx);
  await sql`
    update desk_sessions set ended_at = now()
    where passkey_id = ${id} and ended_at is null and token_hash <> ${exceptSession}
  `.execute(tx);
}

/** @returns how many there were. */
export async function deletePasskeys(tx: Connection, email: string): Promise<number> {
  const { numAffectedRows } = await sql`delete from desk_passkeys where email = ${email}`.execute(tx);
  return Number(numAffectedRows ?? 0n);
}

/** Stores a challenge and replaces the former one: a session has one for each purpose. */
export async function upsertChallenge(
  db: Connection,
  {
    sessionHash,
    purpose,
    challenge,
    minutes,
  }: { sessionHash: string; purpose: Purpose; challenge: string; minutes: number },
): Promise<void> {
  await sql`
    insert into desk_challenges (session_hash, purpose, challenge, expires_at)
    values (${sessionHash}, ${purpose}, ${challenge}, now() + make_interval(mins => ${minutes}))
    on conflict (session_hash, purpose) do update set challenge = excluded.challenge, expires_at = excluded.expires_at
  `.execute(db);
}

/** Deletes and returns a challenge: whatever happens next, it cannot be used again. */
export async function takeChallenge(
  db: Connection,
  sessionHash: string,
  purpose: Purpose,
): Promise<{ challenge: string; expired: boolean } | undefined> {
  const { rows } = await sql<{ challenge: string; expired: boolean }>`
    delete from desk_challenges where session_hash = ${sessionHash} and purpose = ${purpose}
    returning challenge, expires_at <= now() as expired
  `.execute(db);
  return rows[0];
}
