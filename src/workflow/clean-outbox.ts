import { openOutboxFiles } from '../providers/outbox/outbox-files.ts';
import { parseAddress } from '../subscribers/address.ts';
import { findErased } from '../subscribers/erase/own-data-store.ts';
import type { WeekContext } from './week-context.ts';

const DAY_MS = 24 * 3_600_000;

/**
 * Ends what the outbox keeps: mails older than OUTBOX_DAYS, and every mail to somebody who was erased. What is to
 * go follows from the rows alone, so that a crash, or a mail that was just being written, is made up for the next
 * time: it is asked for at each erasing, every hour, and at boot. An outbox that nobody writes into any more, because
 * mail leaves the machine by now, is ended all the same.
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
