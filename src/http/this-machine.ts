import type { FastifyRequest } from 'fastify';

const LOOPBACK_PEERS = /^(?:127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/;
const LOOPBACK_HOSTS = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i;
/** What a proxy adds to a request that it passes on. */
const PASSED_ON = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

/**
 * Whether somebody at this machine asks, and asks us directly. The connection itself comes from here, whatever
 * proxies claim; no proxy on this machine passes on somebody else's request; and we were asked for by this
 * machine's own name, which a page that rebinds its DNS name to 127.0.0.1 cannot do.
 */
export function isAtThisMachine({ raw: { headers, socket } }: FastifyRequest): boolean {
  return (
    PASSED_ON.every((name) => headers[name] === undefined) &&
    LOOPBACK_PEERS.test(socket.remoteAddress ?? '') &&
    LOOPBACK_HOSTS.test(headers.host ?? '')
  );
}
