import { createElement } from 'react';
import { render } from 'react-email';
import { Digest } from '../../emails/digest.tsx';
import { PLACEHOLDERS } from '../../src/issues/content.ts';
import { messagesOf } from '../../src/providers/port.ts';
import { bodyOf } from '../../src/providers/resend/batch-body.ts';
import { contender } from '../child.ts';
import { sampleBatch, sampleVariant } from '../issue.ts';

/** µs for one reader. */
export interface Figures {
  segments: number;
  replaceAll: number;
  render: number;
  body: number;
  stringify: number;
}

/** The parts of sending alone, one after the other in one process. */
await contender(async (): Promise<Figures> => {
  const { content, rendered } = await sampleVariant();
  const batch = sampleBatch(rendered);
  const links = Object.entries(PLACEHOLDERS);
  const replaced = (source: string, values: Record<string, string>) =>
    links.reduce((text, [name, url]) => text.replaceAll(url, values[name] ?? ''), source);

  return {
    segments: await micros(50, () => weigh(messagesOf(batch))),
    replaceAll: await micros(20, () =>
      weigh(
        batch.copies.map(({ values, htmlValues }) => ({
          html: replaced(rendered.html, htmlValues),
          text: replaced(rendered.text, values),
        })),
      ),
    ),
    render: await micros(1, async () => {
      for (const _ of batch.copies) await render(createElement(Digest, content));
    }),
    body: await micros(100, () => [...bodyOf(batch)]),
    stringify: await micros(5, () => Buffer.from(JSON.stringify(messagesOf(batch)))),
  };
});

/** A concatenated string is only joined when it is read. */
function weigh(messages: { html: string; text: string }[]): number {
  return messages.reduce((sum, { html, text }) => sum + Buffer.byteLength(html) + Buffer.byteLength(text), 0);
}

/** For a task that processes a hundred readers at once; some warm-up rounds come before the measured ones. */
async function micros(times: number, task: () => unknown): Promise<number> {
  for (let index = 0; index < Math.ceil(times / 5); index += 1) await task();
  const at = performance.now();
  for (let index = 0; index < times; index += 1) await task();
  return ((performance.now() - at) * 1_000) / (times * 100);
}
