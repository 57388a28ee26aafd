/** A body that arrived completely but is invalid; the message is the reason. */
export class Unreadable extends Error {}

/**
 * Decodes the text of a body: by the charset of its Content-Type, the charset in its first kilobyte, or UTF-8.
 *
 * @throws Unreadable with the reason, when the bytes are invalid in that charset: readers must not see a wrong letter.
 */
export function decodeText(bytes: Uint8Array, contentType: string | null): string {
  const stated = /;\s*charset\s*=\s*["']?([^\s"';]+)/iu.exec(contentType ?? '')?.[1];
  const head = Buffer.from(bytes.subarray(0, 1_024)).toString('latin1');
  const own = /<meta[^>]+charset\s*=\s*["']?([\w-]+)|<\?xml[^>]+encoding\s*=\s*["']([\w-]+)/iu.exec(head);
  const charset = (stated ?? own?.[1] ?? own?.[2] ?? 'utf-8').toLowerCase();
  let text: string;
  try {
    text = new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch (error) {
    const isUnknown = error instanceof RangeError;
    throw new Unreadable(
      isUnknown ? `is in an unknown charset, "${charset.slice(0, 40)}"` : `is no text in ${charset}`,
    );
  }
  if (text.includes('\0')) throw new Unreadable(`is no text in ${charset}`);
  return text;
}

/** Types under which a page may be served; beyond that, the body decides, not its type. */
export function isPageType(contentType: string | null): boolean {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  return (
    type === '' || /^(?:text\/(?:html|plain|markdown)|application\/(?:xhtml\+xml|json|.*\+json))$/u.test(type)
  );
}
