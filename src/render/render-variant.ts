import type { TransactionalContent } from '../../emails/parts/transactional-email.tsx';
import { digestLinks } from '../../emails/personal-links.ts';
import type { IssueContent, PlaceholderCounts } from '../issues/content.ts';
import { sizesOf, timed } from '../issues/shrink.ts';
import { AppError } from '../platform/errors.ts';
import { SIZE_LIMITS } from './checks.ts';
import { createSecretLinks, deliveredBytes, placePlaceholders, type SecretLinks } from './placeholders.ts';
import { sanitize } from './sanitize.ts';
import { renderText, textLinks } from './text.ts';

/** Engine and template, the values of `ISSUE_TEMPLATE`. */
export const TEMPLATES = ['react:digest', 'mjml:digest'] as const;
export type TemplateRef = (typeof TEMPLATES)[number];

/**
 * One rendered variant of an issue. Personal links are placeholders, as many as `links` says; `bytes` are UTF-8, as
 * delivered with the longest personal links.
 */
export interface RenderedVariant {
  subject: string;
  preheader: string;
  html: string;
  text: string;
  bytes: { html: number; text: number };
  links: { html: PlaceholderCounts; text: PlaceholderCounts };
}

export interface Template {
  render: (content: IssueContent) => Promise<string>;
  /** Returns how many personal links it declares for this content. */
  declare: (content: IssueContent) => PlaceholderCounts;
}

/** Engines are loaded on first use: they are the slowest imports here, and React reads NODE_ENV when it loads. */
export const templates: Readonly<Record<TemplateRef, Template>> = {
  'react:digest': {
    render: async (content) => (await import('./react.ts')).renderReact(content),
    declare: digestLinks,
  },
  'mjml:digest': {
    render: async (content) => (await import('./mjml.ts')).renderMjml(content),
    declare: digestLinks,
  },
};

/**
 * Renders one variant with either engine. Deterministic: the same content gives the same bytes. The text part is
 * rendered from the content, not from the HTML, and is the same for both engines.
 *
 * @throws AppError `render-failed` when a template cannot render the content, or prints other personal links than
 * it declares.
 */
export function renderVariant(content: IssueContent, template: TemplateRef): Promise<RenderedVariant> {
  return renderBy(template, templates[template], content, createSecretLinks());
}

/** Renders one variant by any template, with the given personal links. */
export async function renderBy(
  name: string,
  { render, declare }: Template,
  content: IssueContent,
  secret: SecretLinks,
): Promise<RenderedVariant> {
  const safe = sanitize(content, secret.links);
  try {
    const links = { html: declare(safe), text: textLinks(safe) };
    const html = placePlaceholders(await render(safe), 'html', secret, links.html);
    const text = placePlaceholders(renderText(safe), 'text', secret, links.text);
    const { url } = content.newsletter;
    const bytes = {
      html: deliveredBytes(html, links.html, url),
      text: deliveredBytes(text, links.text, url),
    };
    return { subject: safe.subject, preheader: safe.preheader, html, text, bytes, links };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AppError(
      'render-failed',
      `Issue ${content.slug} could not be rendered with ${name}: ${reason}`,
      {
        help: 'Preview the issue, and mend or leave out the comparison or the template that is named.',
        cause,
        context: { issue: content.slug, template: name },
      },
    );
  }
}

/**
 * Renders a variant in the largest size that fits: above this size mail clients clip the end, which has the link to
 * unsubscribe (Gmail clips at about 102 kB). Steps of growing length find a size that fits, halving finds the largest:
 * few renders for a little too much as well as for far too much.
 *
 * @throws AppError `render-failed`.
 */
export async function renderToFit(
  full: IssueContent,
  template: TemplateRef,
): Promise<{ content: IssueContent; rendered: RenderedVariant }> {
  const first = { content: full, rendered: await renderVariant(full, template) };
  if (fits(first)) return first;
  const sizes = sizesOf(full);
  const renderSize = async (at: number) => {
    const content = timed(sizes[at] ?? full);
    return { content, rendered: await renderVariant(content, template) };
  };
  const smallest = sizes.length - 1;
  let tooLarge = 0;
  let at = Math.min(1, smallest);
  let best = await renderSize(at);
  for (let step = 2; !fits(best) && at < smallest; step *= 2) {
    tooLarge = at;
    at = Math.min(at + step, smallest);
    best = await renderSize(at);
  }
  while (at - tooLarge > 1) {
    const middle = Math.floor((at + tooLarge) / 2);
    const tried = await renderSize(middle);
    if (fits(tried)) [at, best] = [middle, tried];
    else tooLarge = middle;
  }
  return best;
}

function fits({ rendered }: { rendered: RenderedVariant }): boolean {
  return rendered.bytes.html <= SIZE_LIMITS.warn;
}

/** Renders a transactional email. Its engine is loaded on first use, like those of the issue. */
export async function renderTransactional(
  content: TransactionalContent,
): Promise<{ html: string; text: string }> {
  return (await import('./render-transactional.ts')).renderTransactional(content);
}
