import { createInterface } from 'node:readline/promises';
import { sql } from 'kysely';
import { openDatabase } from '../../src/platform/db/database.ts';
import { AppError } from '../../src/platform/errors.ts';

/**
 * A process with the embedded database of a DATA_DIR open, for tests that kill it.
 *
 * - `hold`: opens it, prints `open`, writes a row for every line of input, and closes at the end of its input;
 * - `write`: opens it and commits one batch of rows after another, printing the number of each when it is committed.
 *
 * A refusal is printed as `refused <code>`.
 */
const [mode = 'hold', dataDir = ''] = process.argv.slice(2);

try {
  await using database = await openDatabase({ databaseUrl: undefined, dataDir });
  const db = database.kysely;
  await sql`create table if not exists stored (batch int not null, row int not null)`.execute(db);
  console.log('open');
  if (mode === 'hold') {
    for await (const line of createInterface({ input: process.stdin })) {
      await sql`insert into stored values (${Number(line)}, 1)`.execute(db);
      console.log(`stored ${line}`);
    }
  } else {
    for (let batch = 1; ; batch += 1) {
      await db.transaction().execute(async (tx) => {
        for (let row = 1; row <= 3; row += 1)
          await sql`insert into stored values (${batch}, ${row})`.execute(tx);
      });
      console.log(`committed ${batch}.`);
    }
  }
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  console.log(`refused ${error.code}`);
}
