import { Resolver } from 'node:dns/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/**
 * Loaded into the program before it starts (`--import`): measures how long its event loop made others wait. The answer
 * to every message from the parent is the 99th percentile since the last one, in ms.
 */
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on('message', () => {
  process.send?.(delay.percentile(99) / 1e6);
  delay.reset();
});
// An open channel must not keep the process alive.
process.channel?.unref();

// No DNS request leaves this machine for the people of the bench.
Resolver.prototype.resolveMx = async () => [{ exchange: 'mx.readers.example.org', priority: 10 }];
