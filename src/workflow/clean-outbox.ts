import { openOutboxFiles } from '../providers/outbox/outbox-files.ts';
import { parseAddress } from '../subscribers/address.ts';
import { findErased } from '../subscribers/erase/own-data-store.ts';
import type { WeekContext } from './week-context.ts';

const DAY_MS = 24 * 3_600_000;

/**
 * Deletes mails from the outbox that are older than OUTBOX_DAYS, and every mail to an erased person. What to delete
 * follows from the rows alone, so the next run repairs a crash, or a mail that was just being written. It runs at
 * each erasure, every hour, and at boot, even if mail leaves the machine by now and the outbox is no longer used.
 */
export async function cleanOutbox({ config, db, clock, logger }: WeekContext): Promise<void> {
  const files = openOutboxFiles(config.dataDir);
  const expired = await files.removeBefore(new Date(clock().getTime() - config.outbox.days * DAY_MS));
  let erased = 0;
  for await (const parcel of files.parcels()) {
    const mails = parcel.mails.map((mail) => ({
      ...mail,
      key: keyOf(mail.recipient),
      at: parcel.acceptedAt,
    }));
    const gone = new Set((await findErased(db, mails)).map(({ name }) => name));
    if (gone.size === 0) continue;
    await parcel.remove(gone);
    erased += gone.size;
  }
  if (expired + erased > 0) logger.info({ expired, erased }, 'mails were removed from the outbox');
}

function keyOf(recipient: string): string {
  const address = parseAddress(recipient);
  return 'reason' in address ? recipient.toLowerCase() : address.key;
}
