/**
 * A mail to look at and not to follow: every link leads to where it stands, and not one other byte differs. What
 * is previewed can so be compared with what was submitted.
 */
export function disableLinks(html: string): string {
  return html.replace(TAG, (tag) =>
    tag.replace(ATTRIBUTE, (attribute, name: string, equals: string) =>
      name.toLowerCase() === 'href' ? `${name}${equals}"#"` : attribute,
    ),
  );
}

/** A tag with its attributes; quoted values may hold anything, `>` included. */
const TAG = /<[a-z][^\s/>]*(?:"[^"]*"|'[^']*'|[^"'>])*>/giu;
/** One after the other, so that a value is never taken for an attribute. */
const ATTRIBUTE = /(?<=\s)([^\s=>"'/]+)(\s*=\s*)(?:"[^"]*"|'[^']*'|[^\s"'>]+)/gu;
