import { once } from 'node:events';
import { loadConfig } from '../../src/config/config.ts';

/** Waits for a line and then prints the secret of a DATA_DIR, which the first of several processes creates. */
console.log('ready');
await once(process.stdin, 'data');
console.log(loadConfig({ DATA_DIR: process.argv[2] }).secrets.secretKeys.join());
process.stdin.destroy();
