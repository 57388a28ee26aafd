import path from 'node:path';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../src/platform/db/database.ts';
import { importSubscribers } from '../../src/subscribers/import-export/import.ts';
import type { WithDatabase } from '../helpers/locations.ts';

const AT = '2026-10-01T08:00:00Z';

/** Memory use does not grow with the list. */
export function describeLongList(withDatabase: WithDatabase): void {
  describe('an import of a long list', () => {
    let db: Connection;
    let folder: string;
    withDatabase(({ kysely }, { dataDir }) => {
      db = kysely;
      folder = dataDir;
    });

    it('holds at most a chunk in memory, with good rows or bad ones', async () => {
      setFlagsFromString('--expose-gc');
      const collect = runInNewContext('gc') as () => void;
      const LENGTH = 50_000;
      let made = 0;
      function* lines() {
        yield Buffer.from('email,status,confirmed_at,note\n');
        for (; made < LENGTH; made += 1) {
          const state = made % 3 === 0 ? 'keen' : made % 3 === 1 ? 'unsubscribed' : 'active';
          yield Buffer.from(`reader-${made}@readers.example,${state},${AT},${'x'.repeat(100)}\n`);
        }
      }
      const ahead: number[] = [];
      const heap: number[] = [];
      const list = Readable.from(lines(), { objectMode: false, highWaterMark: 65_536 });
      const report = await importSubscribers(db, list, {
        source: 'a long list',
        rejectedFile: path.join(folder, 'long.rejected.csv'),
        onProgress({ rows }) {
          ahead.push(made - rows);
          if (rows % 10_000 !== 0) return;
          collect();
          heap.push(process.memoryUsage().heapUsed);
        },
      });
      expect(report).toMatchObject({
        rows: LENGTH,
        added: { active: 16_666, unsubscribed: 16_667 },
        rejected: 16_667,
      });
      expect(Math.max(...ahead)).toBeLessThan(5_000);
      // 40,000 more rows; a leaked row would cost at least a hundred bytes.
      expect((heap.at(-1) ?? 0) - (heap[0] ?? 0)).toBeLessThan(2_000_000);
    });
  });
}
