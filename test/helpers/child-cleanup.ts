import { spawn } from 'node:child_process';
import { cleanUpFolder, cleanUpProcess } from './cleanup.ts';

/** Registers a folder and a program for cleanup; the program writes to this one's output. Then waits for its end. */
const [folder = ''] = process.argv.slice(2);
cleanUpFolder(folder);
cleanUpProcess(spawn('sleep', ['600'], { stdio: 'inherit' }));
process.once('SIGTERM', () => process.exit());
process.stdout.write('at work\n');
setInterval(() => {}, 60_000);
