import { comparisonUrl, type Site } from '../../platform/site.ts';
import type { StoredComparison } from '../comparison-store.ts';
import { comparisonSchema, type Tool } from '../model.ts';
import { title } from '../names.ts';
import { toolMark, verdict } from '../verdict.ts';

/**
 * A comparison as JSON-LD: schema.org's terms as far as they exist, and under `_verdict` the whole comparison as in
 * docs/sources.md, so that another installation reads exactly the same. The text is safe inside a script element: no
 * content can end the element.
 */
export function jsonLd(site: Site, { comparison, since, changedAt }: StoredComparison): string {
  const url = comparisonUrl(site, comparison.slug);
  const outcome = verdict(comparison.tools);
  return escapeForScript({
    '@context': 'https://schema.org',
    '@type': 'WebPage',
    '@id': url,
    url,
    name: title(comparison),
    description: `${outcome.words}. ${outcome.because}`,
    inLanguage: 'en',
    ...(comparison.publishedAt === null ? {} : { datePublished: since.toISOString() }),
    dateModified: changedAt.toISOString(),
    publisher: { '@type': 'Organization', name: site.newsletterName, url: `${site.publicUrl}/` },
    ...(comparison.url === url ? {} : { isBasedOn: comparison.url }),
    mainEntity: {
      '@type': 'ItemList',
      itemListElement: comparison.tools.map((tool, index) => ({
        '@type': 'ListItem',
        position: index + 1,
        item: application(tool),
      })),
    },
    // Without our readers' votes: another installation would take them for a source's.
    _verdict: comparisonSchema.parse(comparison),
  });
}

function application(tool: Tool) {
  return {
    '@type': 'SoftwareApplication',
    name: tool.name,
    applicationCategory: tool.category,
    alternativeHeadline: tool.tagline,
    description: tool.description,
    ...(tool.reviews.length === 0
      ? {}
      : {
          aggregateRating: {
            '@type': 'AggregateRating',
            ratingValue: tool.panelShip,
            bestRating: 100,
            worstRating: 0,
            ratingCount: tool.reviews.length,
            ratingExplanation: `Share of the panel that would ship it: ${toolMark(tool)}`,
          },
          review: tool.reviews.map(({ lens, quote }) => ({
            '@type': 'Review',
            reviewAspect: lens,
            reviewBody: quote,
            author: { '@type': 'Person', name: `The ${lens}` },
          })),
        }),
  };
}

/** Escapes `</script>`, `<!--` and the line separators that only JavaScript recognises (HTML §4.12.1.3). */
function escapeForScript(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
