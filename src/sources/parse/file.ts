import type { Comparison } from '../../comparisons/model.ts';
import { slugFor } from '../../comparisons/names.ts';
import type { Fault } from '../../platform/errors.ts';
import { Unreadable } from '../crawl/decode.ts';
import { checkComparison } from '../faults.ts';
import { bodyHash } from '../memory.ts';
import { readMarkdown } from './markdown.ts';

/** One comparison of a file, or its faults; `label` names the file and the place in it. */
export type Filed = { label: string } & ({ comparison: Comparison } | { faults: Fault[]; bodyHash: string });

/** More values than a 1 MB file with real content has. */
const MAX_VALUES = 5_000;

/**
 * Reads the comparisons of a file: JSON with one or an array of them, or markdown as in {@link readMarkdown}.
 *
 * @throws Unreadable with the reason, when it is none of these.
 */
export function readFile(name: string, kind: '.json' | '.md', bytes: Uint8Array): Filed[] {
  return valuesIn(name, kind, bytes).map(({ label, value }) => {
    const { comparison, faults } = checkComparison(withSlug(value));
    return comparison ? { label, comparison } : { label, faults, bodyHash: bodyHash(JSON.stringify(value)) };
  });
}

function valuesIn(
  name: string,
  kind: '.json' | '.md',
  bytes: Uint8Array,
): { label: string; value: unknown }[] {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Unreadable('not UTF-8 text');
  }
  if (kind === '.md') return [{ label: name, value: readMarkdown(text) }];
  const value = readJson(text);
  if (!Array.isArray(value)) return [{ label: name, value }];
  if (value.length > MAX_VALUES)
    throw new Unreadable(`lists more than ${MAX_VALUES.toLocaleString('en')} comparisons`);
  return value.map((entry: unknown, index) => ({ label: `${name}[${index}]`, value: entry }));
}

/** Makes a missing slug from the names. */
function withSlug(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || 'slug' in value) return value;
  const names = toolNames(value);
  return names ? { ...value, slug: slugFor(...names) } : value;
}

function toolNames(value: object): [string, string] | null {
  const tools: unknown = 'tools' in value ? value.tools : null;
  if (!Array.isArray(tools) || tools.length !== 2) return null;
  const names: unknown[] = tools.map((tool: unknown) =>
    typeof tool === 'object' && tool !== null && 'name' in tool ? tool.name : null,
  );
  const [a, b] = names;
  return typeof a === 'string' && typeof b === 'string' ? [a, b] : null;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const position = /position (\d+)/u.exec(message)?.[1];
    const line =
      position === undefined ? text.split('\n').length : text.slice(0, Number(position)).split('\n').length;
    throw new Unreadable(`not JSON: ${message.replace(/ in JSON at position.*$/u, '')}, line ${line}`);
  }
}
