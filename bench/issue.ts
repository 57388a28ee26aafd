import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Comparison } from '../src/comparisons/model.ts';
import { compose } from '../src/issues/compose.ts';
import type { IssueContent } from '../src/issues/content.ts';
import { variantsOf } from '../src/issues/variants.ts';
import type { BatchRequest } from '../src/providers/port.ts';
import { type RenderedVariant, renderToFit } from '../src/render/render-variant.ts';
import { buildBatch, toSendable } from '../src/sending/envelope.ts';
import { gather } from '../src/sources/gather.ts';
import { keyId } from '../src/subscribers/tokens.ts';

const SAMPLES = fileURLToPath(new URL('../samples/comparisons', import.meta.url));

const DATE = '2026-11-24';
const PUBLIC_URL = 'https://verdicts.example';

/** Settings of a process that really sends, to the bench's provider, as fast as it can. */
export const SETTINGS = {
  PUBLIC_URL,
  SECRET_KEY: 'a key for the bench and for nobody else at all',
  MAIL_FROM: 'Weekly AI Tool Verdicts <digest@verdicts.example>',
  MAIL_FROM_TRANSACTIONAL: 'Weekly AI Tool Verdicts <hello@verdicts.example>',
  POSTAL_ADDRESS: 'Weekly Verdict (bench), 1 Example Street, 12345 Sampleton',
  RESEND_API_KEY: 're_bench',
  RESEND_RATE: '1000',
  LOG_LEVEL: 'error',
};

/** The mail of every contender: six of the samples, an issue of the usual size. */
export async function sampleComparisons(): Promise<Comparison[]> {
  const { comparisons } = await gather([{ kind: 'folder', path: SAMPLES }]);
  return comparisons.slice(0, 6);
}

/** The general variant of their issue. */
export async function sampleVariant(): Promise<{ content: IssueContent; rendered: RenderedVariant }> {
  const comparisons = await sampleComparisons();
  const firstSeenAt = new Date(`${DATE}T00:00:00Z`);
  const composition = compose({
    newsletter: {
      name: 'Weekly AI Tool Verdicts',
      url: PUBLIC_URL,
      postalAddress: SETTINGS.POSTAL_ADDRESS,
    },
    number: 1,
    slug: DATE,
    date: DATE,
    links: { online: `${PUBLIC_URL}/issues/${DATE}` },
    candidates: comparisons.map((comparison) => ({ comparison, firstSeenAt, mailed: null })),
    mailed: [],
    votes: [],
  });
  if (composition.kind === 'skipped') throw new Error(composition.reason);
  const [general] = variantsOf(composition.plan, []).variants;
  if (general === undefined) throw new Error('the sample issue has no variant');
  return renderToFit(general.content, 'react:digest');
}

/** A full batch of it, ready to be submitted. */
export function sampleBatch(rendered: RenderedVariant): BatchRequest {
  const envelope = {
    from: SETTINGS.MAIL_FROM,
    replyTo: SETTINGS.MAIL_FROM,
    newsletterName: 'Weekly AI Tool Verdicts',
    publicUrl: PUBLIC_URL,
    keyId: keyId(SETTINGS.SECRET_KEY),
  };
  const members = Array.from({ length: 100 }, (_, index) => ({
    deliveryId: randomUUID(),
    subscriberId: randomUUID(),
    email: `reader-${index + 1}@readers.example.org`,
    tokenVersion: 1,
  }));
  const variant = toSendable({ slug: DATE, number: 1, envelope }, rendered);
  return { key: 'bench', ...buildBatch(variant, randomUUID(), members, [SETTINGS.SECRET_KEY]) };
}
