import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { openOutbox } from '../../src/providers/outbox/outbox.ts';

/** Waits for a line, submits the batch of a file to the outbox of a DATA_DIR, and prints the outcome. */
const [dataDir = '', request = ''] = process.argv.slice(2);
const mailer = await openOutbox(dataDir);
const batch = JSON.parse(readFileSync(request, 'utf8'));
console.log('ready');
await once(process.stdin, 'data');
process.stdin.destroy();
console.log('submitting');
console.log(JSON.stringify(await mailer.submit(batch)));
