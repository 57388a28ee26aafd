/**
 * Disables the links of a mail for a preview: every link leads to its own page, and no other byte changes. So a
 * preview can be compared with the submitted mail.
 */
export function disableLinks(html: string): string {
  return html.replace(TAG, (tag) =>
    tag.replace(ATTRIBUTE, (attribute, name: string, equals: string) =>
      name.toLowerCase() === 'href' ? `${name}${equals}"#"` : attribute,
    ),
  );
}

/** Matches a tag with its attributes; quoted values may contain anything, even `>`. */
const TAG = /<[a-z][^\s/>]*(?:"[^"]*"|'[^']*'|[^"'>])*>/giu;
/** Matches attributes one after the other, so that a value is never taken for an attribute. */
const ATTRIBUTE = /(?<=\s)([^\s=>"'/]+)(\s*=\s*)(?:"[^"]*"|'[^']*'|[^\s"'>]+)/gu;
