import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Finding {
  id: string;
  nodes: { html: string; any: { data: { messageKey?: string } | null }[] }[];
}

/** Without the rules about whole web pages: a mail is shown inside another page. */
export const NO_PAGE_RULES = {
  rules: { 'landmark-one-main': { enabled: false }, region: { enabled: false } },
};

async function run(page: Page, options: object): Promise<Record<'violations' | 'incomplete', Finding[]>> {
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(source);
  return (await page.evaluate(`axe.run(document, ${JSON.stringify(options)})`)) as Awaited<
    ReturnType<typeof run>
  >;
}

const brief = (found: Finding[]) =>
  found.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));

/** The faults that axe is sure of in the current page: all that can be checked when the colours are not ours. */
export async function axeViolations(page: Page): Promise<string[]> {
  return brief((await run(page, {})).violations);
}

/**
 * The faults that axe finds in the current page, including a contrast that axe could not decide, because nothing else
 * checks it.
 * @param options of `axe.run`.
 * @param undecidable reasons for which a contrast need not be decided, by axe's names.
 */
export async function axeFaults(
  page: Page,
  options: object = {},
  undecidable: readonly string[] = [],
): Promise<string[]> {
  const { violations, incomplete } = await run(page, options);
  const unsure = incomplete
    .filter(({ id }) => id === 'color-contrast')
    .map(({ id, nodes }) => ({
      id,
      nodes: nodes.filter(({ any }) => !undecidable.includes(any[0]?.data?.messageKey ?? '')),
    }));
  return brief([...violations, ...unsure]);
}
