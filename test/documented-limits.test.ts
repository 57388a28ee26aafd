import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { MISSED_AFTER_HOURS } from '../src/issues/slot.ts';
import { REPLAY_HOURS } from '../src/providers/port.ts';
import { ROOT } from './helpers/processes.ts';

/** Limits that operators read about. A change of one here changes its sentence too. */
it.each([
  ['docs/operating.md', `A slot missed by more than ${MISSED_AFTER_HOURS} hours`],
  ['docs/operating.md', `its key is forgotten after ${REPLAY_HOURS} hours`],
  ['docs/states.md', `so we stop at ${REPLAY_HOURS} h`],
])('%s says: "%s"', (file, sentence) => {
  const words = readFileSync(path.join(ROOT, file), 'utf8').replace(/\s+/g, ' ');
  expect(words).toContain(sentence);
});
