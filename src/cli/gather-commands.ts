import { readFile } from 'node:fs/promises';
import { saveComparisons } from '../comparisons/comparison-store.ts';
import type { Comparison } from '../comparisons/model.ts';
import { verdict } from '../comparisons/verdict.ts';
import { readSetting } from '../config/config.ts';
import { AppError } from '../platform/errors.ts';
import { parseUrl } from '../platform/url.ts';
import { readPage, readPageAt, userAgent } from '../sources/gather.ts';
import { quarantined } from '../sources/source-store.ts';
import { gatherAll } from '../workflow/week.ts';
import { openApp } from './open-app.ts';
import { type Context, say, sayJson } from './output.ts';

/** The commands that read comparisons into the database. */

interface Reporting {
  json?: boolean;
}

/** @returns the exit code: 1 when there is no source, or a source gave nothing. */
export async function gatherCommand(context: Context, options: Reporting): Promise<number> {
  await using app = await openApp(context);
  if (app.config.sources.length === 0) {
    throw new AppError('no-sources', 'There is nothing to gather from.', {
      help: 'Set SOURCES, for instance SOURCES=folder:samples/comparisons.',
    });
  }
  const { added, changed, unchanged, rejected, sources, changes } = await gatherAll(app);
  const faults = sources.flatMap(({ source, fault }) => (fault ? [{ source, reason: fault.message }] : []));
  const postponed = sources.reduce((sum, source) => sum + source.postponed, 0);
  const quarantine = (await quarantined(app.db, { limit: 0 })).total;
  if (options.json) {
    sayJson({ added, changed, unchanged, rejected, postponed, quarantine, faults, ...changes });
  } else {
    say(`${added} new, ${changed} changed, ${unchanged} unchanged, ${rejected.length} skipped`);
    for (const { name, reason } of rejected) say(`  skipped ${name}: ${reason}`);
    if (postponed > 0) say(`${postponed} left to the next gathering, because the time was over`);
    if (quarantine > 0) say(`${quarantine} in quarantine until they change, see \`verdict status\``);
    for (const { source, reason } of faults) say(`  ${source}: ${reason}`);
    for (const { source } of changes.failing) say(`Failing: ${source}`);
    for (const source of changes.recovered) say(`Recovered: ${source}`);
  }
  return faults.length > 0 ? 1 : 0;
}

/**
 * Reads one comparison page, prints the result, and saves it unless it is a dry run.
 * @param location of the page: a file or a URL.
 */
export async function importPage(
  context: Context,
  location: string,
  options: Reporting & { url?: string; dryRun?: boolean },
): Promise<void> {
  const comparison = /^https?:\/\//i.test(location)
    ? await pageAt(context, location)
    : await pageIn(context, location, options.url);
  if (options.json) sayJson({ ...comparison, verdict: verdict(comparison.tools) });
  else {
    say(`${verdict(comparison.tools).words}   (${comparison.slug})`);
    for (const tool of comparison.tools) {
      const community = tool.communityShip === null ? '—' : `${tool.communityShip}%`;
      say(
        `  ${tool.name} | ${tool.category} | panel ${tool.panelShip}% | community ${community} | ${tool.entryPrice}`,
      );
      for (const review of tool.reviews)
        say(`    ${review.lens}: ${review.quote.slice(0, 100)}${review.quote.length > 100 ? '…' : ''}`);
    }
  }
  if (options.dryRun) return;
  await using app = await openApp(context);
  const saved = await saveComparisons(app.db, [comparison]);
  const [refused] = saved.refused;
  if (refused !== undefined)
    throw new AppError('page-refused', `${location} was not saved: ${refused.reason}.`);
  if (!options.json)
    say(saved.added > 0 ? 'Saved as new.' : saved.changed > 0 ? 'Saved; it changed.' : 'Nothing new in it.');
}

async function pageIn({ env }: Context, file: string, url: string | undefined): Promise<Comparison> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new AppError('page-missing', `${file} cannot be read.`, {
      help: `${error.message}.`,
      cause: error,
    });
  });
  // A page without its own address gets an address on our site.
  return await readPage(text, {
    site: readSetting(env, 'PUBLIC_URL'),
    ...(url === undefined ? {} : { url }),
  });
}

async function pageAt({ env }: Context, url: string): Promise<Comparison> {
  if (parseUrl(url) === null) throw new AppError('page-missing', `${url} is no address.`);
  return await readPageAt(url, {
    userAgent: userAgent(readSetting(env, 'PUBLIC_URL')),
    ...(readSetting(env, 'ALLOW_PRIVATE_SOURCES') === '1' ? { mayReach: () => true } : {}),
  });
}
