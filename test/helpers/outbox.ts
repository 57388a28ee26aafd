import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** Recipients whose mail the provider accepted: every test that counts copies relies on it. One entry a mail. */
export async function acceptedRecipients(dataDir: string, issue: string): Promise<string[]> {
  const folder = path.join(dataDir, 'outbox', issue);
  if (!existsSync(folder)) return [];
  const recipients: string[] = [];
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith('.eml')) continue;
    const mail = await readFile(path.join(folder, name), 'utf8');
    recipients.push(/^To: (.+)\r$/m.exec(mail)?.[1] ?? `no recipient in ${name}`);
  }
  return recipients.sort();
}

/** How many batches the provider accepted, over all issues. */
export async function acceptedBatches(dataDir: string): Promise<number> {
  const folder = path.join(dataDir, 'outbox');
  if (!existsSync(folder)) return 0;
  return (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('answer.json')).length;
}
