#!/usr/bin/env node
/**
 * The process: settings from `.env`, one AbortSignal for both signals, one exit code. Everything else
 * is imported only after NODE_ENV is set, because React chooses its build when it is loaded.
 */
process.env.NODE_ENV ??= 'production';

const { PRIVATE_UMASK } = await import('./platform/private-folder.ts');
process.umask(PRIVATE_UMASK);

const { existsSync, readFileSync } = await import('node:fs');
const { readEnvFile } = await import('./config/env-file.ts');
const { values, ambiguities } = readEnvFile(existsSync('.env') ? readFileSync('.env', 'utf8') : '');
// A setting of the environment overrides the file, so the file's line about it does not matter.
const envAmbiguities = ambiguities.filter(({ name }) => process.env[name] === undefined);
for (const [name, value] of Object.entries(values)) process.env[name] ??= value;

// A program that reads our output may close the pipe early (`status | head -1`): that is not an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.exitCode = 1;
  });
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stop.abort());
}

const { run } = await import('./cli/program.ts');
process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  envAmbiguities,
  signal: stop.signal,
});
