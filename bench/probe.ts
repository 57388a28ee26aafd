import { Resolver } from 'node:dns/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/**
 * Loaded into the program before it starts (`--import`): how long its event loop kept others waiting. Every
 * message from the parent is answered with the 99th percentile since the last one, in ms.
 */
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on('message', () => {
  process.send?.(delay.percentile(99) / 1e6);
  delay.reset();
});
// To be asked is no reason to stay.
process.channel?.unref();

// Nobody outside this machine is asked whether the people of the bench can get mail.
Resolver.prototype.resolveMx = async () => [{ exchange: 'mx.readers.example.org', priority: 10 }];
