import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import satisfies from 'spdx-satisfies';

/**
 * Which licences the packages have that are delivered with the program, from its bill of materials (CycloneDX, as `npm
 * sbom` writes it). A licence that nobody has looked at stops the change that brings it.
 */

/** What may be delivered beside MIT code without more than its notice; by SPDX identifier. */
const ALLOWED = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC-BY-4.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Unlicense',
];

/** Packages that say it in words of their own, which somebody has read: the licence, by name and version. */
const READ: Record<string, string> = {
  // "MIT (http://mootools.net/license.txt)"
  'slick@1.12.2': 'MIT',
};

export interface Component {
  name: string;
  version: string;
  licenses?: { expression?: string; license?: { id?: string; name?: string } }[];
}

export interface Listed {
  /** name@version */
  component: string;
  licence: string;
  isAllowed: boolean;
}

/** Each component once, by name. */
export function listLicences(components: readonly Component[]): Listed[] {
  const licences = new Map(components.map((each) => [`${each.name}@${each.version}`, licenceOf(each)]));
  return [...licences]
    .map(([component, licence]) => ({ component, licence, isAllowed: isAllowed(licence) }))
    .sort((a, b) => a.component.localeCompare(b.component, 'en'));
}

function licenceOf({ name, version, licenses = [] }: Component): string {
  const said = licenses.map(({ expression, license }) => expression ?? license?.id ?? license?.name ?? '');
  return said.filter((each) => each !== '').join(' AND ') || (READ[`${name}@${version}`] ?? 'not said');
}

function isAllowed(licence: string): boolean {
  try {
    return satisfies(licence, ALLOWED);
  } catch {
    // It is no SPDX expression.
    return false;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [file = ''] = process.argv.slice(2);
  const { components }: { components: Component[] } = JSON.parse(readFileSync(file, 'utf8'));
  const listed = listLicences(components);
  for (const { component, licence } of listed) console.log(`${component}\t${licence}`);
  const refused = listed.filter((each) => !each.isAllowed);
  for (const { component, licence } of refused)
    console.error(`${component} has a licence that is not on the list of .ci/licences.ts: ${licence}`);
  if (listed.length === 0) console.error(`${file} names no component`);
  process.exitCode = refused.length > 0 || listed.length === 0 ? 1 : 0;
}
