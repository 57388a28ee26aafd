import { type Refusal, refusal } from './contract.ts';
import type { Fault } from './faults.ts';
import { type Answered, idOf } from './ledger.ts';

/** The answers on the wire: those of Resend, those of the edge in front of it, and undocumented ones. */

export interface Reply {
  status: number;
  body: string;
  headers?: Record<string, string>;
}

export const json = (refused: Refusal): Reply => ({
  status: refused.statusCode,
  body: JSON.stringify(refused),
});

export const html = (status: number, title: string): Reply => ({
  status,
  body: `<html>\r\n<head><title>${status} ${title}</title></head>\r\n<body><center><h1>${status} ${title}</h1></center><hr><center>cloudflare</center></body>\r\n</html>\r\n`,
  headers: { 'content-type': 'text/html' },
});

export const notAllowed = json(
  refusal(405, 'method_not_allowed', 'Method is not allowed for the requested path'),
);

/** Planned by a test. */
export function scripted({ status, name, body, retryAfter }: Fault & { kind: 'answer' }, now: Date): Reply {
  const wait: Record<string, string> = {};
  if (retryAfter !== undefined) {
    const until = new Date(now.getTime() + retryAfter.seconds * 1_000);
    wait['retry-after'] = retryAfter.as === 'date' ? until.toUTCString() : String(retryAfter.seconds);
  }
  if (body === 'empty') return { status, body: '', headers: wait };
  const answer =
    body === 'html' || name === undefined
      ? html(status, 'Error')
      : json(refusal(status, name, 'This was planned by a test.'));
  return { ...answer, headers: { ...answer.headers, ...wait } };
}

const idsOf = ({ seed, count }: Answered) => Array.from({ length: count }, (_, n) => ({ id: idOf(seed, n) }));

export function success(answer: Answered): Reply {
  const data = idsOf(answer);
  const body = answer.single ? data[0] : { data, ...(answer.errors ? { errors: answer.errors } : {}) };
  return { status: 200, body: JSON.stringify(body) };
}

/** Answers against the contract, to a request that was accepted. */
export function mangled(answer: Answered, how: (Fault & { kind: 'mangle' })['how']): Reply {
  const whole = success(answer);
  if (how === 'html') return { ...html(200, 'OK') };
  if (how === 'truncated') return { ...whole, body: whole.body.slice(0, Math.ceil(whole.body.length / 2)) };
  if (how === 'error-body')
    return { ...json(refusal(500, 'application_error', 'Something went wrong')), status: 200 };
  const data = idsOf(answer);
  if (how === 'short') data.pop();
  else if (how === 'reordered') data.reverse();
  else for (const each of data.slice(1)) each.id = data[0]?.id ?? '';
  return {
    status: 200,
    body: JSON.stringify({ data, ...(answer.errors ? { errors: answer.errors } : {}) }),
  };
}
