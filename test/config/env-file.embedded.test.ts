import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { copyDatabase, temporaryFolder } from '../helpers/locations.ts';
import { PROGRAMS, start } from '../helpers/processes.ts';

it('B35: a value in .env reaches every issue whole, and doctor names values that another parser would truncate', async () => {
  using folder = temporaryFolder();
  copyDatabase(path.join(folder.path, 'data'));
  writeFileSync(
    path.join(folder.path, '.env'),
    'POSTAL_ADDRESS=Unit #5, 12 Example Street\nNEWSLETTER_NAME=C# Weekly\n',
  );
  await using child = start(
    PROGRAMS.source,
    ['doctor', '--json'],
    { DATA_DIR: path.join(folder.path, 'data') },
    folder.path,
  );
  const { stdout } = await child.ended;
  const found: { level: string; about: string; message: string }[] = JSON.parse(stdout);
  const about = found.filter((each) => each.about === 'POSTAL_ADDRESS');
  expect(about.map(({ level }) => level)).toEqual(['warn', 'ok']);
  expect(about[1]?.message).toContain('Unit #5, 12 Example Street');
  expect(about[0]?.message).toContain('Docker Compose');
});
